"""Diagnostics: the state of the node, once a second on /diagnostics."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.lifecycle import LifecycleNode

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.hub import is_hub_id
from evf_sam_ros.perception.knowledge import knows, warning_of
from evf_sam_ros.perception.placement import UNPLACED, Placement
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.ros.interface import DIAGNOSTICS
from evf_sam_ros.ros.node.download_progress import downloaded_bytes
from evf_sam_ros.ros.node.semantic_layer import SemanticLayer
from evf_sam_ros.ros.node.statistics import STAGES, Statistics
from evf_sam_ros.ros.node.worker import Worker
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.statuses import DEPTH_STATUS_NAMES, STATUS_NAMES

PERIOD_S = 1.0
SILENCE_S = 2.0  # a camera that sends less often than that is worth a warning
MEBIBYTE = 2**20
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
WITHOUT_POSITIONS = (
    SegmentationResult.NOT_REGISTERED,
    SegmentationResult.TOO_SPARSE,
    SegmentationResult.OUT_OF_SYNC,
    SegmentationResult.STAMPS_NOT_DISTINCT,
    SegmentationResult.CAMERA_MISMATCH,
)


class Diagnostics:
    """Publishes diagnostics in every lifecycle state."""

    def __init__(
        self,
        node: LifecycleNode,
        statistics: Statistics,
        parameters: Callable[[], NodeParameters],
        predictor: Callable[[], Predictor | None],
        worker: Callable[[], Worker | None],
        placement: Callable[[], Placement] = lambda: UNPLACED,
        semantic: Callable[[], SemanticLayer | None] = lambda: None,
        catch_up: Callable[[], None] = lambda: None,
        cameras: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """Start to publish.

        Args:
            node: the node to report on.
            statistics: its counters.
            parameters: returns its current parameters.
            predictor: returns its model, None before it is loaded.
            worker: returns its worker, None while it is inactive.
            placement: returns what tf told about the latest image.
            semantic: returns what finds the classes, None while the node is inactive.
            catch_up: counts the images that arrived while none was wanted.
            cameras: returns the names of several cameras, which report on their own.
        """
        self._placement = placement
        self._semantic = semantic
        self._node = node
        self._statistics = statistics
        self._parameters = parameters
        self._predictor = predictor
        self._worker = worker
        self._catch_up, self._cameras = catch_up, cameras
        self._loading = ""  # the model that is being loaded
        # Not a lifecycle publisher: who watches wants to know of an inactive node, too.
        self._publisher = node.create_publisher(DIAGNOSTICS.type, DIAGNOSTICS.name, 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(PERIOD_S, self._report, clock=steady)

    @contextmanager
    def while_loading(self, model: str) -> Iterator[None]:
        """Go on reporting, from another thread: the executor's own is busy with the loading."""
        done = Event()

        def report() -> None:
            self._publish()
            while not done.wait(PERIOD_S):
                self._publish()

        self._loading = model
        reporter = Thread(target=report, name="loading", daemon=True)
        reporter.start()
        try:
            yield
        finally:
            done.set()
            reporter.join()
            self._loading = ""

    def _report(self) -> None:
        self._catch_up()
        self._publish()

    def _publish(self) -> None:
        array = DiagnosticArray(status=self._statuses())
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _statuses(self) -> list[DiagnosticStatus]:
        parts = {
            "model": self._model,
            "camera": self._camera,
            "depth": self._depth,
            "frames": self._frames,
            "semantic": self._classes,
            "commands": self._commands,
            "latency": self._latency,
            "memory": self._memory,
        }
        if self._cameras():
            parts = {"model": self._model, "memory": self._memory}
        name = self._node.get_fully_qualified_name().lstrip("/")
        predictor = self._predictor()
        hardware = str(predictor.device) if predictor is not None else ""
        statuses = []
        for part, report in parts.items():
            level, message, values = report()
            pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
            statuses.append(
                DiagnosticStatus(
                    level=level,
                    name=f"{name}: {part}",
                    message=message,
                    hardware_id=hardware,
                    values=pairs,
                )
            )
        return statuses

    def _model(self) -> tuple[bytes, str, dict[str, object]]:
        predictor = self._predictor()
        if self._loading:
            return WARN, f"loading {self._loading!r}", _downloaded(self._loading)
        if predictor is None:
            return WARN, "no model is loaded: configure the node", {}
        engine = predictor.engine.name  # now: `warming` changes it
        values = {
            "name": predictor.name,
            "device": predictor.device,
            "engine": engine,
            "precision": predictor.precision,
            "lifecycle": "active" if self._worker() is not None else "inactive",
        }
        values |= {"calibrated": not warning_of(predictor), "knows": knows(predictor)}
        if warning := warning_of(predictor):
            return WARN, warning, values
        return OK, f"{predictor.name} on {predictor.device}, run by {engine}", values

    def _camera(self) -> tuple[bytes, str, dict[str, object]]:
        age_s, rate_hz = self._statistics.image_age_s(), self._statistics.image_rate_hz()
        values: dict[str, object] = {
            "images": self._statistics.images,
            "rate_hz": f"{rate_hz:.2f}",
            "dropped": self._statistics.dropped,
        }
        if self._worker() is None:
            return OK, "not listening: the node is not active", values
        if age_s is None:
            return WARN, "no image has arrived: is the camera running, its topic right?", values
        values["last_image_s"] = f"{age_s:.3f}"
        if age_s > SILENCE_S:
            return WARN, f"no image for {age_s:.1f} s", values
        if self._statistics.mixed:
            return WARN, f"{self._statistics.mixed}: one camera is expected on each", values
        return OK, f"{rate_hz:.1f} Hz", values

    def _depth(self) -> tuple[bytes, str, dict[str, object]]:
        result = self._statistics.last_result
        if not self._parameters().use_depth:
            return OK, "not used", {}
        if result is None or not result.objects:
            return OK, "nothing to look up", {}
        ratio = result.objects[0].depth_valid_ratio
        status = DEPTH_STATUS_NAMES.get(result.depth_status, str(result.depth_status))
        registered = result.depth_status in (
            SegmentationResult.OK,
            SegmentationResult.TOO_SPARSE,
        )
        values = {"status": status, "registered": registered, "valid_ratio": f"{ratio:.3f}"}
        if result.depth_status in WITHOUT_POSITIONS:
            return WARN, result.message, values
        return OK, status, values

    def _frames(self) -> tuple[bytes, str, dict[str, object]]:
        parameters, placement = self._parameters(), self._placement()
        wanted = [parameters.target_frame, parameters.gravity_frame]
        if not any(wanted):
            return OK, "not used", {}
        values: dict[str, object] = {"target_frame": wanted[0], "gravity_frame": wanted[1]}
        if placement.status:
            return WARN, placement.status, values
        if placement is UNPLACED:
            return OK, "nothing to look up", values
        return OK, "OK", values

    def _classes(self) -> tuple[bytes, str, dict[str, object]]:
        names, layer = self._parameters().classes, self._semantic()
        if not names:
            return OK, "not used", {}
        values: dict[str, object] = {"classes": ", ".join(names)}
        if layer is None:
            return OK, "the node is not active", values
        values |= {"detections": layer.detections, "followed": layer.followed}
        if layer.status:
            return WARN, f"no mask: {layer.status}", values
        if not layer.wants_images:
            return OK, "nobody listens", values
        return OK, f"{layer.detections} detections, {layer.followed} images followed", values

    def _commands(self) -> tuple[bytes, str, dict[str, object]]:
        worker, last = self._worker(), self._statistics.last_result
        values: dict[str, object] = {
            "answers": self._statistics.answers,
            "errors": self._statistics.errors,
        }
        if last is not None:
            values["last_status"] = STATUS_NAMES.get(last.status, str(last.status))
            values["last_score"] = f"{last.score:.3f}"
        if worker is None:
            return OK, "the node is not active", values
        values |= {"enabled": worker.enabled, "searches": worker.search_count}
        if not worker.enabled:
            return OK, "disabled", values
        return OK, "; ".join(worker.expressions) or "no command", values

    def _latency(self) -> tuple[bytes, str, dict[str, object]]:
        budget_s = self._parameters().latency_budget_s
        values: dict[str, object] = {"budget_s": f"{budget_s:g}"}
        for stage in STAGES:
            if (spread := self._statistics.latency(stage)) is not None:
                values[f"{stage}_p50_s"] = f"{spread.p50_s:.4f}"
                values[f"{stage}_p95_s"] = f"{spread.p95_s:.4f}"
        total = self._statistics.latency("total")
        if total is None:
            return OK, "no image was processed", values
        message = f"{1e3 * total.p50_s:.0f} ms median, {1e3 * total.p95_s:.0f} ms p95"
        if 0 < budget_s < total.p95_s:
            return WARN, f"{message}, over latency_budget_s, which is {budget_s:g}", values
        return OK, message, values

    def _memory(self) -> tuple[bytes, str, dict[str, object]]:
        resident = resident_bytes() / MEBIBYTE
        values: dict[str, object] = {"resident_mib": f"{resident:.0f}"}
        if torch.cuda.is_available():
            values["cuda_mib"] = f"{torch.cuda.memory_allocated() / MEBIBYTE:.0f}"
            values["cuda_peak_mib"] = f"{torch.cuda.max_memory_allocated() / MEBIBYTE:.0f}"
        return OK, f"{resident:.0f} MiB", values


def _downloaded(model: str) -> dict[str, object]:
    """Tell how much of a Hugging Face model is here; nothing about others."""
    if not is_hub_id(model):
        return {}
    return {"downloaded_mb": f"{downloaded_bytes(model) / 1e6:.1f}"}


def resident_bytes() -> int:
    """Return the resident memory of this process, 0 if the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
