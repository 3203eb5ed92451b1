"""The files that build, install and describe the package agree with each other and the code."""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from fnmatch import fnmatch
from pathlib import Path
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest
from patience import patience

import evf_sam_ros

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "evf_sam_ros"
MODEL = PACKAGE / "models" / "tabletop"
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
CMAKE = (ROOT / "CMakeLists.txt").read_text()
NOT_IMPORTED = {"dev", "docs"}  # extras for work on the package
IMPORTED_AS = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "ruamel.yaml": "ruamel",
    "backports.zstd": "backports",
    "tensorboardx": "tensorboardX",
}
# Imported only where installed; LIBERO and robosuite in an environment of their own.
OPTIONAL = {
    "hri_msgs", "libero", "robosuite", "tensorrt", "tf2_msgs", "vision_msgs", "whisper_msgs",
}  # fmt: skip
NEWER_PYTHON = {"compression"}  # of the standard library from 3.14 on


def manifest(*kinds):
    return {element.text for kind in kinds for element in MANIFEST.findall(kind)}


def requirements(name):
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line]


def project_table():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared(*, left_out=frozenset()):
    """Return what pyproject.toml requires, with all extras but some."""
    table = project_table()
    extras = table["optional-dependencies"]
    wanted = [extras[name] for name in extras if name not in left_out]
    return {project(line) for lines in (table["dependencies"], *wanted) for line in lines}


def project(requirement):
    return re.match(r"[\w.-]+", requirement).group().lower()


def imported_packages():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module.partition(".")[0]


def test_every_import_is_declared():
    pip = declared(left_out=NOT_IMPORTED)
    modules = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in pip}
    known = modules | manifest("depend", "exec_depend") | OPTIONAL | NEWER_PYTHON | {"evf_sam_ros"}
    undeclared = set(imported_packages()) - known - sys.stdlib_module_names
    assert not undeclared, "declare them in pyproject.toml or package.xml"


def test_messages_build_on_the_packages_that_package_xml_names():
    packages = re.search(r"set\(message_packages (.*?)\)", CMAKE).group(1).split()
    assert set(packages) == manifest("depend")


def test_messages_use_only_declared_packages():
    for path in [*ROOT.glob("msg/*.msg"), *ROOT.glob("srv/*.srv"), *ROOT.glob("action/*.action")]:
        used = set(re.findall(r"^(\w+)/\w", path.read_text(), re.MULTILINE))
        assert used <= manifest("depend") | {"evf_sam_ros"}, path.name


@pytest.mark.parametrize("release", ["jazzy", "kilted"])
def test_the_wheels_of_ros_contain_every_message_package_we_import(release):
    wheels = {project(line) for line in requirements(f"requirements-ros-{release}.txt")}
    needed = {name for name in set(imported_packages()) if name.endswith(("_msgs", "_srvs"))}
    missing = {f"ros-{release}-{name.replace('_', '-')}" for name in needed - OPTIONAL} - wheels
    assert not missing


def test_every_library_is_pinned_in_constraints():
    pinned = {project(line) for line in requirements("constraints.txt") if "==" in line}
    assert not declared() - pinned


def test_every_executable_starts_a_module_that_has_a_main():
    executables = dict(re.findall(r"^\s+([\w-]+)=([\w.]+)", CMAKE, re.MULTILINE))
    assert {"evf_sam_node", "sim_camera", "demo", "evf-sam"} <= executables.keys()
    for module in executables.values():
        tree = ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text())
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert "main" in functions, module


def test_what_is_installed_is_what_is_here():
    packages = pytest.importorskip("ament_index_python.packages", reason="ROS is not installed")
    prefix = {"AMENT_PREFIX_PATH": os.environ.get("AMENT_PREFIX_PATH", sys.prefix)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(prefix.items())))
        share = packages.get_package_share_path("evf_sam_ros")
    files = [
        path
        for folder in ("action", "config", "launch", "msg", "srv")
        for path in ROOT.glob(f"{folder}/*.*")
    ]
    assert len(files) > 6
    for path in files:
        installed = share / path.relative_to(ROOT)
        assert installed.read_text() == path.read_text(), f"{installed} is old, run make setup"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel as on a machine that has neither ROS nor a compiler."""
    source = tmp_path_factory.mktemp("source")
    copytree(PACKAGE, source / PACKAGE.name, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        (source / name).write_text((ROOT / name).read_text())
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    nothing = source / "no_programs"
    nothing.mkdir()
    bare = {**os.environ, "PATH": str(nothing), "EVF_SAM_ROS_MESSAGES": "auto"}
    subprocess.run([*command, "-w", source, source], env=bare, check=True, timeout=patience(120.0))
    with ZipFile(next(source.glob("*.whl"))) as archive:
        yield archive


def metadata(wheel, name):
    return wheel.read(next(each for each in wheel.namelist() if each.endswith(name))).decode()


def test_a_wheel_without_ros_serves_every_platform_and_holds_no_messages(wheel):
    assert wheel.filename.endswith("-py3-none-any.whl")
    assert not [name for name in wheel.namelist() if re.search(r"/(msg|srv|action)/|\.so$", name)]


def test_a_wheel_holds_every_module_and_the_whole_default_model(wheel):
    modules = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*.py")}
    model = {str(path.relative_to(ROOT)) for path in MODEL.glob("*")}
    assert modules | model | {"evf_sam_ros/py.typed"} <= set(wheel.namelist())
    assert model, "the default model is missing"


def test_a_wheel_brings_the_command_and_asks_for_its_libraries(wheel):
    assert "evf-sam = evf_sam_ros.cli:main" in metadata(wheel, "entry_points.txt")
    lines = re.findall(r"^Requires-Dist: (.*)$", metadata(wheel, "METADATA"), re.MULTILINE)
    asked = [line for line in lines if "extra ==" not in line]
    table = project_table()
    assert {project(each) for each in asked} == set(map(project, table["dependencies"]))
    for extra in table["optional-dependencies"]:
        assert f"Provides-Extra: {extra}\n" in metadata(wheel, "METADATA")


def test_version_and_description_are_the_same_everywhere(wheel):
    version, said = evf_sam_ros.__version__, metadata(wheel, "METADATA")
    citation = (ROOT / "CITATION.cff").read_text()
    assert MANIFEST.findtext("version") == version
    assert f"\nVersion: {version}\n" in said
    assert f"\nversion: {version}\n" in citation
    assert f"\nSummary: {MANIFEST.findtext('description')}\n" in said
    assert "\nLicense-Expression: Apache-2.0\n" in said


def test_what_make_setup_installs_is_an_extra():
    extras = re.search(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert set(extras.split(",")) <= project_table()["optional-dependencies"].keys()


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [("perhaps", "need 'auto', '0' or '1'"), ("1", "not found: cmake, make, c++")],
)
def test_messages_that_cannot_be_built_are_refused_with_the_reason(wish, complaint, tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path), "EVF_SAM_ROS_MESSAGES": wish}
    command = [sys.executable, "setup.py", "--name"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_what_the_tools_leave_behind_is_not_committed():
    ignored = (ROOT / ".gitignore").read_text().split()
    for name in (".venv/", "build/", "install/", "log/", "demo_output/", "__pycache__/"):
        assert any(fnmatch(name, pattern) for pattern in ignored), name


def test_the_licence_is_the_one_that_package_xml_names():
    assert MANIFEST.findtext("license") == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("release", ["humble", "jazzy", "lyrical"])
def test_the_dockerfile_of_a_release_is_the_recipe_of_the_guide(release):
    text = (ROOT / "docker" / f"Dockerfile.{release}").read_text()
    instructions = [line.split()[0] for line in re.sub(r"\\\n", " ", text).splitlines() if line]
    known = {"#", "FROM", "SHELL", "ENV", "RUN", "COPY", "CMD"}
    assert set(instructions) <= known
    assert f"FROM ros:{release}-ros-base" in text
    assert "--system-site-packages" in text
    assert "break-system-packages" not in text
    assert ("numpy<2" in text) == (release != "lyrical")
