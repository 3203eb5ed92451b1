# Nothing to install by hand: every target first brings .venv up to date.
PYTHON ?= python3
ROS ?= kilted

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --constraint constraints.txt
EXTRAS := sim,encoders,web,mcp,training,parquet,onnxruntime,docs,dev
REQUIREMENTS := pyproject.toml requirements-ros-$(ROS).txt
PACKAGED := $(wildcard msg/*.msg srv/*.srv action/*.action config/* config/*/* launch/*) \
	CMakeLists.txt package.xml setup.py pyproject.toml
# PyTorch's wheels on PyPI contain gigabytes of CUDA libraries, useful only with an NVIDIA driver.
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
CPU_TORCH := "torch==$(TORCH)+cpu" --no-deps --retries 1 \
	--extra-index-url https://download.pytorch.org/whl/cpu
HAS_CUDA := nvidia-smi --list-gpus >/dev/null 2>&1

.DELETE_ON_ERROR:
.PHONY: help setup demo test test-unit lint format docs clean

help:
	@echo "make demo              simulated camera and node; pictures and numbers in demo_output/"
	@echo "make demo TEXT='...'   ask for one thing more     SEED=7: another scene     RECORD=bag: record it"
	@echo "make test              lint, then the fast tests"
	@echo "make test-unit         the tests that start no processes and no ROS nodes, in a minute"
	@echo "make docs              the documentation as a site, in site/"
	@echo "make setup             only prepare .venv        make clean    remove what was made"

setup: $(STAMPS)/package $(STAMPS)/opengl

demo: export TEXT := $(TEXT)
demo: setup
	@$(BIN)/python -m evf_sam_ros.ros.demo.demo $(if $(SEED),--seed $(SEED)) \
		$(if $(MODEL),--model "$(MODEL)") $(if $(PORT),--port "$(PORT)") $(if $(RECORD),--record "$(RECORD)") $(if $(TEXT),-- "$$TEXT")

test: lint
	$(BIN)/python -m pytest

test-unit: setup
	$(BIN)/python -m pytest -m "not slow and not gpu and not integration"

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "see site/index.html"

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist site demo_output example_output *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
		"$(PYTHON) is too old: make PYTHON=... with 3.10 or newer")'
	@echo "setup: new environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) setuptools wheel
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/torch: constraints.txt | $(STAMPS)/venv
	@echo "setup: PyTorch $(TORCH)"
	@if $(HAS_CUDA); then $(INSTALL) torch; else $(INSTALL) $(CPU_TORCH) || $(INSTALL) torch; fi
	@touch $@

$(STAMPS)/dependencies: $(REQUIREMENTS) $(STAMPS)/torch
	@echo "setup: libraries and ROS 2 $(ROS)"
	@EVF_SAM_ROS_MESSAGES=0 $(INSTALL) --no-build-isolation ".[$(EXTRAS)]" \
		--requirement requirements-ros-$(ROS).txt
	@touch $@

# The installed copy provides the messages and the shared files. The modules are imported from the
# source tree, so an edited file needs no new installation.
$(STAMPS)/package: $(PACKAGED) $(STAMPS)/dependencies
	@echo "setup: messages of evf_sam_ros"
	@EVF_SAM_ROS_MESSAGES=1 $(INSTALL) --no-build-isolation --no-deps --force-reinstall .
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" | while read -r to; \
		do echo 'import sys; sys.path.insert(0, "$(CURDIR)")' >"$$to/evf_sam_ros_source.pth"; done
	@touch $@

# Rendering without a screen is the one thing pip cannot bring.
OPENGL := libegl1 libgl1-mesa-dri
RENDERS := MUJOCO_GL=egl $(BIN)/python -c "import mujoco; mujoco.GLContext(8, 8)" >/dev/null 2>&1
$(STAMPS)/opengl: $(STAMPS)/dependencies
	@$(RENDERS) || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		echo "setup: $(OPENGL)" && apt-get -qq update && apt-get -qq install -y $(OPENGL); } || true
	@$(RENDERS) || { echo "The simulator needs OpenGL without a screen. Install it once by:" \
		"sudo apt-get install $(OPENGL)"; exit 1; }
	@touch $@
