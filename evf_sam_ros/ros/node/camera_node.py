"""The node of one of several cameras: a segmentation node with a model that it shares."""

from typing import Any

from rclpy.node import Node
from rclpy.parameter import Parameter

from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.weight_watch import WeightWatch
from evf_sam_ros.ros.interface import (
    ALL_OUTPUTS,
    DIAGNOSTICS,
    INPUTS,
    SPEECH,
    TEXT_COMMAND,
)
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.parameters import NodeParameters

OF_THE_WHOLE = ("cameras", "autostart", "model", "self_calibrate")  # parameters not passed on


class CameraNode(SegmentationNode):
    """Has its topics, services and parameters in the namespace of the node with all cameras.

    Its thread is its own; what it publishes and takes goes by the remappings of that node.
    """

    def __init__(
        self, whole: SegmentationNode, name: str, predictor: Predictor, weights: WeightWatch | None
    ) -> None:
        """Create the node, unconfigured.

        Args:
            whole: the node with all cameras.
            name: of the camera.
            predictor: the model, which may be used at any time.
            weights: watches its files; None: they are not mapped.
        """
        self.camera = name
        self.commands_for_all = (whole.resolve_topic_name(TEXT_COMMAND.name),)
        self._shared = predictor, weights
        super().__init__(
            name=name,
            namespace=whole.get_fully_qualified_name(),
            context=whole.context,
            use_global_arguments=False,  # a name given there is that of the whole
            cli_args=["--ros-args", *remappings(whole, name)],
            parameter_overrides=_parameters(whole),
        )

    def _loaded(self, settings: NodeParameters) -> tuple[Predictor, WeightWatch | None]:
        if settings.cameras:
            raise ValueError(f"cameras is {list(settings.cameras)}: this node is one camera's")
        return self._shared

    def _announce_model(self, predictor: Predictor) -> None:
        """Log nothing: the node with all cameras has."""


def remappings(whole: Node, name: str) -> list[str]:
    """Return the arguments that put the topics of a camera below its name."""
    rules: list[str] = []
    for endpoint in INPUTS:
        own = endpoint.name.startswith("/") or endpoint is SPEECH
        topic = whole.resolve_topic_name(endpoint.name if own else f"{name}/{endpoint.name}")
        rules += ["-r", f"{endpoint.name}:={topic}"]
    for endpoint in (*ALL_OUTPUTS, DIAGNOSTICS):
        topic = whole.resolve_topic_name(endpoint.name.replace("~/", f"~/{name}/"))
        rules += ["-r", f"{endpoint.name}:={topic}"]
    # One rule for each name: the transforms are heard and published on one.
    return [part for rule in dict.fromkeys(rules[1::2]) for part in ("-r", rule)]


def _parameters(whole: SegmentationNode) -> list[Any]:
    simulated: Parameter[Any] = whole.get_parameter("use_sim_time")
    return [*passed_on(whole), simulated]


def passed_on(whole: SegmentationNode) -> list[Any]:
    """Return the parameters of the node with all cameras that its cameras' nodes have as well."""
    names = [name for name in vars(whole.parameters) if name not in OF_THE_WHOLE]
    return [whole.get_parameter(name) for name in names]
