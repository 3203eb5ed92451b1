"""What the node does when it is asked by name: ~/segment, ~/cancel, ~/enable, ~/find_object."""

from collections.abc import Callable
from typing import Any, Protocol

from rclpy.action.server import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.conversions import image_from_mask
from evf_sam_ros.ros.interface import CANCEL, ENABLE, FIND_OBJECT, SEGMENT
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer, reply
from evf_sam_ros.ros.node.search import DEFAULT_STABLE_FRAMES, Goal, Search
from evf_sam_ros.ros.node.worker import Request, Worker
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import nanoseconds
from evf_sam_ros.srv import Segment

REJECTED, CANCELLED = SegmentationResult.COMMAND_REJECTED, SegmentationResult.CANCELLED
FOUND = SegmentationResult.FOUND


class Served(Protocol):
    """What the services need to know of the node."""

    @property
    def worker(self) -> Worker | None: ...

    @property
    def parameters(self) -> NodeParameters: ...

    def understand(self, text: str, first_number: int) -> tuple[list[Command], str]: ...


class Services:
    """Offered in every state of the node; where it is not active, the answer says so."""

    def __init__(self, node: LifecycleNode, served: Served) -> None:
        self._node = node
        self._served = served
        node.create_service(Trigger, CANCEL.name, self._on_cancel)
        node.create_service(SetBool, ENABLE.name, self._on_enable)
        # Reentrant: while a request waits for the model, others are accepted.
        waiting = ReentrantCallbackGroup()
        node.create_service(Segment, SEGMENT.name, self._on_segment, callback_group=waiting)
        self._action = ActionServer(
            node,
            FindObject,
            FIND_OBJECT.name,
            self._on_find_object,
            callback_group=waiting,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def destroy(self) -> None:
        self._action.destroy()

    def _understand_one(self, text: str) -> tuple[Command, str]:
        """Return what is asked for, and why it cannot be looked for, empty if it can."""
        [first, *others], objection = self._served.understand(text, 0)
        if objection:
            return first, objection
        if others:
            names = ", ".join(repr(each.expression) for each in (first, *others))
            return first, f"{text!r} names several objects, {names}: ask for one at a time"
        return first, "" if first.expression else f"{text!r} names no object"

    def _future(self) -> tuple["Future[Answer]", Callable[[Answer], None]]:
        """Return what a coroutine of the executor can wait for, and how any thread ends that."""
        executor = self._node.executor
        future: Future[Answer] = Future(executor=executor)

        def done(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)
            if executor is not None:
                executor.wake()

        return future, done

    async def _on_segment(
        self, request: Segment.Request, response: Segment.Response
    ) -> Segment.Response:
        command, objection = self._understand_one(request.text)
        worker = self._served.worker
        if objection or worker is None:
            response.result = reply(command, REJECTED, objection, request.image.header).result
            return response
        answered, done = self._future()
        limit_s = self._served.parameters.max_frame_age_s
        max_age_s = nanoseconds(request.max_frame_age) / 1e9 or limit_s
        given = request.image.width or request.image.height or len(request.image.data)
        image = request.image if given else None
        worker.put_request(Request(command, image, 0.0 if image else max_age_s, done))
        _fill(response, await answered)
        return response

    async def _on_find_object(self, handle: Any) -> FindObject.Result:
        goal = handle.request
        command, objection = self._understand_one(goal.text)
        worker = self._served.worker
        result = FindObject.Result()
        if not objection and not 0.0 <= goal.min_score <= 1.0:
            objection = f"min_score is {goal.min_score:g}, need 0 to 1"
        if objection or worker is None:
            _fill(result, reply(command, REJECTED, objection, result.result.header))
            handle.abort()
            return result
        found, done = self._future()
        ttl_s = self._served.parameters.command_ttl_s
        search = Search(
            Goal(
                command=command,
                timeout_s=max(0.0, nanoseconds(goal.timeout) / 1e9) or ttl_s,
                min_score=goal.min_score,
                stable_frames=goal.stable_frames or DEFAULT_STABLE_FRAMES,
            ),
            progress=handle.publish_feedback,
            is_cancelled=lambda: handle.is_cancel_requested,
            done=done,
        )
        worker.put_search(search)
        answer = await found
        _fill(result, answer)
        if handle.is_cancel_requested:
            handle.canceled()
        elif answer is not None and answer.result.status == FOUND:
            handle.succeed()
        else:
            handle.abort()
        return result

    def _on_cancel(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        worker = self._served.worker
        ended = worker and worker.end_command(CANCELLED, f"cancelled by {CANCEL.name}")
        response.success = ended is not None
        response.message = f"ended {ended.text!r}" if ended else "no command is active"
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        worker = self._served.worker
        response.success = worker is not None
        response.message = "the node is not active"
        if worker is not None:
            worker.set_enabled(request.data)
            response.message = "enabled" if request.data else "disabled"
        return response


def _fill(message: Any, answer: Answer | None) -> None:
    """Put an answer into a response or an action's result: both have `result` and `mask`."""
    assert answer is not None
    message.result = answer.result
    if answer.mask is not None:
        message.mask = image_from_mask(answer.mask, answer.result.header)
