"""The dependency rules of docs/explanation/architecture.md, checked on every import statement."""

import ast
import subprocess
import sys
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
