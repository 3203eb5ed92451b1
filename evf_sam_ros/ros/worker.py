"""The one thread that runs the model: requests first, then the active command on new images."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Condition, Thread
from time import monotonic

from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.answers import Answer, Answerer, Frame, now_header, reply
from evf_sam_ros.ros.commands import Command
from evf_sam_ros.ros.latest import Latest
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import duration_message, nanoseconds

POLL_S = 0.05  # commands expire and simulated clocks advance without a wake-up
LEAST_PATIENCE_S = 1.0  # how long a command waits for an image before NO_FRAME is said


@dataclass(frozen=True)
class Request:
    """A call of ~/segment: answered once, whatever the active command is."""

    command: Command
    image: Frame | None  # None: the newest image of the topic
    max_age_s: float
    done: Callable[[Answer], None]


class Worker:
    """Choose what to do next, do it, publish it; every method but `stop` returns at once."""

    def __init__(
        self,
        answer: Answerer,
        publish: Callable[[Answer], None],
        parameters: Callable[[], NodeParameters],
        clock: Clock,
        log: RcutilsLogger,
    ) -> None:
        self.frames: Latest[Frame] = Latest()
        self._answer = answer
        self._publish = publish
        self._parameters = parameters
        self._clock = clock
        self._log = log
        self._requests: deque[Request] = deque()
        self._command: Command | None = None
        self._enabled = True
        self._running = True
        self._last_image = 0.0  # steady seconds, of the command's last image or its own arrival
        self._last_start = 0.0  # steady seconds
        self._said_no_frame = False
        # Held to change or publish for the active command, never while the model runs.
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def put_frame(self, frame: Frame) -> None:
        self.frames.put(frame)
        with self._changed:
            self._changed.notify()

    def put_request(self, request: Request) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify()

    def follow(self, command: Command) -> None:
        """Make it the active command; a fresh image is looked at again for it, an old one not."""
        newest = self.frames.newest()
        with self._changed:
            self._command = command
            self._last_image = monotonic()
            self._said_no_frame = False
            self.frames.renew(newest is not None and self._is_fresh(newest))
            self._changed.notify()

    def end_command(self, status: int, message: str) -> Command | None:
        """End the active command with a last answer; return it, None if there was none."""
        with self._changed:
            command = self._command
            if command is not None:
                self._end(command, status, message)
            return command

    def set_enabled(self, enabled: bool) -> None:
        with self._changed:
            self._enabled = enabled
            self._last_image = monotonic()
            self._changed.notify()

    @property
    def enabled(self) -> bool:
        return self._enabled

    def stop(self, timeout_s: float | None = None) -> None:
        """End the thread after what it is doing, but wait no longer than that."""
        with self._changed:
            self._running = False
            self._command = None
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._running and (job := self._next_job()) is None:
                    self._changed.wait(POLL_S)
                if not self._running:
                    break
            assert job is not None
            try:
                job()
            except Exception as error:  # publishing fails when ROS shuts down meanwhile
                self._log.error(f"Answer not published: {error}", throttle_duration_sec=5.0)
        while self._requests:
            request = self._requests.popleft()
            rejected = SegmentationResult.COMMAND_REJECTED
            message = "the node was deactivated"
            request.done(reply(request.command, rejected, message, now_header(self._clock)))

    def _next_job(self) -> Callable[[], object] | None:
        if self._requests:
            return partial(self._serve, self._requests.popleft())
        command, parameters = self._command, self._parameters()
        if command is None or not self._enabled:
            return None
        if self._is_expired(command, parameters):
            message = f"command_ttl_s, which is {parameters.command_ttl_s:g}, has passed"
            return partial(self._end, command, SegmentationResult.COMMAND_EXPIRED, message)
        if parameters.max_rate_hz and monotonic() - self._last_start < 1 / parameters.max_rate_hz:
            return None
        if (frame := self.frames.take()) is not None:
            self._last_image = self._last_start = monotonic()
            self._said_no_frame = False
            return partial(self._process, command, frame, parameters)
        return self._missing_frame(command, parameters)

    def _end(self, command: Command, status: int, message: str) -> None:
        with self._changed:
            if command is self._command:
                self._command = None
                self._send(reply(command, status, message, now_header(self._clock)))

    def _is_fresh(self, frame: Frame) -> bool:
        limit_s = self._parameters().max_frame_age_s
        age = self._clock.now().nanoseconds - nanoseconds(frame.header.stamp)
        return not limit_s or abs(age) <= limit_s * 1e9

    def _is_expired(self, command: Command, parameters: NodeParameters) -> bool:
        age = self._clock.now().nanoseconds - nanoseconds(command.stamp)
        return 0 < parameters.command_ttl_s * 1e9 < age

    def _missing_frame(
        self, command: Command, parameters: NodeParameters
    ) -> Callable[[], object] | None:
        waited = monotonic() - self._last_image
        if self._said_no_frame or waited < max(LEAST_PATIENCE_S, parameters.max_frame_age_s):
            return None
        self._said_no_frame = True
        newest = self.frames.newest()
        if newest is None:
            status, header = SegmentationResult.NO_FRAME, now_header(self._clock)
        else:
            status, header = SegmentationResult.STALE_FRAME, newest.header
        message = f"no new image for {waited:.1f} s: is the camera running, and its topic right?"
        return partial(
            self._conclude, command, reply(command, status, message, header), parameters
        )

    def _process(self, command: Command, frame: Frame, parameters: NodeParameters) -> None:
        answer = self._answer(frame, command, parameters.max_frame_age_s)
        self._conclude(command, answer, parameters)

    def _conclude(self, command: Command, answer: Answer, parameters: NodeParameters) -> None:
        with self._changed:
            if command is not self._command or not self._enabled:  # changed meanwhile
                return
            if parameters.mode == "once":
                self._command = None
            self._send(answer)

    def _serve(self, request: Request) -> None:
        frame = request.image or self.frames.newest()
        if frame is None:
            message = "no image has arrived: is the camera running, and its topic right?"
            header = now_header(self._clock)
            answer = reply(request.command, SegmentationResult.NO_FRAME, message, header)
        else:
            answer = self._answer(frame, request.command, request.max_age_s)
            self._note_total(answer.result)
        request.done(answer)

    def _send(self, answer: Answer) -> None:
        if answer.image_rgb is not None:
            self._note_total(answer.result)
        self._publish(answer)

    def _note_total(self, result: SegmentationResult) -> None:
        elapsed = self._clock.now().nanoseconds - nanoseconds(result.header.stamp)
        result.total = duration_message(elapsed)
