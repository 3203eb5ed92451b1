"""Classes for costmaps: detected at intervals, followed in the images between.

A thread of its own takes the newest image, carries the labels of the last detection to it and
publishes. Detections run on the inference thread, in turns with its other work; one image encoding
serves all classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from threading import Condition, Thread
from typing import Protocol

from rclpy.lifecycle import LifecycleNode

from evf_sam_ros.perception.class_labels import (
    Bytes,
    ClassLabels,
    Follower,
    flow_image,
    label_classes,
)
from evf_sam_ros.perception.class_table import ClassTable, SemanticClass
from evf_sam_ros.ros.conversions import Rgb
from evf_sam_ros.ros.elapsed import elapsed_ns
from evf_sam_ros.ros.node.command import SEMANTIC
from evf_sam_ros.ros.node.depth_source import DepthSource, RegisteredDepth
from evf_sam_ros.ros.node.observer import Observer, read_frame
from evf_sam_ros.ros.node.replies import Frame
from evf_sam_ros.ros.node.semantic_outputs import SemanticOutputs
from evf_sam_ros.ros.parameters import NodeParameters, depth_options
from evf_sam_ros.ros.stamps import nanoseconds

WAIT_S = 0.2
SECOND = 1_000_000_000
# Labels are followed for so many times the usual time to the next detection, and then dropped.
PATIENCE, LEAST_PATIENCE_S = 3.0, 1.0


class Running(Protocol):
    """The part of the worker that the layer uses."""

    @property
    def enabled(self) -> bool: ...

    def put_chore(self, chore: Callable[[], object]) -> None: ...


@dataclass(frozen=True, eq=False)
class View:
    """An image that was read, and what belongs to it."""

    frame: Frame
    image_rgb: Rgb
    grey: Bytes
    depth: RegisteredDepth | None


@dataclass(frozen=True, eq=False)
class Detection:
    """The outcome of a detection."""

    view: View
    classes: tuple[SemanticClass, ...]
    labels: ClassLabels | None  # None: the image could not be judged
    status: str  # why not
    round: int  # of the clock, which may jump


class SemanticLayer:
    """Publishes the classes of each image while the node is active and somebody listens."""

    def __init__(
        self,
        node: LifecycleNode,
        outputs: SemanticOutputs,
        table: ClassTable,
        parameters: Callable[[], NodeParameters],
        worker: Running,
        observer: Observer,
        depth: DepthSource,
        *,
        threshold: float,
    ) -> None:
        """Start the thread.

        Args:
            node: the node, whose publishers are active.
            outputs: its semantic publishers.
            table: of the classes; changed by others, in the executor's thread.
            parameters: returns the current parameters.
            worker: runs the detections.
            observer: has the model.
            depth: source of depth images and camera_infos.
            threshold: the score from which a class counts as found, for the table of classes.
        """
        self.status = ""  # why there is no mask, for the diagnostics
        self.detections = self.followed = 0
        self._node, self._outputs, self._table = node, outputs, table
        self._parameters, self._worker, self._observer = parameters, worker, observer
        self._depth, self._threshold = depth, threshold
        self._announced: tuple[SemanticClass, ...] | None = None
        self._follow = Follower()
        self._detected_ns = 0  # elapsed, when the labels that are known were detected
        self._began_ns: int | None = None  # elapsed, start of the latest detection
        self._took_ns = 0  # the latest detection
        self._published_ns = -1  # stamp of the newest mask
        self._changed = Condition()
        self._frame: Frame | None = None
        self._found: Detection | None = None
        self._pending = False
        self._round = self._round_seen = 0
        self._running = True
        self._thread = Thread(target=self._run, name="semantic", daemon=True)
        self._announce()
        self._thread.start()

    @property
    def wants_images(self) -> bool:
        """Tell whether images are to be put as they arrive."""
        return bool(self._table.current) and self._worker.enabled and self._outputs.is_heard

    def put_frame(self, frame: Frame) -> None:
        """Take the newest image; called in the executor's thread."""
        if not self.wants_images:
            return
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def forget(self) -> None:
        """Drop what belongs to the time before the clock jumped."""
        with self._changed:
            self._frame = self._found = None
            self._round += 1

    def stop(self, timeout_s: float | None = None) -> None:
        """End the thread after what it is doing."""
        with self._changed:
            self._running = False
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while self._running:
            with self._changed:
                self._changed.wait_for(
                    lambda: not self._running or self._frame or self._found, WAIT_S
                )
                frame, found = self._frame, self._found
                self._frame = self._found = None
            try:
                self._announce()
                self._step(frame, found)
            except Exception as error:  # whatever it is, the next image has its turn
                self.status = str(error) or type(error).__name__
                self._node.get_logger().warning(
                    f"No semantic mask: {self.status}", throttle_duration_sec=5.0
                )

    def _announce(self) -> None:
        classes = self._table.current
        if classes != self._announced:
            if classes or self._announced:
                self._outputs.announce(classes, self._threshold)
            self._announced = classes
            self._follow.stop()

    def _step(self, frame: Frame | None, found: Detection | None) -> None:
        if self._round_seen != self._round:
            self._round_seen, self._published_ns, self._began_ns = self._round, -1, None
            self._follow.stop()
        if found is not None:
            self._adopt(found)
        if frame is None or self._is_old(frame):
            return
        view = self._read(frame)
        if self._parameters().semantic_period_s:
            self._carry(view)
        if self._is_due():
            self._detect(view)

    def _is_old(self, frame: Frame) -> bool:
        limit_s = self._parameters().max_frame_age_s
        age_ns = self._node.get_clock().now().nanoseconds - nanoseconds(frame.header.stamp)
        return bool(limit_s) and abs(age_ns) > limit_s * SECOND

    def _read(self, frame: Frame) -> View:
        parameters = self._parameters()
        image_rgb = read_frame(frame, parameters.max_decoded_px)
        depth = None
        if parameters.use_depth and self._outputs.wants_points:
            height, width = image_rgb.shape[:2]
            options = depth_options(parameters, self._observer.rectified)
            seen = self._depth.find(frame.header, (width, height), options)
            depth = seen if isinstance(seen, RegisteredDepth) else None
        return View(frame, image_rgb, flow_image(image_rgb), depth)

    def _is_due(self) -> bool:
        if self._pending:
            return False
        period_ns = self._parameters().semantic_period_s * SECOND
        return self._began_ns is None or self._now_ns() - self._began_ns >= period_ns

    def _detect(self, view: View) -> None:
        self._pending, self._began_ns = True, self._now_ns()
        self._follow.mark()
        failed = Detection(view, self._table.current, None, "the detection failed", self._round)
        self._worker.put_chore(partial(self._look, failed))

    def _look(self, found: Detection) -> None:
        """Run the model; called on the inference thread."""
        prefix = SEMANTIC if self._parameters().semantic else ""
        expressions = [prefix + each.name for each in found.classes]
        try:
            found = self._judged(found, expressions)
        finally:
            with self._changed:
                self._found, self._pending = found, False
                self._changed.notify()

    def _judged(self, found: Detection, expressions: list[str]) -> Detection:
        answer = self._observer.segment(found.view.image_rgb, expressions)
        if isinstance(answer, str):
            return replace(found, status=answer)
        segmentation, rules = answer
        if segmentation.unsuitable:
            return replace(found, status=segmentation.unsuitable)
        labels = label_classes(found.classes, expressions, segmentation, rules)
        return replace(found, labels=labels, status="")

    def _adopt(self, found: Detection) -> None:
        """Take over a detection; where no later image has a mask yet, it is this image's."""
        if found.round != self._round:
            return
        self._took_ns = self._now_ns() - (self._began_ns or self._now_ns())
        self.status = found.status
        if found.labels is None or found.classes != self._table.current:
            self._follow.stop()
            return
        self.detections += 1
        self._detected_ns = self._now_ns()
        self._follow.start(found.labels, found.view.grey)
        if nanoseconds(found.view.frame.header.stamp) > self._published_ns:
            self._publish(found.view, found.labels)

    def _carry(self, view: View) -> None:
        """Carry the labels to a later image and publish them."""
        is_later = nanoseconds(view.frame.header.stamp) > self._published_ns
        if not self._follow.follows or not is_later:
            return
        usual_s = self._parameters().semantic_period_s + self._took_ns / SECOND
        limit_s = max(LEAST_PATIENCE_S, PATIENCE * usual_s)
        if self._now_ns() - self._detected_ns > limit_s * SECOND:
            self._follow.stop()
            self.status = f"no detection for {limit_s:.1f} s"
            return
        try:
            labels = self._follow(view.grey)
        except ValueError:  # the camera has another resolution now
            self._follow.stop()
            return
        self.followed += 1
        self._publish(view, labels)

    def _publish(self, view: View, labels: ClassLabels) -> None:
        parameters = self._parameters()
        self._published_ns = nanoseconds(view.frame.header.stamp)
        limits_m = parameters.depth_min_m, parameters.depth_max_m
        self._outputs.publish(view.frame.header, labels, view.image_rgb, view.depth, limits_m)

    def _now_ns(self) -> int:
        return elapsed_ns(self._node.get_clock())
