"""The lifecycle node: images and text commands in, masks and positions out.

The executor's one thread only stores what arrives; the worker's thread runs the model.
"""

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump  # type: ignore[attr-defined]
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.ros.answers import Answer, Answerer, Frame, now_header, reply
from evf_sam_ros.ros.camera_watch import CameraWatch
from evf_sam_ros.ros.commands import Command, expression_from
from evf_sam_ros.ros.conversions import image_from_mask
from evf_sam_ros.ros.depth_source import DepthSource
from evf_sam_ros.ros.interface import (
    CAMERA_INFO,
    CANCEL,
    COMPRESSED_IMAGE,
    DEPTH,
    ENABLE,
    IMAGE,
    SEGMENT,
    TEXT_COMMAND,
    Endpoint,
)
from evf_sam_ros.ros.outputs import Outputs
from evf_sam_ros.ros.parameters import Effect, NodeParameters, ParameterServer
from evf_sam_ros.ros.run import run
from evf_sam_ros.ros.stamps import nanoseconds
from evf_sam_ros.ros.worker import Request, Worker
from evf_sam_ros.srv import Segment

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
REJECTED, CANCELLED = SegmentationResult.COMMAND_REJECTED, SegmentationResult.CANCELLED
WAKE_S = 0.5
EXIT_PATIENCE_S = 2.0
WARM_UP_IMAGE = np.zeros((480, 640, 3), np.uint8)


class SegmentationNode(LifecycleNode):
    """Finds what it is told to find."""

    def __init__(
        self, load: Callable[..., Predictor] = load_predictor, **node_options: Any
    ) -> None:
        """Take the maker of the model, so that a test can bring its own."""
        self._load = load
        self._predictor: Predictor | None = None
        self._outputs: Outputs | None = None
        self._worker: Worker | None = None
        self._depth = DepthSource()
        self._inputs: list[Any] = []
        self._watch: CameraWatch | None = None
        self._command_count = 0
        super().__init__("evf_sam", **node_options)
        self._settings = ParameterServer(self, NodeParameters)
        self.create_service(Trigger, CANCEL.name, self._on_cancel)
        self.create_service(SetBool, ENABLE.name, self._on_enable)
        # Reentrant: while a request waits for the model, others are accepted.
        waiting = ReentrantCallbackGroup()
        self.create_service(Segment, SEGMENT.name, self._on_segment, callback_group=waiting)
        # rclpy's signal handler wakes the executor before it shuts the context down: an executor
        # that found nothing to do by then would wait for ever. The timer makes it look again.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(WAKE_S, lambda: None, callback_group=waiting, clock=steady)
        backwards = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
        )
        # The handle keeps the callback alive.
        self._jumps = self.get_clock().create_jump_callback(
            backwards, post_callback=self._on_jump_back
        )

    @property
    def parameters(self) -> NodeParameters:
        return self._settings.current

    def start(self) -> None:
        """Configure and activate, if the parameter autostart says so."""
        if self.parameters.autostart and self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        settings = self.parameters
        try:
            predictor = self._load(
                settings.model,
                device=settings.device,
                precision=settings.precision,
                offline=settings.offline,
            )
            predictor(WARM_UP_IMAGE, ["the object"])
        except Exception as error:  # whatever it is, the node stays and can be configured again
            self.get_logger().error(f"Cannot load the model {settings.model!r}: {error}")
            return FAILURE
        self._predictor = predictor
        self._outputs = Outputs(self)
        self._settings.fix(Effect.CONFIGURE)
        self.get_logger().info(f"Model {predictor.name!r} is ready on {predictor.device}")
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._predictor is not None
        assert self._outputs is not None
        shared = (lambda: self.parameters, self.get_clock(), self.get_logger())
        answerer = Answerer(self._predictor, self._depth, *shared)
        self._worker = Worker(answerer, self._outputs.publish, *shared)
        self._command_count = 0
        topic = self._subscribe()
        # REP 104 leaves it to the topic's name whether an image is rectified.
        answerer.rectified = any(part.startswith("image_rect") for part in topic.split("/"))
        self._settings.fix(Effect.CONFIGURE, Effect.ACTIVATE)
        self.get_logger().info(f"Waiting for images on {topic}")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_work()
        self._settings.fix(Effect.CONFIGURE)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_work()
        self._free()
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_work()
        self._free()
        return SUCCESS

    def _stop_work(self, timeout_s: float | None = None) -> None:
        if self._watch is not None:
            self._watch.destroy()
            self._watch = None
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs = []
        self._depth.clear()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(timeout_s)

    def _free(self) -> None:
        if self._outputs is not None:
            self._outputs.destroy()
        self._outputs = self._predictor = None
        self._settings.fix()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def destroy_node(self) -> None:
        self._stop_work(EXIT_PATIENCE_S)
        super().destroy_node()

    # Inputs

    def _subscribe(self) -> str:
        """Subscribe to every input and return the resolved name of the image's topic."""
        raw = self.parameters.image_transport == "raw"
        image = self._listen(IMAGE if raw else COMPRESSED_IMAGE, self._on_image, 1)
        self._listen(CAMERA_INFO, self._depth.put_info, 1)
        self._listen(DEPTH, self._depth.put_depth, 5)
        command = self.create_subscription(
            TEXT_COMMAND.type, TEXT_COMMAND.name, self._on_text_command, QoSProfile(depth=10)
        )
        self._inputs.append(command)
        self._watch = CameraWatch(self, image)
        return str(image.topic_name)

    def _listen(self, endpoint: Endpoint, callback: Callable[[Any], None], depth: int) -> Any:
        reliable = self.parameters.image_reliability == "reliable"
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        qos = QoSProfile(depth=depth, reliability=reliability)
        subscription = self.create_subscription(endpoint.type, endpoint.name, callback, qos)
        self._inputs.append(subscription)
        return subscription

    def _on_image(self, message: Frame) -> None:
        if self._worker is not None and self._watch is not None:
            self._watch.image_arrived()
            self._worker.put_frame(message)

    # Commands and services

    def _on_text_command(self, message: String) -> None:
        worker, outputs = self._worker, self._outputs
        if worker is None or outputs is None:
            return
        self._command_count += 1
        command, objection = self._understand(message.data, self._command_count)
        if objection:
            header = now_header(self.get_clock())
            outputs.publish(reply(command, REJECTED, objection, header))
            self.get_logger().warning(f"Command rejected: {objection}")
        elif command.expression:
            worker.follow(command)
        elif worker.end_command(CANCELLED, f"cancelled by the command {command.text!r}") is None:
            header = now_header(self.get_clock())
            outputs.publish(reply(command, REJECTED, "no command is active", header))

    def _understand(self, text: str, number: int) -> tuple[Command, str]:
        """Return the command, and why it cannot be followed, empty if it can."""
        expression, objection = "", ""
        try:
            expression = expression_from(text, self.parameters)
        except ValueError as error:
            objection = str(error)
        if self._worker is None:
            objection = "the node is not active"
        elif not self._worker.enabled:
            objection = f"the node is disabled; {ENABLE.name} turns it on"
        return Command(number, text, expression, self.get_clock().now().to_msg()), objection

    async def _on_segment(
        self, request: Segment.Request, response: Segment.Response
    ) -> Segment.Response:
        command, objection = self._understand(request.text, 0)
        if not objection and not command.expression:
            objection = f"{request.text!r} names no object"
        if objection or self._worker is None:
            response.result = reply(command, REJECTED, objection, request.image.header).result
            return response
        executor = self.executor
        answered: Future[Any] = Future(executor=executor)

        def done(answer: Answer) -> None:
            answered.set_result(answer)
            if executor is not None:
                executor.wake()

        max_age_s = nanoseconds(request.max_frame_age) / 1e9 or self.parameters.max_frame_age_s
        given = request.image.width or request.image.height or len(request.image.data)
        image = request.image if given else None
        self._worker.put_request(Request(command, image, 0.0 if image else max_age_s, done))
        answer = await answered
        assert answer is not None
        response.result = answer.result
        if answer.mask is not None:
            response.mask = image_from_mask(answer.mask, answer.result.header)
        return response

    def _on_cancel(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        ended = self._worker and self._worker.end_command(CANCELLED, f"cancelled by {CANCEL.name}")
        response.success = ended is not None
        response.message = f"ended {ended.text!r}" if ended else "no command is active"
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = self._worker is not None
        response.message = "the node is not active"
        if self._worker is not None:
            self._worker.set_enabled(request.data)
            response.message = "enabled" if request.data else "disabled"
        return response

    def _on_jump_back(self, jump: TimeJump) -> None:
        """Forget what belongs to the time before, as when a recording starts again."""
        self._depth.clear()
        if self._worker is not None:
            self._worker.frames.clear()
            self._worker.end_command(CANCELLED, "the clock jumped back")


def make_node() -> SegmentationNode:
    """Make the node and start it as its parameters say."""
    node = SegmentationNode()
    node.start()
    return node


def main(args: list[str] | None = None) -> int:
    return run(make_node, args)


if __name__ == "__main__":
    sys.exit(main())
