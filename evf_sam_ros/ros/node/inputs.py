"""The node's subscriptions, which exist while it is active."""

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from evf_sam_ros.ros.interface import BURST, SPEECH, TEXT_COMMAND, TF, installed_type
from evf_sam_ros.ros.node.camera_inputs import CameraInputs
from evf_sam_ros.ros.node.depth_source import DepthSource
from evf_sam_ros.ros.node.received import Frame
from evf_sam_ros.ros.node.speech import recogniser
from evf_sam_ros.ros.parameters import NodeParameters


class Inputs:
    """Creates all subscriptions; ValueError if a parameter needs a package that is missing."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        depth: DepthSource,
        *,
        on_image: Callable[[Frame, int, bool], None],
        is_wanted: Callable[[], bool],
        on_text: Callable[[str], None],
        on_mixed: Callable[[str], None],
        for_all: Sequence[str] = (),
    ) -> None:
        """Create the subscriptions.

        Args:
            node: the node that subscribes.
            parameters: its parameters.
            depth: gets depth images and camera_infos.
            on_image: gets images, as `CameraInputs` says.
            is_wanted: tells whether images are taken as they arrive, else by `catch_up`.
            on_text: gets finished sentences.
            on_mixed: gets a sentence on inputs with several publishers, empty if none has.
            for_all: topics of commands beside its own, as those to all of several cameras.
        """
        self._node = node
        self._subscriptions: list[Any] = []
        if parameters.register_depth_by_tf:
            _require_frames()
        self._speech = None
        if parameters.speech_type != "none":
            self._speech = recogniser(parameters.speech_type)
        self._camera = CameraInputs(
            node,
            parameters,
            depth,
            on_image=on_image,
            is_wanted=is_wanted,
            on_mixed=on_mixed,
        )
        self.room = self._camera.room
        self.image_topic = self._camera.image_topic
        self.are_rectified = self._camera.are_rectified
        self.catch_up = self._camera.catch_up
        self._hear_sentences(on_text, for_all)

    def _hear_sentences(self, on_text: Callable[[str], None], for_all: Sequence[str]) -> None:
        for topic in (TEXT_COMMAND.name, *for_all):
            self._hear(TEXT_COMMAND.type, topic, lambda message: on_text(message.data))
        if self._speech is not None:
            read = self._speech.text
            # Ignore empty transcripts: an unfinished sentence has no final text.
            self._hear(
                self._speech.type,
                SPEECH.name,
                lambda message: on_text(read(message)) if read(message).strip() else None,
            )

    def destroy(self) -> None:
        self._camera.destroy()
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _hear(self, kind: Any, name: str, callback: Callable[[Any], None]) -> None:
        subscription = self._node.create_subscription(
            kind, name, callback, QoSProfile(depth=BURST)
        )
        self._subscriptions.append(subscription)


def _require_frames() -> None:
    if installed_type(TF.type) is None:
        raise ValueError(
            "register_depth_by_tf is true, but tf2_msgs is not installed: install it, or give "
            "image_from_depth"
        )
