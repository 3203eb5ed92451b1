"""The node's services and its action: ~/segment, ~/cancel, ~/enable, ~/find_object."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from rclpy.action.server import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.task import Future
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.conversions import image_from_mask
from evf_sam_ros.ros.interface import CANCEL, ENABLE, FIND_OBJECT, SEGMENT
from evf_sam_ros.ros.memory import return_freed
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.pacing import PacedGroup, Turns
from evf_sam_ros.ros.node.replies import Answer, reply
from evf_sam_ros.ros.node.request_queue import OpenRequests, Request
from evf_sam_ros.ros.node.search import Goal, Search, goal_from, unreachable
from evf_sam_ros.ros.node.worker import Worker
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import nanoseconds
from evf_sam_ros.srv import Segment

REJECTED, CANCELLED = SegmentationResult.COMMAND_REJECTED, SegmentationResult.CANCELLED
FOUND = SegmentationResult.FOUND

# Every client may call at the same moment. The middleware drops what its queue cannot hold, and
# the caller waits for ever.
QUEUE = QoSProfile(depth=1000)
# Each open goal keeps its best answer, with image and masks: some 8 MB at 1920x1080.
MOST_GOALS = 64
RESULT_KEPT_S = 60  # for a client that asks late


class Served(Protocol):
    """The part of the node that the services use."""

    @property
    def worker(self) -> Worker | None: ...

    @property
    def parameters(self) -> NodeParameters: ...

    @property
    def camera_names(self) -> Sequence[str]: ...

    def understand(self, text: str, first_number: int) -> tuple[list[Command], str]: ...


class Services:
    """The services in every lifecycle state; while the node is inactive, replies say so."""

    def __init__(self, node: LifecycleNode, served: Served) -> None:
        self._node = node
        self._served = served
        self._searches: dict[bytes, Search] = {}  # by the goal's id
        self._open_goals = 0  # accepted, and without a result
        node.create_service(Trigger, CANCEL.name, self._on_cancel, qos_profile=QUEUE)
        node.create_service(SetBool, ENABLE.name, self._on_enable, qos_profile=QUEUE)
        self._turns = Turns(node)
        self._open_requests = OpenRequests(return_freed)
        # Reentrant: while a request waits for the model, others are taken, so that their images
        # do not wait in the middleware, which keeps the memory.
        node.create_service(
            Segment,
            SEGMENT.name,
            self._on_segment,
            qos_profile=QUEUE,
            callback_group=ReentrantCallbackGroup(),
        )
        self._action = ActionServer(
            node,
            FindObject,
            FIND_OBJECT.name,
            self._on_find_object,
            callback_group=PacedGroup(node),
            goal_callback=self._on_goal,
            cancel_callback=self._on_cancel_goal,
            goal_service_qos_profile=QUEUE,
            result_service_qos_profile=QUEUE,
            cancel_service_qos_profile=QUEUE,
            feedback_pub_qos_profile=QUEUE,
            result_timeout=RESULT_KEPT_S,
        )

    def destroy(self) -> None:
        self._action.destroy()

    def _understand_one(self, text: str, camera: str) -> tuple[Command, str]:
        """Return what is asked for, and why it cannot be looked for, empty if it can."""
        [first, *others], objection = self._served.understand(text, 0)
        if objection:
            return first, objection
        names = self._served.camera_names
        if camera and camera not in names:
            known = " or ".join(filter(None, (", ".join(names), "none")))
            return first, f"camera is {camera!r}, need {known}"
        first = replace(first, camera=camera or first.camera)
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
        with self._open_requests.one(len(request.image.data)):
            answer = await self._segmented(request)
            request.image = Image()  # the executor keeps the request until the reply is sent
            _fill(response, answer)
            await self._turns.wait()
            return response

    async def _segmented(self, request: Segment.Request) -> Answer:
        command, objection = self._understand_one(request.text, request.camera)
        worker, header = self._served.worker, request.image.header
        if not objection and worker is not None:
            answered, done = self._future()
            objection = worker.put_request(self._pending(command, request, done))
            if not objection:
                return cast(Answer, await answered)
        return reply(command, REJECTED, objection, header)

    def _pending(
        self, command: Command, request: Segment.Request, done: Callable[[Answer], None]
    ) -> Request:
        limit_s = self._served.parameters.max_frame_age_s
        max_age_s = nanoseconds(request.max_frame_age) / 1e9 or limit_s
        if request.image.width or request.image.height or len(request.image.data):
            return Request(command, request.image, 0.0, done)
        return Request(command, None, max_age_s, done)

    async def _on_find_object(self, handle: Any) -> FindObject.Result:
        result = FindObject.Result()
        try:
            answer = await self._sought(handle)
        finally:
            self._open_goals -= 1
        _fill(result, answer)
        if handle.is_cancel_requested:
            handle.canceled()
        elif answer.result.status == FOUND:
            handle.succeed()
        else:
            handle.abort()
        await self._turns.wait()
        return result

    def _on_goal(self, request: FindObject.Goal) -> GoalResponse:
        """Reject a goal that can never succeed, or one too many.

        The action carries no reason, so the log does.
        """
        _, objection = self._goal(request)
        if not objection and self._open_goals >= MOST_GOALS:
            objection = f"{self._open_goals} goals are open, at most {MOST_GOALS} may be"
            objection += ": send it again when one of them has ended"
        if not objection:
            self._open_goals += 1
            return GoalResponse.ACCEPT
        self._node.get_logger().warning(f"Goal of {FIND_OBJECT.name} rejected: {objection}")
        return GoalResponse.REJECT

    async def _sought(self, handle: Any) -> Answer:
        """Return how the search for a goal ends."""
        goal, objection = self._goal(handle.request)  # again: the node may have been deactivated
        worker = self._served.worker
        if objection or worker is None:
            return reply(goal.command, REJECTED, objection, Header())
        found, done = self._future()
        search = Search(goal, progress=handle.publish_feedback, done=done)
        worker.put_search(search)
        if handle.is_cancel_requested:  # since it was accepted
            worker.end_search(search, "cancelled")
        goal_id = bytes(handle.goal_id.uuid)
        self._searches[goal_id] = search
        answer = cast(Answer, await found)
        worker.end_search(search, "found by another camera")
        del self._searches[goal_id]
        return answer

    def _goal(self, request: FindObject.Goal) -> tuple[Goal, str]:
        """Return the goal and why it can never be reached, empty if it can."""
        command, objection = self._understand_one(request.text, request.camera)
        parameters = self._served.parameters
        goal = goal_from(request, command, parameters.command_ttl_s)
        return goal, objection or unreachable(goal, parameters.max_rate_hz)

    def _on_cancel_goal(self, handle: Any) -> CancelResponse:
        """End the goal's search at once, even while the model is at work for it."""
        search, worker = self._searches.get(bytes(handle.goal_id.uuid)), self._served.worker
        if search is not None and worker is not None:
            worker.end_search(search, "cancelled")
        return CancelResponse.ACCEPT

    def _on_cancel(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        worker = self._served.worker
        if worker is None:
            response.message = "no command is active: the node is not active"
            return response
        cause = f"cancelled by {CANCEL.name}"
        ended, searches = worker.end_command(CANCELLED, cause), worker.end_searches(cause)
        parts = [f"ended {ended.text!r}"] if ended else []
        parts += [ended_goals(searches)] if searches else []
        response.success = bool(parts)
        response.message = ", ".join(parts) or "no command is active"
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        worker = self._served.worker
        response.success = worker is not None
        response.message = "the node is not active"
        if worker is not None:
            worker.set_enabled(request.data)
            response.message = "enabled" if request.data else "disabled"
        return response


def ended_goals(count: int) -> str:
    """Say that so many goals have ended."""
    return f"ended {count} goal{'s' if count > 1 else ''} of {FIND_OBJECT.name}"


def _fill(message: Any, answer: Answer) -> None:
    """Put an answer into a response or an action's result: both have `result` and `mask`."""
    message.result = answer.result
    if answer.mask is not None:
        message.mask = image_from_mask(answer.mask, answer.result.header)
