"""Active commands and searches; each gets one final answer, and none after it."""

from collections.abc import Callable, Sequence
from threading import Lock

from rclpy.clock import Clock

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.elapsed import elapsed_ns
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer, note_total, now_header, reply
from evf_sam_ros.ros.node.search import Identity, Search
from evf_sam_ros.ros.node.statistics import Statistics

NO_COMMAND: tuple[Command, ...] = ()
QUOTED = 100  # most characters of a sentence that a message repeats


class ActiveCommands:
    """The active commands and the searches; every method may be called from any thread."""

    def __init__(
        self, publish: Callable[[Sequence[Answer]], None], clock: Clock, statistics: Statistics
    ) -> None:
        """Start without commands.

        Args:
            publish: publishes the answers to one image, one for each command.
            clock: the node's clock.
            statistics: counts the answers.
        """
        self._publish = publish
        self._clock = clock
        self._statistics = statistics
        self._commands = NO_COMMAND
        self._followed_since_ns = 0
        self._searches: tuple[Search, ...] = ()
        self._enabled = True
        # Guards publishing and the set of commands; never acquire the worker's lock under it.
        self._telling = Lock()

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return the commands of the sentence that is followed."""
        return self._commands

    @property
    def searches(self) -> tuple[Search, ...]:
        return self._searches

    @property
    def enabled(self) -> bool:
        return self._enabled

    @property
    def is_waiting(self) -> bool:
        """Tell whether a command or a search needs an image."""
        return self._enabled and bool(self._commands or self._searches)

    def enable(self, enabled: bool) -> None:
        with self._telling:
            self._enabled = enabled

    @property
    def followed_s(self) -> float:
        """Return for how long the active commands have been followed."""
        return (elapsed_ns(self._clock) - self._followed_since_ns) / 1e9

    def follow(self, commands: tuple[Command, ...]) -> None:
        """Make these commands, at least one, the active ones; those before hear REPLACED."""
        with self._telling:
            replaced, self._commands = self._commands, commands
            self._followed_since_ns = elapsed_ns(self._clock)
            text = commands[0].text
            quoted = repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}...")
            self._say_last(replaced, SegmentationResult.REPLACED, f"replaced by {quoted}")

    def join(self, search: Search) -> None:
        with self._telling:
            search.began_ns = elapsed_ns(self._clock)
            self._searches = (*self._searches, search)

    def end(self, commands: tuple[Command, ...], status: int, message: str) -> bool:
        """End these commands with a last answer; return whether they were the active ones."""
        with self._telling:
            if not commands or commands is not self._commands:
                return False
            self._commands = NO_COMMAND
            self._say_last(commands, status, message)
            return True

    def give_up(self, search: Search, status: int, reason: str) -> bool:
        """End a search with the best that it has seen; return whether it had not ended before."""
        with self._telling:
            if search not in self._searches:
                return False
            self._leave(search)
            nothing = reply(search.goal.command, status, "", now_header(self._clock))
            search.give_up(nothing, reason)
            return True

    def tell_commands(
        self, commands: tuple[Command, ...], answers: Sequence[Answer], *, ends: bool
    ) -> bool:
        """Publish one answer for each command; return False if they are not active any more.

        Args:
            ends: whether these answers are their last.
        """
        with self._telling:
            if not commands or commands is not self._commands or not self._enabled:
                return False
            if ends:
                self._commands = NO_COMMAND
            self._send(answers)
            return True

    def tell_search(self, search: Search, answer: Answer, image: Identity | None) -> None:
        """Pass an answer to a search that has not ended; end it if that completes it.

        Args:
            image: the identity of the image that was processed, None where none was.
        """
        note_total(answer, self._clock)
        with self._telling:
            if search in self._searches and search.see(answer, image):
                self._leave(search)

    def _leave(self, search: Search) -> None:
        self._searches = tuple(each for each in self._searches if each is not search)

    def _say_last(self, commands: Sequence[Command], status: int, message: str) -> None:
        if commands:
            header = now_header(self._clock)
            self._send([reply(command, status, message, header) for command in commands])

    def _send(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            note_total(answer, self._clock)
            # Before it is published: the next sentence may already be about its candidates.
            self._statistics.answered(answer.result, processed=answer.image_rgb is not None)
        self._publish(answers)
