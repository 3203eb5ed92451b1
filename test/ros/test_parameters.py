"""Declared once, checked always, listed in the README."""

from dataclasses import dataclass, fields
from functools import partial

import pytest
import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from evf_sam_ros.engines.engine import ENGINES
from evf_sam_ros.perception.device import PRECISIONS
from evf_sam_ros.ros.interface_table import TABLES, update
from evf_sam_ros.ros.parameter_server import ParameterServer
from evf_sam_ros.ros.parameter_values import LenientParameters
from evf_sam_ros.ros.parameters import Effect, NodeParameters, Settings, setting


@pytest.fixture
def server(ros):
    node = rclpy.create_node("parameters")
    yield ParameterServer(node, NodeParameters), node
    node.destroy_node()


def change(node, **values):
    (result,) = node.set_parameters([Parameter(*item) for item in _typed(values)])
    return result.successful, result.reason


def _typed(values):
    return [
        (name, Parameter.Type.from_parameter_value(value), value) for name, value in values.items()
    ]


def test_each_parameter_is_declared_with_default_and_help(server):
    _, node = server
    for each in fields(NodeParameters):
        assert node.get_parameter(each.name).value == each.default
        assert node.describe_parameter(each.name).description == each.metadata["help"]


def test_a_change_is_in_force_at_once(server):
    parameters, node = server
    assert change(node, mode="once") == (True, "")
    assert parameters.current.mode == "once"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mode", "always", "one of once, stream, track"),
        ("engine", "tvm", "one of auto, torch, plain, openvino, onnxruntime, onnxruntime-cuda"),
        ("score_threshold", 1.5, "score_threshold"),
        ("min_mask_area_px", 0, "min_mask_area_px"),
        ("depth_min_m", 11.0, "less than depth_max_m, which is 10.0"),
        ("up", [0.0, -1.0], "up is [0.0, -1.0], need three finite numbers"),
        ("up", [0.0, float("nan"), 0.0], "need three finite numbers"),
        ("use_depth", "yes", "type"),
        ("autostart", False, "read-only"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_a_reason(server, name, value, reason):
    parameters, node = server
    before = parameters.current
    successful, said = change(node, **{name: value})
    assert not successful
    assert reason in said
    assert parameters.current == before


def test_there_is_a_choice_for_every_engine_and_precision():
    choices = {each.name: each.metadata["choices"] for each in fields(NodeParameters)}
    assert choices["engine"] == ENGINES
    assert choices["precision"] == ("auto", *PRECISIONS)


def test_what_is_read_when_configured_is_refused_afterwards(server):
    parameters, node = server
    assert change(node, model="a")[0]
    parameters.fix(Effect.CONFIGURE)
    successful, reason = change(node, model="b")
    assert not successful
    assert "clean up the node" in reason
    assert parameters.current.model == "a"
    assert change(node, image_reliability="reliable")[0]
    parameters.fix()
    assert change(node, model="b")[0]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("command_ttl_s:=long", r"command_ttl_s must be a float, as 30\.0"),
        ("up:=[a, b, c]", r"up must be a list of floats, as \[0\.0, 0\.0, 0\.0\]"),
        ("up:=[0.0, -1.0]", r"up is \[0\.0, -1\.0\], need three finite numbers"),
        ("min_mask_area_px:=0", r"min_mask_area_px must be 1 to 1e\+06"),
        ("mode:=always", r"mode is 'always', need one of once, stream, track"),
    ],
)
def test_a_wrong_value_at_the_start_is_explained(ros, argument, sentence):
    node = rclpy.create_node("parameters", cli_args=["--ros-args", "-p", argument])
    with pytest.raises(ValueError, match=sentence):
        ParameterServer(node, NodeParameters)
    node.destroy_node()


def test_a_range_is_closed():
    @dataclass(frozen=True)
    class Example(Settings):
        share: float = setting(0.5, "a share", range=(0.0, 1.0))

    assert Example(share=1.0).share == 1.0
    with pytest.raises(ValueError, match=r"share is 1.01, need 0 to 1"):
        Example(share=1.01)


def test_tables_are_renewed_between_their_markers_only():
    text = "\n".join(
        f"a\n<!-- {name}:begin -->\nstale row\n<!-- {name}:end -->\nz" for name in TABLES
    )
    renewed = update(text)
    assert "stale row" not in renewed
    assert renewed.count("a\n<!--") == renewed.count("-->\nz") == len(TABLES)
    assert update(renewed) == renewed
    with pytest.raises(ValueError, match="topics:begin"):
        update("no markers")


def test_a_parameter_that_is_not_there_is_warned_about_and_the_one_meant_is_named(ros, capfd):
    given = [Parameter("score_treshold", value=0.5), Parameter("qos_overrides./clock.x", value=1)]
    node = rclpy.create_node("misspelt", parameter_overrides=given)
    ParameterServer(node, NodeParameters)
    node.destroy_node()
    said = capfd.readouterr().err
    assert "Unknown parameter 'score_treshold' has no effect; 'score_threshold' is meant?" in said
    assert "qos_overrides" not in said


@pytest.fixture
def lenient(ros):
    """A node with the parameter services, and a client's node that calls them."""
    node, client = LenientParameters("lenient"), rclpy.create_node("lenient_client")
    executor = SingleThreadedExecutor()
    for each in (node, client):
        executor.add_node(each)
    server = ParameterServer(node, NodeParameters)
    yield server, partial(set_by_service, client, executor)
    executor.shutdown()
    for each in (node, client):
        each.destroy_node()


def set_by_service(client, executor, **values):
    """Set parameters as `ros2 param load` does: one request of SetParameters for all."""
    service = client.create_client(SetParameters, "/lenient/set_parameters")
    assert service.wait_for_service(60)
    request = SetParameters.Request()
    request.parameters = [Parameter(*item).to_parameter_msg() for item in _typed(values)]
    future = service.call_async(request)
    executor.spin_until_future_complete(future, 60)
    return [each.successful for each in future.result().results]


def test_the_node_s_own_dump_is_accepted_whatever_is_fixed(lenient):
    server, set_all = lenient
    server.fix(Effect.CONFIGURE, Effect.ACTIVATE)
    dump = {
        each.name: list(each.default) if isinstance(each.default, tuple) else each.default
        for each in fields(NodeParameters)
    }
    assert set_all(**dump) == [True] * len(dump)
    assert set_all(autostart=False) == [False]
    assert set_all(model="other") == [False]


def test_values_that_only_fit_together_are_judged_together(lenient):
    server, set_all = lenient
    assert set_all(depth_min_m=20.0, depth_max_m=30.0) == [True, True]
    assert (server.current.depth_min_m, server.current.depth_max_m) == (20.0, 30.0)


def test_a_wrong_value_leaves_the_others_of_its_request(lenient):
    server, set_all = lenient
    assert set_all(mode="always", max_rate_hz=2.0, no_such_name=1) == [False, True, False]
    assert server.current.max_rate_hz == 2.0


def test_an_integer_is_taken_for_a_float(lenient):
    server, set_all = lenient
    assert set_all(max_rate_hz=3, up=[0, -1, 0], min_mask_area_px=2.5) == [True, True, False]
    assert server.current.max_rate_hz == 3.0
    assert tuple(server.current.up) == (0.0, -1.0, 0.0)


def test_an_integer_is_taken_for_a_float_at_the_start(ros):
    given = [Parameter("max_rate_hz", value=5), Parameter("up", value=[0, -1, 0])]
    node = rclpy.create_node("started", parameter_overrides=given)
    current = ParameterServer(node, NodeParameters).current
    assert (current.max_rate_hz, tuple(current.up)) == (5.0, (0.0, -1.0, 0.0))
    node.destroy_node()


def names_of(ros_args):
    """Return the classes of a node that gets these arguments, and what the declared type is."""
    node = LenientParameters("names", cli_args=["--ros-args", *ros_args])
    try:
        server = ParameterServer(node, NodeParameters)
        return server.current.classes, node.get_parameter("classes").type_
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([], ()),
        (["-p", "classes:=[]"], ()),
        (["-p", "classes:=[floor, cable]"], ("floor", "cable")),
    ],
)
def test_a_list_of_names_may_be_empty_and_stays_one_of_strings(ros, given, names):
    assert names_of(given) == (names, Parameter.Type.STRING_ARRAY)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("[floor, '']", r"classes\[1\] is '', need a name such as 'floor'"),
        ("[floor, floor]", "classes has 'floor' twice"),
        ("floor", "parameter classes must be a list of strings"),
        (str([f"c{number}" for number in range(300)]), "300 names, at most 255"),
    ],
)
def test_names_that_cannot_be_classes_are_refused_at_the_start(ros, given, complaint):
    with pytest.raises(ValueError, match=complaint):
        names_of(["-p", f"classes:={given}"])


def test_names_can_be_emptied_and_filled_again(ros):
    node = LenientParameters("names")
    try:
        server = ParameterServer(node, NodeParameters)
        for names in (["floor"], [], ["cable", "floor"]):
            kind = Parameter.Type.from_parameter_value(names)
            assert node.set_parameters_atomically([Parameter("classes", kind, names)]).successful
            assert server.current.classes == tuple(names)
        wrong = node.set_parameters_atomically([Parameter("classes", value=["floor", " "])])
        assert "classes[1] is ' '" in wrong.reason
    finally:
        node.destroy_node()
