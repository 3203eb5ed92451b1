"""The launch files, read as text where `launch` is not installed and run where it is."""

import ast
import importlib.util
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
PROMISED = {
    "evf_sam.launch.py": {"image", "depth", "camera_info", "params_file", "rviz"},
    "demo.launch.py": {"seed", "rviz"},
}


def calls(path, name):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
            yield node


def declared(path):
    return {
        call.args[0].value: {keyword.arg for keyword in call.keywords}
        for call in calls(path, "DeclareLaunchArgument")
    }


def ids(paths):
    return [path.name for path in paths]


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_every_argument_has_a_default_and_a_description(path):
    assert PROMISED[path.name] <= declared(path).keys()
    for name, keywords in declared(path).items():
        assert keywords == {"default_value", "description"}, name


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_only_declared_arguments_are_used(path):
    tree = ast.parse(path.read_text())
    lists = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
    }
    literal = {
        call.args[0].value
        for call in calls(path, "LaunchConfiguration")
        if isinstance(call.args[0], ast.Constant)
    }
    looped = {name for key in ("INPUTS", "OVERRIDES", "PASSED_ON") for name in lists.get(key, ())}
    assert literal | looped == declared(path).keys()


def test_the_demo_passes_on_what_the_other_file_declares():
    passed_on = next(
        ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "launch" / "demo.launch.py").read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "PASSED_ON"
    )
    assert set(passed_on) <= declared(ROOT / "launch" / "evf_sam.launch.py").keys()


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_a_launch_description_is_made(path):
    pytest.importorskip("launch_ros", reason="launch_ros comes with a ROS installation only")
    spec = importlib.util.spec_from_file_location("launch_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.generate_launch_description().entities


def test_the_shipped_parameter_file_names_parameters_that_exist_and_differ_from_the_default():
    parameters = pytest.importorskip("evf_sam_ros.ros.parameters", reason="ROS is not installed")
    document = yaml.safe_load((ROOT / "config" / "evf_sam.yaml").read_text())
    given = document["/**/evf_sam"]["ros__parameters"]
    default = parameters.NodeParameters()
    assert given
    for name, value in given.items():
        assert getattr(default, name) != value


def test_rviz_shows_topics_that_the_launch_file_moves_into_a_namespace():
    rviz = yaml.safe_load((ROOT / "config" / "evf_sam.rviz").read_text())
    displays = rviz["Visualization Manager"]["Displays"]
    shown = {each["Topic"]["Value"] for each in displays if "Topic" in each}
    text = (ROOT / "launch" / "evf_sam.launch.py").read_text()
    moved = ast.literal_eval(text.partition("SHOWN = ")[2].partition("\n")[0])
    assert shown == {f"/evf_sam/{name}" for name in moved}
