"""The inference thread, which runs the model, and its hand-over to the publishing thread.

Requests, and what is looked for on new images, take turns.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from functools import partial
from threading import Condition

from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.elapsed import elapsed_ns
from evf_sam_ros.ros.node.active_commands import ActiveCommands
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.mailbox import Mailbox
from evf_sam_ros.ros.node.observer import Observer
from evf_sam_ros.ros.node.publish_thread import PublishThread
from evf_sam_ros.ros.node.replies import Answer, Frame, Seen, note_total, now_header, reply
from evf_sam_ros.ros.node.request_queue import Request, RequestQueue
from evf_sam_ros.ros.node.search import Search, identity
from evf_sam_ros.ros.node.statistics import Statistics
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import nanoseconds

POLL_S = 0.05  # commands expire and simulated clocks advance without a wake-up
DEACTIVATED = "the node was deactivated"
LEAST_PATIENCE_S = 1.0  # how long a command waits for an image before NO_FRAME is said


@dataclass(frozen=True)
class Arrival:
    """An image and its time of arrival on the node's clock."""

    frame: Frame
    arrived_ns: int


class Worker:
    """Chooses the next job, runs the model and publishes; only `stop` blocks the caller."""

    def __init__(
        self,
        observer: Observer,
        publish: Callable[[Sequence[Answer]], None],
        parameters: Callable[[], NodeParameters],
        clock: Clock,
        log: RcutilsLogger,
        *,
        threads: tuple[Executor, Executor],
        statistics: Statistics,
        room: int = 1,
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the inference thread.

        Args:
            observer: runs the model on an image, and makes the answers of what it saw.
            publish: publishes the answers to one image.
            parameters: returns the current parameters.
            clock: the node's clock.
            log: the node's logger.
            threads: executors with one thread each, for the model and for publishing.
            statistics: counts images and answers.
            room: number of images that may wait; with 1 the newest replaces the waiting one.
            catch_up: puts the images that arrived while none was wanted; called by whoever wants
                one now.
        """
        self.frames: Mailbox[Arrival] = Mailbox(room)
        self._keeps_all = room > 1
        self._observer = observer
        self._parameters = parameters
        self._clock = clock
        self._log = log
        self._statistics = statistics
        self._catch_up = catch_up
        self._requests = RequestQueue()
        self._chores: deque[Callable[[], object]] = deque()  # alternate with other jobs
        self._chore_is_next = False
        self._image_is_next = False  # where a request waits as well
        self._audience = ActiveCommands(publish, clock, statistics)
        self._running = True
        self._last_image_ns = 0  # elapsed, of the command's last image or its own arrival
        self._last_start_ns = 0  # elapsed
        self._said_no_frame = False
        # Guards the choice of the next job; never held while the model runs or publishes.
        self._changed = Condition()
        model_thread, thread_behind = threads
        self._behind = PublishThread(thread_behind)
        self._ended = model_thread.submit(self._run)

    def put_frame(self, frame: Frame) -> None:
        is_wanted = self._audience.is_waiting
        # Without commands, only the newest image is kept.
        arrival = Arrival(frame, self._clock.now().nanoseconds)
        lost = len(self.frames.put(arrival, queue=is_wanted))
        if is_wanted:
            self._count_dropped(lost, "images come faster than they are processed")
        elif self._keeps_all:
            self._count_dropped(lost, "what they waited for has ended")
        with self._changed:
            self._changed.notify()

    def put_request(self, request: Request) -> str:
        """Let a request wait for its answer; return why it cannot, empty if it can."""
        self._catch_up()
        with self._changed:
            objection = self._requests.put(request)
            self._changed.notify()
        return objection and f"{objection}: ask again later"

    def put_chore(self, chore: Callable[[], object]) -> None:
        """Run something on the inference thread, in turns with what else it has to do."""
        with self._changed:
            self._chores.append(chore)
            self._changed.notify()

    def put_search(self, search: Search) -> None:
        self._catch_up()
        with self._changed:
            if not self._audience.commands:
                self._renew_frame()
            self._audience.join(search)
            self._changed.notify()

    def follow(self, commands: Sequence[Command]) -> None:
        """Make them the active ones; a fresh image is looked at again for them, an old one not."""
        self._catch_up()
        with self._changed:
            self._safely(partial(self._audience.follow, tuple(commands)))
            self._last_image_ns = elapsed_ns(self._clock)
            self._said_no_frame = False
            self._renew_frame()
            self._changed.notify()

    def end_command(self, status: int, message: str) -> Command | None:
        """End the active commands with a final answer; return the first, None without commands."""
        commands = self._audience.commands
        return commands[0] if self._audience.end(commands, status, message) else None

    def end_search(self, search: Search, reason: str) -> bool:
        """Cancel a search; return whether it had not ended before."""
        return self._audience.give_up(search, SegmentationResult.CANCELLED, reason)

    def end_searches(self, reason: str) -> int:
        """Cancel every search; return how many there were."""
        return sum(self.end_search(search, reason) for search in self._audience.searches)

    def forget(self, reason: str) -> None:
        """Drop all images, commands and searches: their time is not that of the clock any more."""
        self._catch_up()  # to forget that, too
        lost = len(self.frames.clear())
        if self._keeps_all:
            self._count_dropped(lost, reason)
        self._last_image_ns = self._last_start_ns = elapsed_ns(self._clock)
        self.end_command(SegmentationResult.CANCELLED, reason)
        self.end_searches(reason)

    def set_enabled(self, enabled: bool) -> None:
        self._catch_up()
        with self._changed:
            if enabled and not self._audience.enabled:
                self._renew_frame()
            self._audience.enable(enabled)
            self._last_image_ns = elapsed_ns(self._clock)
            self._changed.notify()

    @property
    def wants_images(self) -> bool:
        """Tell whether images are to be put as they arrive."""
        return self._keeps_all or self._audience.is_waiting or len(self._requests) > 0

    @property
    def enabled(self) -> bool:
        return self._audience.enabled

    @property
    def dropped(self) -> int:
        """Return how many images that somebody wanted were not looked at."""
        return self._statistics.dropped

    @property
    def search_count(self) -> int:
        return len(self._audience.searches)

    @property
    def expressions(self) -> list[str]:
        """Return the expressions of the active commands."""
        return [command.expression for command in self._audience.commands]

    def stop(self, timeout_s: float | None = None) -> None:
        """Leave the threads after what they are doing, but wait no longer than that."""
        with self._changed:
            self._running = False
            self._changed.notify()
        self._safely(partial(self.end_command, SegmentationResult.CANCELLED, DEACTIVATED))
        self._safely(partial(self.end_searches, DEACTIVATED))
        wait([self._ended], timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._running and (job := self._next_job()) is None:
                    self._changed.wait(POLL_S)
                if not self._running:
                    break
            assert job is not None
            self._safely(job)
        self._behind.wait()
        while (request := self._requests.take()) is not None:
            rejected = SegmentationResult.COMMAND_REJECTED
            answer = reply(request.command, rejected, DEACTIVATED, now_header(self._clock))
            self._safely(partial(request.done, answer))

    def _safely(self, job: Callable[[], object]) -> None:
        try:
            job()
        except Exception as error:  # publishing fails when ROS shuts down meanwhile
            self._log.error(f"Answer not published: {error}", throttle_duration_sec=5.0)

    def _then(self, job: Callable[[], object]) -> None:
        """Do it when what was looked at before has been told, and meanwhile choose anew."""
        self._behind.hand_over(partial(self._safely, job))

    def _next_job(self) -> Callable[[], object] | None:
        if (end := self._next_end()) is not None:
            return partial(self._then, end)
        if self._chores and self._chore_is_next:
            return self._next_chore()
        turns = self._next_request, self._next_look
        for turn in reversed(turns) if self._image_is_next else turns:
            if (job := turn()) is not None:
                self._image_is_next = turn == self._next_request
                self._chore_is_next = True
                return job
        return self._next_chore() if self._chores else None

    def _next_chore(self) -> Callable[[], object]:
        self._chore_is_next = False
        return self._chores.popleft()

    def _next_request(self) -> Callable[[], object] | None:
        request = self._requests.take()
        return partial(self._serve, request) if request is not None else None

    def _next_look(self) -> Callable[[], object] | None:
        audience, parameters = self._audience, self._parameters()
        if not audience.is_waiting:
            return None
        rate_hz = parameters.max_rate_hz
        if rate_hz and self._seconds_since(self._last_start_ns) < 1 / rate_hz:
            return None
        if (arrival := self.frames.take()) is None:
            return self._missing_frame(audience.commands, parameters)
        self._last_image_ns = self._last_start_ns = elapsed_ns(self._clock)
        self._said_no_frame = False
        return partial(self._process, arrival, audience.commands, audience.searches, parameters)

    def _next_end(self) -> Callable[[], object] | None:
        """Return what ends the commands or a search whose time is up."""
        audience = self._audience
        for search in audience.searches:
            timeout_s = search.goal.timeout_s
            if 0 < timeout_s < self._seconds_since(search.began_ns):
                reason = f"{timeout_s:g} s have passed"
                return partial(audience.give_up, search, SegmentationResult.NO_FRAME, reason)
        commands, ttl_s = audience.commands, self._parameters().command_ttl_s
        if audience.enabled and commands and 0 < ttl_s < audience.followed_s:
            message = f"command_ttl_s, which is {ttl_s:g}, has passed"
            return partial(audience.end, commands, SegmentationResult.COMMAND_EXPIRED, message)
        return None

    def _renew_frame(self) -> None:
        newest = self.frames.newest()
        self.frames.renew(newest is not None and self._is_fresh(newest.frame))

    def _is_fresh(self, frame: Frame) -> bool:
        limit_s = self._parameters().max_frame_age_s
        age = self._clock.now().nanoseconds - nanoseconds(frame.header.stamp)
        return not limit_s or abs(age) <= limit_s * 1e9

    def _seconds_since(self, then_ns: int) -> float:
        return (elapsed_ns(self._clock) - then_ns) / 1e9

    def _missing_frame(
        self, commands: tuple[Command, ...], parameters: NodeParameters
    ) -> Callable[[], object] | None:
        if not commands or self._said_no_frame:
            return None
        waited_s = self._seconds_since(self._last_image_ns)
        if waited_s < max(LEAST_PATIENCE_S, parameters.max_frame_age_s):
            return None
        self._said_no_frame = True
        newest = self.frames.newest()
        if newest is None:
            status, header = SegmentationResult.NO_FRAME, now_header(self._clock)
        else:
            status, header = SegmentationResult.STALE_FRAME, newest.frame.header
        message = f"no new image for {waited_s:.1f} s: is the camera running, and its topic right?"
        answers = [reply(command, status, message, header) for command in commands]
        ends = parameters.mode == "once"
        return partial(
            self._then, partial(self._audience.tell_commands, commands, answers, ends=ends)
        )

    def _count_dropped(self, count: int, why: str) -> None:
        if not count:
            return
        self._statistics.images_dropped(count)
        if self._keeps_all:
            self._log.warning(
                f"{count} images dropped, {self._statistics.dropped} so far: {why}",
                throttle_duration_sec=1.0,
            )

    def _process(
        self,
        arrival: Arrival,
        commands: tuple[Command, ...],
        searches: Sequence[Search],
        parameters: NodeParameters,
    ) -> None:
        """Look once for everybody who wants to know."""
        wanted = [*commands, *(search.goal.command for search in searches)]
        judged_ns = arrival.arrived_ns if self._keeps_all else None
        tracks = parameters.mode == "track" and bool(commands)
        limit_s = parameters.max_frame_age_s
        seen = self._observer.look(arrival.frame, wanted, limit_s, judged_ns, tracks=tracks)
        ends = parameters.mode == "once"
        self._then(partial(self._tell, seen, arrival, commands, searches, ends=ends))
        if ends:
            self._behind.wait()  # nothing more is looked at for what has ended

    def _tell(
        self,
        seen: Seen,
        arrival: Arrival,
        commands: tuple[Command, ...],
        searches: Sequence[Search],
        *,
        ends: bool,
    ) -> None:
        answers = self._observer.answers(seen)
        is_told = self._audience.tell_commands(commands, answers[: len(commands)], ends=ends)
        if not is_told and self._keeps_all and commands and self._audience.commands:
            self.frames.put_back(arrival)  # for those that replaced them meanwhile
        image = identity(answers[-1]) if searches else None
        for search, own in zip(searches, answers[len(commands) :], strict=True):
            self._audience.tell_search(search, own, image)

    def _serve(self, request: Request) -> None:
        newest = self.frames.newest()
        frame = request.image or (newest.frame if newest else None)
        if frame is None:
            message = "no image has arrived: is the camera running, and its topic right?"
            header = now_header(self._clock)
            nothing = reply(request.command, SegmentationResult.NO_FRAME, message, header)
            self._then(partial(request.done, nothing))
            return
        seen = self._observer.look(frame, [request.command], request.max_age_s)
        self._then(partial(self._deliver, seen, request))

    def _deliver(self, seen: Seen, request: Request) -> None:
        [own] = self._observer.answers(seen)
        note_total(own, self._clock)
        request.done(own)
