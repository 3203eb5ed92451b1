"""Build a wheel with the library, `evf-sam` and, where ROS 2 can generate them, the messages.

Where ROS 2 is installed, colcon builds the package from CMakeLists.txt and does not use this file.
In a virtual environment with the ros-* wheels of PyPI, the same CMakeLists.txt is installed to a
staging folder, and the wheel takes its files from there. Without ROS or a compiler, the wheel
contains only the Python package. The metadata is in pyproject.toml.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent.resolve()
NAME = "evf_sam_ros"

# Set to 0 to leave the messages out, to 1 to fail where they cannot be built.
MESSAGES = "EVF_SAM_ROS_MESSAGES"
GENERATORS = Path("share/rosidl_default_generators/cmake/rosidl_default_generatorsConfig.cmake")
TOOLS = (("cmake",), ("make", "ninja"), ("c++", "g++", "clang++"))  # one of each

SOURCES = (
    "CMakeLists.txt", "package.xml", "action", "config", "launch", "msg", "srv", NAME,
)  # fmt: skip
STAGED = ("lib", f"share/{NAME}", "share/ament_index")
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "*.c", "cmake", "environment", "python3*", "local_setup.*", "package.dsv",
    "parent_prefix_path",
)  # fmt: skip

# The message wheels export include directories of the machine that built them, and CMake refuses
# an imported target with a directory that does not exist. CMakeLists.txt need not know.
DROP_MISSING_DIRECTORIES = """
function(drop_missing_include_directories)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(directories)
      set(present "")
      foreach(directory IN LISTS directories)
        if(NOT IS_ABSOLUTE "${directory}" OR EXISTS "${directory}")
          list(APPEND present "${directory}")
        endif()
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${present}")
    endif()
  endforeach()
endfunction()
cmake_language(DEFER CALL drop_missing_include_directories)
"""


def prefixes() -> list[str]:
    """Return the prefixes of ROS packages: this environment, then a sourced installation."""
    sourced = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return [sys.prefix, *filter(None, sourced)]


def missing_for_messages() -> list[str]:
    """Return what building the messages lacks here: tools, and ROS packages."""
    tools = [names[0] for names in TOOLS if not any(map(shutil.which, names))]
    generators = any((Path(prefix) / GENERATORS).is_file() for prefix in prefixes())
    return tools if generators else [*tools, "the ROS 2 message generators"]


def builds_messages() -> bool:
    """Decide by the environment variable, else by the tools of this machine."""
    wish = os.environ.get(MESSAGES, "auto")
    if wish not in ("auto", "0", "1"):
        raise SystemExit(f"{MESSAGES} is {wish!r}, need 'auto', '0' or '1'")
    missing = missing_for_messages()
    if wish == "1" and missing:
        raise SystemExit(f"cannot build the messages, not found: {', '.join(missing)}")
    return wish != "0" and not missing


class WheelDistribution(Distribution):
    """A platform wheel if it contains compiled type support, else a pure one."""

    with_messages = builds_messages()

    def has_ext_modules(self) -> bool:
        return self.with_messages


class BuildWithMessages(build_py):
    """Collect the Python package, from the staging folder if messages are built."""

    def run(self) -> None:
        if self.editable_mode:
            raise SystemExit(
                "no editable install, the messages are generated: `pip install .` once and put "
                "the source tree first on sys.path (`make setup` does)"
            )
        shutil.rmtree(Path(self.build_lib) / NAME, ignore_errors=True)  # of an earlier build
        if not self.distribution.with_messages:
            super().run()
            return
        stage = self._stage()
        package = next(stage.glob(f"lib/python3*/*-packages/{NAME}"))
        shutil.copytree(package, Path(self.build_lib) / NAME, ignore=LEFT_OUT)
        self.distribution.data_files = _data_files(stage)

    def _stage(self) -> Path:
        """Configure, build and install with CMake; return the folder it was installed to."""
        work = Path(self.get_finalized_command("build").build_temp).resolve()
        source, stage = work / "source", work / "stage"
        shutil.rmtree(work, ignore_errors=True)  # a cache of another environment fails oddly
        _copy_sources(source)
        injected = work / "drop_missing_directories.cmake"
        injected.write_text(DROP_MISSING_DIRECTORIES)
        environment = dict(os.environ)
        environment.pop("PYTHONPATH", None)  # pip's build isolation, which hides the generators
        for name in ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"):
            paths = [sys.prefix, os.environ.get(name, "")]
            environment[name] = os.pathsep.join(filter(None, paths))
        configure = [
            *("cmake", "-S", source, "-B", work / "cmake"),
            *("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF"),
            f"-DCMAKE_INSTALL_PREFIX={stage}",
            f"-DPython3_EXECUTABLE={sys.executable}",
            f"-DCMAKE_PROJECT_{NAME}_INCLUDE={injected}",
        ]
        jobs = str(os.cpu_count() or 1)
        build = ["cmake", "--build", work / "cmake", "--target", "install", "--parallel", jobs]
        for command in (configure, build):
            subprocess.run(command, env=environment, check=True)
        return stage


def _copy_sources(to: Path) -> None:
    """Copy the sources away from .venv: CMake refuses headers below its source folder."""
    to.mkdir(parents=True)
    for name in SOURCES:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, to / name, ignore=LEFT_OUT)
        elif (HERE / name).exists():
            shutil.copy2(HERE / name, to / name)


def _data_files(stage: Path) -> list[tuple[str, list[str]]]:
    """Pair each staged folder outside the Python package with the files to install into it."""
    found = []
    for top in STAGED:
        for folder, subfolders, names in os.walk(stage / top):
            skipped = LEFT_OUT(folder, subfolders + names)
            subfolders[:] = sorted(set(subfolders) - skipped)
            files = [os.path.join(folder, name) for name in sorted(set(names) - skipped)]
            if files:
                found.append((os.path.relpath(folder, stage), files))
    return found


# Everything else that describes the package is in pyproject.toml.
setup(distclass=WheelDistribution, cmdclass={"build_py": BuildWithMessages})
