"""The lifecycle node: images and text commands in, masks and positions out.

The executor's one thread only stores what arrives; the worker's two run the model and publish.
"""

import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from rclpy.clock import JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.knowledge import knows, warning_of
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.perception.weight_watch import WeightWatch, watch_of
from evf_sam_ros.ros.node.camera_frames import CameraFrames
from evf_sam_ros.ros.node.camera_names import check_names
from evf_sam_ros.ros.node.class_service import Classes
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import DepthSource
from evf_sam_ros.ros.node.diagnostics import Diagnostics
from evf_sam_ros.ros.node.inputs import Inputs
from evf_sam_ros.ros.node.observer import Observer, read_frame
from evf_sam_ros.ros.node.outputs import Outputs
from evf_sam_ros.ros.node.replies import Frame, now_header, reply
from evf_sam_ros.ros.node.self_calibration import SelfCalibration, self_calibration
from evf_sam_ros.ros.node.semantic_layer import SemanticLayer
from evf_sam_ros.ros.node.semantic_outputs import SemanticOutputs
from evf_sam_ros.ros.node.services import Services, ended_goals
from evf_sam_ros.ros.node.statistics import Statistics
from evf_sam_ros.ros.node.understanding import Said, log_rejection, understood
from evf_sam_ros.ros.node.worker import Worker
from evf_sam_ros.ros.parameter_server import ParameterServer
from evf_sam_ros.ros.parameter_values import LenientParameters
from evf_sam_ros.ros.parameters import Effect, NodeParameters
from evf_sam_ros.ros.run import run

if TYPE_CHECKING:
    from evf_sam_ros.ros.node.cameras import Cameras

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
REJECTED, CANCELLED = SegmentationResult.COMMAND_REJECTED, SegmentationResult.CANCELLED
EXIT_PATIENCE_S = 0.5  # for the model at work; a larger one is not waited for
WARM_UP_IMAGE = np.zeros((480, 640, 3), np.uint8)


class SegmentationNode(LenientParameters, LifecycleNode):
    """Segments the objects that text commands name in camera images."""

    camera = ""  # its name, where several share a model
    commands_for_all: tuple[str, ...] = ()  # topics of commands beside its own

    def __init__(
        self,
        load: Callable[..., Predictor] = load_predictor,
        name: str = "evf_sam",
        **node_options: Any,
    ) -> None:
        """Create the node in the state unconfigured.

        Args:
            load: loads the predictor; tests pass their own.
            name: of the node.
            node_options: options of `LifecycleNode`.
        """
        self._load = load
        self._predictor: Predictor | None = None
        self._weights: WeightWatch | None = None
        self._outputs: Outputs | None = None
        self._semantic_outputs: SemanticOutputs | None = None
        self._semantic: SemanticLayer | None = None
        self._worker: Worker | None = None
        # The same threads for all workers: the allocator gives each new one memory of its own, and
        # keeps there what the model's images took, 20 MiB a life.
        self._threads = (
            ThreadPoolExecutor(1, thread_name_prefix="model"),
            ThreadPoolExecutor(1, thread_name_prefix="behind"),
        )
        self._self_calibration: SelfCalibration | None = None
        self._inputs: Inputs | None = None
        self._offered: Services | None = None
        self._statistics = Statistics()
        self._command_count = 0
        self._cameras: Cameras | None = None
        super().__init__(name, **node_options)
        self._settings = ParameterServer(self, NodeParameters)
        self._frames = CameraFrames(self, lambda: self.parameters)
        self._depth = DepthSource(self._frames.buffer)
        self._offered = Services(self, self)
        self._classes = Classes(self, lambda: self.parameters, lambda: self._predictor)
        self._settings.listeners.append(self._classes.follow_parameter)
        self._diagnostics = Diagnostics(
            self,
            self._statistics,
            parameters=lambda: self.parameters,
            predictor=lambda: self._predictor,
            worker=lambda: self._worker,
            placement=lambda: self._frames.last,
            semantic=lambda: self._semantic,
            catch_up=self._catch_up,
            cameras=lambda: self._cameras.names if self._cameras is not None else (),
        )
        backwards = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
        )
        # The handle keeps the callback alive.
        self._jumps = self.get_clock().create_jump_callback(
            backwards, post_callback=self._on_jump_back
        )

    @property
    def parameters(self) -> NodeParameters:
        return self._settings.current

    @property
    def worker(self) -> Worker | None:
        """Return what does the work, None while the node is not active."""
        return self._worker

    @property
    def camera_names(self) -> list[str]:
        """Return the names that a request may give."""
        own = [self.camera] if self.camera else []
        return own if self._cameras is None else self._cameras.names

    def start(self) -> None:
        """Configure and activate, if the parameter autostart says so."""
        if self.parameters.autostart and self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        settings = self.parameters
        try:
            check_names(settings.cameras)
        except ValueError as error:
            self.get_logger().error(f"Cannot configure: {error}")
            return FAILURE
        try:
            with self._diagnostics.while_loading(settings.model):
                predictor, weights = self._loaded(settings)
        except Exception as error:  # whatever it is, the node stays and can be configured again
            self.get_logger().error(f"Cannot load the model {settings.model!r}: {error}")
            return FAILURE
        try:
            if settings.cameras:
                self._cameras = self._make_cameras(predictor, weights)
            else:
                self._outputs = Outputs(self, lambda: self.parameters)
                self._semantic_outputs = SemanticOutputs(self)
        except ValueError as error:
            self.get_logger().error(f"Cannot publish: {error}")
            return FAILURE
        self._predictor, self._weights = predictor, weights
        self._classes.warn()
        self._settings.fix(Effect.CONFIGURE)
        self._announce_model(predictor)
        return SUCCESS

    def _loaded(self, settings: NodeParameters) -> tuple[Predictor, WeightWatch | None]:
        """Return the model, warmed up, and what watches its files."""
        weights = watch_of(settings.model)
        predictor = self._load(
            settings.model,
            device=settings.device,
            precision=settings.precision,
            engine=settings.engine,
            offline=settings.offline,
            tokenizer=settings.tokenizer or None,
        )
        predictor.seeks_rivals = settings.look_for_rivals
        predictor(WARM_UP_IMAGE, ["the object"])
        if weights is not None:
            weights.keep_mapped()
        return predictor, weights

    def _make_cameras(self, predictor: Predictor, weights: WeightWatch | None) -> "Cameras":
        from evf_sam_ros.ros.node.cameras import Cameras  # whose nodes are of this class

        cameras = Cameras(self, self.parameters.cameras, predictor, weights)
        self._settings.listeners.append(cameras.follow_parameters)
        return cameras

    def _announce_model(self, predictor: Predictor) -> None:
        where = f"on {predictor.device}, run by {predictor.engine.name}"
        self.get_logger().info(f"Model {predictor.name!r} is ready {where}; {knows(predictor)}")
        if warning := warning_of(predictor):
            self.get_logger().warning(warning)

    def _activate_cameras(self, cameras: "Cameras") -> bool:
        try:
            self._worker = cast(Worker, cameras.activate())
        except ValueError as error:
            self.get_logger().error(f"Cannot listen: {error}")
            return False
        self._settings.fix(Effect.CONFIGURE, Effect.ACTIVATE)
        return True

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        if self._cameras is not None:
            is_active = self._activate_cameras(self._cameras)
            return super().on_activate(state) if is_active else FAILURE
        assert self._predictor is not None
        assert self._outputs is not None
        shared = (lambda: self.parameters, self.get_clock(), self.get_logger())
        try:
            self._inputs = Inputs(
                self,
                self.parameters,
                self._depth,
                on_image=self._on_image,
                is_wanted=self._wants_images,
                on_text=self._on_text,
                on_mixed=self._statistics.tell_mixed,
                for_all=self.commands_for_all,
            )
        except ValueError as error:
            self.get_logger().error(f"Cannot listen: {error}")
            return FAILURE
        self._frames.start()
        observer = Observer(
            self._predictor,
            self._depth,
            *shared,
            weights=self._weights,
            place=self._frames.place,
        )
        observer.rectified = self._inputs.are_rectified
        self._worker = Worker(
            observer,
            self._outputs.publish,
            *shared,
            threads=self._threads,
            statistics=self._statistics,
            room=self._inputs.room,
            catch_up=self._catch_up,
        )
        self._self_calibration = self._calibrates_itself(self._predictor, self._worker)
        self._command_count = 0
        self._settings.fix(Effect.CONFIGURE, Effect.ACTIVATE)
        self.get_logger().info(f"Waiting for images on {self._inputs.image_topic}")
        done = super().on_activate(state)
        self._semantic = self._layer(observer, self._worker)  # publishes at once
        return done

    def _layer(self, observer: Observer, worker: Worker) -> SemanticLayer:
        assert self._semantic_outputs is not None
        assert self._predictor is not None
        return SemanticLayer(
            self,
            self._semantic_outputs,
            self._classes.table,
            lambda: self.parameters,
            worker,
            observer,
            self._depth,
            threshold=self._predictor.score_threshold or 0.0,
        )

    def _calibrates_itself(self, predictor: Predictor, worker: Worker) -> SelfCalibration | None:
        if not self.parameters.self_calibrate:
            return None
        read = partial(read_frame, most_px=self.parameters.max_decoded_px)
        model = self.parameters.model
        return self_calibration(predictor, model, read, worker.put_chore, self.get_logger())

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

    on_error = on_shutdown

    def _stop_work(self, timeout_s: float | None = None) -> None:
        if self._cameras is not None:
            self._cameras.deactivate()
        if self._inputs is not None:
            self._inputs.destroy()
            self._inputs = None
        self._self_calibration = None
        semantic, self._semantic = self._semantic, None
        if semantic is not None:
            semantic.stop(timeout_s)
        self._frames.stop()
        self._depth.clear()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(timeout_s)
        if self._outputs is not None:
            self._outputs.remove_collisions()

    def _free_cameras(self) -> None:
        cameras, self._cameras = self._cameras, None
        if cameras is not None:
            self._settings.listeners.remove(cameras.follow_parameters)
            cameras.destroy()

    def _free(self) -> None:
        self._free_cameras()
        if self._outputs is not None:
            self._outputs.destroy()
        if self._semantic_outputs is not None:
            self._semantic_outputs.destroy()
        self._outputs = self._semantic_outputs = self._predictor = None
        self._settings.fix()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def destroy_node(self) -> None:
        if self._offered is not None:  # else a parameter was refused, and the node never stood
            self._stop_work(EXIT_PATIENCE_S)
            self._free_cameras()
            self._offered.destroy()
        for thread in self._threads:
            thread.shutdown(wait=False)
        super().destroy_node()

    # What arrives

    def _wants_images(self) -> bool:
        takers = (self._worker, self._semantic, self._self_calibration)
        return any(each is not None and each.wants_images for each in takers)

    def _catch_up(self) -> None:
        if self._inputs is not None:
            self._inputs.catch_up()

    def _on_image(self, message: Frame, arrived_ns: int, follows: bool) -> None:
        self._statistics.image_arrived(arrived_ns / 1e9, follows=follows)
        if self._worker is not None:
            self._worker.put_frame(message)
        if self._semantic is not None:
            self._semantic.put_frame(message)
        if self._self_calibration is not None:
            self._self_calibration.offer(message)

    def _on_text(self, text: str) -> None:
        worker, outputs = self._worker, self._outputs
        if worker is None or outputs is None:
            return
        commands, objection = self.understand(text, self._command_count + 1)
        self._command_count += len(commands)
        first, header = commands[0], now_header(self.get_clock())
        if not objection and first.expression:
            worker.follow(commands)
            return
        if not objection:
            cause = f"cancelled by the command {text!r}"
            was_active = worker.end_command(CANCELLED, cause) is not None
            searches = worker.end_searches(cause)
            if searches:
                outputs.publish([reply(first, CANCELLED, ended_goals(searches), header)])
            if searches or was_active:
                return
            objection = "no command is active"
        outputs.publish([reply(first, REJECTED, objection, header)])
        log_rejection(self.get_logger(), text, objection)

    def understand(self, text: str, first_number: int) -> tuple[list[Command], str]:
        """Return at least one command, and why it cannot be followed, empty if it can.

        A wish to cancel is one command without an expression. Number 0 stands for every command
        of a request, the commands of a topic are counted from `first_number`.
        """
        said = Said(text, first_number, self.get_clock().now().to_msg(), self.camera)
        return understood(said, self.parameters, self._worker, self._statistics)

    def _on_jump_back(self, jump: TimeJump) -> None:
        """Forget what belongs to the time before, as when a recording starts again."""
        self._catch_up()
        self._depth.clear()
        self._frames.clear_moving()
        if self._semantic is not None:
            self._semantic.forget()
        if self._worker is not None:
            self._worker.forget("the clock jumped back")


def main(args: list[str] | None = None) -> int:
    return run(SegmentationNode, args, SegmentationNode.start)


if __name__ == "__main__":
    sys.exit(main())
