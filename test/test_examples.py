"""Every script of examples/ runs as its README says, and does what its heading says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


@pytest.fixture
def environment(tmp_path):
    """Put this interpreter and an `evf-sam` of this source tree first on the path."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, module in (("python", ""), ("evf-sam", "-m evf_sam_ros.cli ")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        program.chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def started(environment, name, *given):
    command = [sys.executable] if name.endswith(".py") else ["bash"]
    done = subprocess.run(
        [*command, str(EXAMPLES / name), *map(str, given)],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_every_example_is_short_and_listed():
    scripts = [path for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh")]
    readme = (EXAMPLES / "README.md").read_text()
    assert scripts
    for path in scripts:
        assert len(path.read_text().splitlines()) < 80, path.name
        assert f"({path.name})" in readme, path.name


def test_the_library_example_finds_the_bottle_and_no_blue_mug(environment):
    printed = started(environment, "library.py")
    assert "the red bottle: " in printed
    assert "pixels around" in printed.splitlines()[0]
    assert "the blue mug: not found" in printed


def test_the_command_line_example_writes_what_it_names(environment, tmp_path):
    started(environment, "command_line.sh", tmp_path / "out")
    for name in ("drawn.png", "mask.png"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    assert json.loads((tmp_path / "out" / "answer.json").read_text())


@pytest.mark.slow
def test_the_evaluation_example_compares_two_precisions(environment, tmp_path):
    assert "ciou" in started(environment, "evaluation.sh", tmp_path, 2)
    assert (tmp_path / "difference" / "index.html").is_file()


@pytest.mark.slow
def test_the_fine_tuning_example_makes_a_model_that_is_evaluated(environment, tmp_path):
    started(environment, "fine_tuning.sh", tmp_path, 10, 2)
    assert (tmp_path / "run" / "model" / "config.json").is_file()
    assert (tmp_path / "report" / "figures.json").is_file()
