"""Several cameras in one process: a node for each, and one model for all, which takes turns."""

import gc
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, TypeVar, cast

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.weight_watch import WeightWatch
from evf_sam_ros.ros.node.all_cameras import AllCameras
from evf_sam_ros.ros.node.camera_node import OF_THE_WHOLE, CameraNode
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.node.shared_predictor import SharedPredictor
from evf_sam_ros.ros.node.worker import Worker
from evf_sam_ros.ros.run import release

SPIN_S = 0.2
SUCCESS = TransitionCallbackReturn.SUCCESS
T = TypeVar("T")


class Cameras:
    """The nodes of the cameras, each with an executor and a thread of its own."""

    def __init__(
        self,
        whole: SegmentationNode,
        names: Sequence[str],
        predictor: Predictor,
        weights: WeightWatch | None,
    ) -> None:
        """Create the nodes and configure them.

        Args:
            whole: the node that has them.
            names: of the cameras, different ones.
            predictor: the model.
            weights: watches its files; None: they are not mapped.

        Raises:
            ValueError: one of them cannot be configured.
        """
        self._whole = whole
        self._known = dict(vars(whole.parameters))
        shared = cast(Predictor, SharedPredictor(predictor))
        self._nodes = {name: _Spun(CameraNode(whole, name, shared, weights)) for name in names}
        try:
            self._all("configured", lambda node: node.trigger_configure())
        except ValueError:
            self.destroy()
            raise

    @property
    def names(self) -> list[str]:
        return list(self._nodes)

    def activate(self) -> AllCameras:
        """Activate the nodes; return their workers as one.

        Raises:
            ValueError: one of them cannot be activated.
        """
        try:
            self._all("activated", lambda node: node.trigger_activate())
        except ValueError:
            self.deactivate()
            raise
        workers = {name: each.node.worker for name, each in self._nodes.items()}
        return AllCameras(cast(dict[str, Worker], workers))

    def deactivate(self) -> None:
        for each in self._nodes.values():
            each.call(lambda node: node.worker and node.trigger_deactivate())

    def follow_parameters(self) -> None:
        """Pass the parameters on that were changed since the last time."""
        values = dict(vars(self._whole.parameters))
        changed = {name: each for name, each in values.items() if each != self._known[name]}
        self._known = values
        passed: list[Any] = [
            Parameter(name, value=list(each) if isinstance(each, tuple) else each)
            for name, each in changed.items()
            if name not in OF_THE_WHOLE
        ]
        if not passed:
            return
        for name, spun in self._nodes.items():
            result = spun.call(lambda node: node.set_parameters_atomically(passed))
            if not result.successful:
                said = f"Camera {name!r} keeps its parameters: {result.reason}"
                self._whole.get_logger().warning(said)

    def destroy(self) -> None:
        for each in self._nodes.values():
            each.destroy()
        self._nodes = {}

    def _all(self, what: str, step: Callable[[CameraNode], TransitionCallbackReturn]) -> None:
        for name, each in self._nodes.items():
            if each.call(step) != SUCCESS:
                raise ValueError(f"camera {name!r} cannot be {what}: the lines above say why")


class _Spun:
    """A node and the thread that executes its callbacks."""

    def __init__(self, node: CameraNode) -> None:
        self.node = node
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._running = True
        self._thread = Thread(target=self._spin, name=f"camera {node.camera}", daemon=True)
        self._thread.start()

    def call(self, job: Callable[[CameraNode], T]) -> T:
        """Do a job in the node's thread; return its result, or raise what it raises."""
        done, results, errors = Event(), list[T](), list[Exception]()

        def work() -> None:
            try:
                results.append(job(self.node))
            except Exception as error:  # raised below, in the caller's thread
                errors.append(error)
            finally:
                done.set()

        self._executor.create_task(work)
        while not done.wait(SPIN_S):
            if not self._thread.is_alive():  # ROS is shutting down
                work()
        if errors:
            raise errors[0]
        return results[0]

    def _spin(self) -> None:
        while self._running and self.node.context.ok():
            try:
                self._executor.spin_once(timeout_sec=SPIN_S)
            except ExternalShutdownException:
                return
            except Exception as error:  # as in `run`: the next callback has its turn
                self.node.get_logger().error(
                    f"A callback failed: {type(error).__name__}: {error}",
                    throttle_duration_sec=1.0,
                )
                release(self.node)

    def destroy(self) -> None:
        self._running = False
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        gc.collect()
