"""The dependency rules of docs/explanation/architecture.md, checked on every import statement."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "evf_sam_ros"
ROS = {
    "rclpy", "sensor_msgs", "geometry_msgs", "std_msgs", "std_srvs", "visualization_msgs",
    "diagnostic_msgs", "lifecycle_msgs", "rcl_interfaces", "cv_bridge", "tf2_ros",
    "evf_sam_ros.msg", "evf_sam_ros.srv", "evf_sam_ros.action",
}  # fmt: skip
MAY_IMPORT = {
    "models": set(),
    "sim": set(),
    "pictures": set(),
    "data": {"pictures"},
    "language": {"models"},
    "engines": {"models"},
    "perception": {"models", "language", "pictures", "engines"},
    "evaluation": {"models", "language", "pictures", "perception", "sim", "data"},
    "recordings": {"models", "language", "pictures", "perception"},
    "training": {"models", "language", "pictures", "perception", "evaluation", "sim", "data"},
    "ros": {"models", "language", "pictures", "perception", "sim"},
    "cli": {
        "models", "language", "pictures", "engines", "perception", "evaluation", "recordings",
        "training", "sim", "data", "ros",
    },
}  # fmt: skip
NETWORK_PACKAGES = {"torch", "segment_anything", "safetensors", "numpy"}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module, packages):
    return any(module == name or module.startswith(name + ".") for name in packages)


def offences(path, forbidden):
    return [module for module in imported_modules(path) if is_within(module, forbidden)]


def source_files(layer):
    files = list((PACKAGE / layer).rglob("*.py"))
    assert files
    return files


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_what_lies_below_it(layer):
    layers_above = MAY_IMPORT.keys() - MAY_IMPORT[layer] - {layer}
    forbidden = {f"evf_sam_ros.{name}" for name in layers_above}
    if layer not in ("ros", "cli"):
        forbidden |= ROS
    for path in source_files(layer):
        broken = offences(path, forbidden)
        assert not broken, f"{path.relative_to(PACKAGE)} imports {broken}"


def test_the_layers_are_all_the_packages_there_are():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == set(MAY_IMPORT)


def test_the_networks_need_torch_and_nothing_of_ours():
    others = {"cv2", "PIL", "tokenizers", "sentencepiece", "mujoco", "tqdm", "scipy"}
    for path in source_files("models"):
        broken = offences(path, others)
        assert not broken, f"{path.name} imports {broken}; the networks may use {NETWORK_PACKAGES}"


def test_ros_and_training_are_imported_by_the_command_line_alone_and_only_when_asked():
    tree = ast.parse((PACKAGE / "cli" / "command_line.py").read_text())
    at_the_top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [getattr(node, "module", None) or node.names[0].name for node in at_the_top]
    lazy = {"evf_sam_ros.ros", "evf_sam_ros.training", "evf_sam_ros.sim", "torch"}
    assert not [name for name in names if is_within(name, lazy | ROS)]


def loaded_by(statement):
    """Names of all modules that a fresh interpreter holds after a statement."""
    script = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, cwd=PACKAGE.parent,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_the_predictor_never_imports_ros():
    modules = loaded_by("import evf_sam_ros.perception.predictor")
    assert "torch" in modules
    assert not {module for module in modules if is_within(module, ROS)}


def test_importing_the_package_is_instant():
    modules = loaded_by("import evf_sam_ros")
    assert not modules & {"torch", "cv2", "numpy", "mujoco", "rclpy"}


def imports_at_load(path):
    """Yield our modules that a file imports at once; what its functions import later is out."""
    tree = ast.parse(path.read_text())
    nodes = [each for each in tree.body if not is_for_types_only(each)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.startswith(PACKAGE.name):
            for alias in node.names:
                yield node.module
                yield f"{node.module}.{alias.name}"


def is_for_types_only(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def test_no_modules_import_each_other_in_a_circle():
    files = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    imports = {name: set(imports_at_load(path)) & files.keys() for name, path in files.items()}
    sorter = graphlib.TopologicalSorter(imports)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_hardly_any_two_modules_have_the_same_name():
    own = ("__init__.py", "__main__.py")
    names = Counter(path.name for path in PACKAGE.rglob("*.py") if path.name not in own)
    assert len([name for name, count in names.items() if count > 1]) <= 3
