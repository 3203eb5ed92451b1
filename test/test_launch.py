"""The launch files: read, evaluated, and what they start started for real."""

import ast
import importlib.util
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import launch_stand_in
import pytest
import yaml
from launch_stand_in import Process
from patience import patience

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
SHARES = {"evf_sam_ros": ROOT, "zed_wrapper": Path("/not/installed/zed_wrapper")}
HERE = str(Path(__file__).parent)  # a folder that exists
NEEDED = {"bag.launch.py": {"bag": HERE}, "image_files.launch.py": {"files": HERE}}
PROGRAMS = {
    "realsense2_camera": "realsense2_camera_node",
    "usb_cam": "usb_cam_node_exe",
    "zed_wrapper": "",
    "ros2bag": "",
    "rviz2": "rviz2",
}
PRESETS = {"realsense", "zed", "usb_camera", "image_files", "bag", "simulation"}
COMMON = {"image", "depth", "camera_info", "text_command", "params_file", "namespace", "rviz"}
MODULES = dict(re.findall(r"^\s+([\w-]+)=([\w.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M))
PATIENCE_S = patience(120.0)  # for one that hangs


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """Install all drivers, as far as the package index and the programs' files go."""
    pytest.importorskip("ament_index_python", reason="ROS is not installed")
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    for package, program in PROGRAMS.items():
        (index / package).touch()
        if program:
            (tmp_path / "lib" / package).mkdir(parents=True)
            (tmp_path / "lib" / package / program).touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    return tmp_path


def evaluate(name, **arguments):
    return launch_stand_in.evaluate(
        ROOT / "launch" / name, SHARES, **{**NEEDED.get(name, {}), **arguments}
    )


def started(context, executable):
    """Return the one process with this executable."""
    (process,) = [
        each for each in context.started if getattr(each, "executable", "") == executable
    ]
    return process


def ids(paths):
    return [path.name for path in paths]


def test_there_is_a_preset_for_every_kind_of_camera():
    assert {path.name.removesuffix(".launch.py") for path in FILES} == PRESETS | {
        "evf_sam",
        "demo",
    }


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_every_argument_is_described_and_only_what_cannot_be_known_has_no_default(path):
    context = evaluate(path.name)
    assert context.declared.keys() >= COMMON
    for name, argument in context.declared.items():
        assert argument.description
        needed = name in NEEDED.get(path.name, {})
        assert (argument.default_value is None) == needed, name


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_only_declared_arguments_are_read(path):
    declared = evaluate(path.name).declared
    tree = ast.parse(path.read_text())
    read = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "LaunchConfiguration"
        and isinstance(node.args[0], ast.Constant)
    }
    assert read <= declared.keys()


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_the_node_and_its_camera_share_the_profile_of_fast_dds(path, monkeypatch):
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE", raising=False)
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    processes = [each for each in evaluate(path.name).started if isinstance(each, Process)]
    assert processes
    for process in processes:
        profile = Path(process.environment["FASTDDS_DEFAULT_PROFILES_FILE"])
        assert "SHM" in profile.read_text()
    monkeypatch.setenv("ROS_DISTRO", "humble")
    older = started(evaluate(path.name), "evf_sam_node").environment
    assert set(older) == {"FASTRTPS_DEFAULT_PROFILES_FILE"}
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", "of the user's")
    assert started(evaluate(path.name), "evf_sam_node").environment == {}


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_everything_goes_into_the_namespace(path):
    processes = [
        each
        for each in evaluate(path.name, namespace="left", web="true", rviz="true").started
        if isinstance(each, Process)
    ]
    assert {process.namespace for process in processes} == {"/left"}
    for process in processes:
        for topic in process.remappings.values():
            assert not topic.startswith("/"), f"{topic} would leave the namespace"


@pytest.mark.parametrize("name", ["realsense", "zed", "usb_camera"])
def test_a_driver_that_runs_already_is_not_started_again(name):
    with_driver = evaluate(f"{name}.launch.py").started
    without = evaluate(f"{name}.launch.py", driver="false").started
    assert len(with_driver) == len(without) + 1


@pytest.mark.parametrize("name", ["evf_sam", *sorted(PRESETS)])
def test_a_topic_given_by_the_user_is_the_one_that_is_used(name):
    context = evaluate(f"{name}.launch.py", image="/mine/image", web="true")
    for executable in ("evf_sam_node", "page"):
        remappings = started(context, executable).remappings
        assert remappings["image"] == "/mine/image"
        assert remappings["image/compressed"] == "/mine/image/compressed"


def test_the_realsense_preset_asks_for_depth_registered_to_colour():
    context = evaluate("realsense.launch.py", serial_no="0123", camera_name="wrist")
    driver = started(context, "realsense2_camera_node")
    (parameters,) = driver.parameters
    assert parameters["align_depth.enable"] is True
    assert parameters["serial_no"] == "0123"  # a text: as a number it would be refused
    assert started(context, "evf_sam_node").remappings["depth"] == (
        "wrist/aligned_depth_to_color/image_raw"
    )


def test_the_zed_preset_keeps_its_own_namespace_from_the_drivers():
    context = evaluate("zed.launch.py", namespace="left")
    assert context.started[-1] == "/not/installed/zed_wrapper/launch/zed_camera.launch.py"
    assert context.launch_configurations["namespace"] == "left"


def test_the_bag_preset_follows_the_recordings_time(tmp_path):
    context = evaluate("bag.launch.py", bag=str(tmp_path), loop="true", rate="0.5")
    (play,) = [each for each in context.started if isinstance(each, list)]
    assert play[:4] == ["ros2", "bag", "play", str(tmp_path)]
    assert {"--clock", "--loop"} < set(play)
    assert started(context, "evf_sam_node").parameters[1]["use_sim_time"] is True


def test_the_parameter_file_decides_what_the_command_line_leaves_empty():
    node = started(evaluate("evf_sam.launch.py"), "evf_sam_node")
    assert node.parameters[1] == {"use_sim_time": False}
    given = started(evaluate("evf_sam.launch.py", image_transport="compressed"), "evf_sam_node")
    assert given.parameters[1]["image_transport"] == "compressed"


def test_the_page_is_served_on_request_and_on_this_machine():
    assert "page" not in str(evaluate("simulation.launch.py").started)
    for name, arguments in (("demo", {}), ("evf_sam", {"web": "true"})):
        page = started(evaluate(f"{name}.launch.py", **arguments), "page")
        assert page.parameters == ({"port": 8420, "host": "127.0.0.1"},)


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_every_executable_of_ours_is_installed_and_takes_the_parameters_it_is_given(path):
    pytest.importorskip("rclpy", reason="ROS is not installed")
    from evf_sam_ros.ros.cameras.image_files_node import ImageFilesParameters
    from evf_sam_ros.ros.cameras.sim_camera_node import CameraParameters
    from evf_sam_ros.ros.parameters import NodeParameters
    from evf_sam_ros.ros.web.page_node import PageParameters

    takes = {
        "evf_sam_node": NodeParameters, "sim_camera": CameraParameters,
        "image_files": ImageFilesParameters, "page": PageParameters,
    }  # fmt: skip
    given = {"model": "007", "device": "cpu", "engine": "torch", "image_transport": "raw"}
    given |= {"mode": "once", "score_threshold": "0.5", "max_rate_hz": "2.5", "use_depth": "false"}
    context = evaluate(path.name, web="true", **given)
    for process in context.started:
        if getattr(process, "package", "") == "evf_sam_ros":
            assert process.executable in MODULES
            settings = takes[process.executable]()
            for parameters in filter(lambda each: isinstance(each, dict), process.parameters):
                for name, value in parameters.items():
                    expected = type(getattr(settings, name, False))  # use_sim_time: ROS's own
                    assert type(value) is expected, name


BROKEN = {
    "realsense": ("driver", "realsense2_camera", "sudo apt install ros-kilted-realsense2-camera"),
    "usb_camera": ("driver", "usb_cam", "sudo apt install ros-kilted-usb-cam"),
    "zed": ("driver", "zed_wrapper", "build zed-ros2-wrapper"),
    "bag": ("play", "ros2bag", "sudo apt install ros-kilted-rosbag2"),
}


def refusal(name, **arguments):
    """Return what a launch file says that must not start anything."""
    needed = {**NEEDED.get(name, {}), **arguments}
    with pytest.raises(RuntimeError) as raised, launch_stand_in.recorded() as processes:
        launch_stand_in.evaluate(ROOT / "launch" / name, SHARES, **needed)
    assert processes == []
    return str(raised.value)


@pytest.mark.parametrize("name", BROKEN)
def test_a_missing_driver_is_one_sentence_and_nothing_is_started(name, installed, monkeypatch):
    switch, package, cure = BROKEN[name]
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    (installed / "share" / "ament_index" / "resource_index" / "packages" / package).unlink()
    said = refusal(f"{name}.launch.py")
    assert package in said
    assert cure in said
    assert f"{switch}:=false" in said
    assert evaluate(f"{name}.launch.py", **{switch: "false"}).started


def test_a_driver_whose_program_is_missing_is_not_installed(installed):
    (installed / "lib" / "usb_cam" / "usb_cam_node_exe").unlink()
    assert "usb_cam" in refusal("usb_camera.launch.py")


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_rviz_that_is_not_installed_starts_nothing(path, installed):
    (installed / "lib" / "rviz2" / "rviz2").unlink()
    assert evaluate(path.name).started
    assert "rviz2" in refusal(path.name, rviz="true")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("rviz", "maybe"), ("web", "yes"), ("respawn", "often"), ("use_sim_time", "2"),
        ("mode", "always"), ("image_transport", "theora"), ("log_level", "loud"),
        ("use_depth", "no"), ("autostart", "later"), ("params_file", "/no/such/file.yaml"),
        ("rviz_config", "/no/such/file.rviz"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_work_starts_nothing(argument, value):
    assert value in refusal("simulation.launch.py", **{argument: value})


@pytest.mark.parametrize(("name", "argument"), [("bag", "bag"), ("image_files", "files")])
def test_a_path_that_does_not_exist_starts_nothing(name, argument):
    assert "/no/such/place" in refusal(f"{name}.launch.py", **{argument: "/no/such/place"})


def test_the_node_is_respawned_on_request_only():
    assert not started(evaluate("evf_sam.launch.py"), "evf_sam_node").respawn
    assert started(evaluate("evf_sam.launch.py", respawn="true"), "evf_sam_node").respawn


@contextmanager
def running(context):
    """Run our processes of an evaluated launch file."""
    children = []
    try:
        for process in context.started:
            children.append(subprocess.Popen(command(process)))
        yield
    finally:
        for child in children:
            child.terminate()
        codes = [child.wait(PATIENCE_S) for child in children]
    assert codes == [0] * len(children)


def command(process):
    """Return the command line that launch_ros would use, with the module for the executable."""
    module = f"evf_sam_ros.{MODULES[process.executable]}"
    words = [sys.executable, "-m", module, *process.arguments, "--ros-args"]
    words += ["-r", f"__node:={process.name}", "-r", f"__ns:={process.namespace}"]
    for each in process.parameters:
        if isinstance(each, dict):
            pairs = each.items()
            words += [w for name, value in pairs for w in ("-p", f"{name}:={yaml_text(value)}")]
        else:
            words += ["--params-file", each]
    return words + [w for old, new in process.remappings.items() for w in ("-r", f"{old}:={new}")]


def yaml_text(value):
    return yaml.safe_dump(value, default_flow_style=True).split("\n")[0]


def test_two_instances_at_once_answer_each_for_itself():
    rclpy = pytest.importorskip("rclpy", reason="ROS is not installed")
    sys.path.insert(0, str(ROOT / "test" / "ros"))
    from robot import Robot

    if not rclpy.ok():
        rclpy.init()
    with ExitStack() as stack:
        for namespace in ("left", "right"):
            arguments = {"namespace": namespace, "rate_hz": "3.0", "device": "cpu"}
            stack.enter_context(running(evaluate("simulation.launch.py", **arguments)))
        robots = {name: Robot(f"/{name}") for name in ("left", "right")}
        wishes = {"left": "the red mug", "right": "the blue bowl"}
        for robot in robots.values():
            robot.spin_until(robot.is_connected, what="the node to listen")
        for name, robot in robots.items():
            robot.say(wishes[name])
        for name, robot in robots.items():
            robot.spin_until(lambda robot=robot: robot.received["result"], what="an answer")
            assert {each.command for each in robot.received["result"]} == {wishes[name]}
            robot.close()


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_the_real_launch_makes_the_same_of_it(path):
    pytest.importorskip("launch_ros", reason="launch_ros comes with a ROS installation only")
    spec = importlib.util.spec_from_file_location("launch_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description = module.generate_launch_description()
    names = {argument.name for argument in description.get_launch_arguments()}
    assert names >= evaluate(path.name).declared.keys()


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
