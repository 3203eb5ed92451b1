"""Who wants answers, and telling them: nobody hears of what has ended."""

from collections.abc import Callable, Sequence
from threading import Lock

from rclpy.clock import Clock

from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer, note_total, now_header, reply
from evf_sam_ros.ros.node.search import Search
from evf_sam_ros.ros.node.statistics import Statistics

NO_COMMAND: tuple[Command, ...] = ()


class ActiveCommands:
    """The active commands and the searches; every method may be called from any thread."""

    def __init__(
        self, publish: Callable[[Sequence[Answer]], None], clock: Clock, statistics: Statistics
    ) -> None:
        """Take what publishes the answers to one image, one for each command."""
        self._publish = publish
        self._clock = clock
        self._statistics = statistics
        self._commands = NO_COMMAND
        self._searches: tuple[Search, ...] = ()
        self._enabled = True
        # Held to tell answers, and to change who is told; never waited in for the worker's.
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
        """Tell whether anybody wants an image to be looked at."""
        return self._enabled and bool(self._commands or self._searches)

    def enable(self, enabled: bool) -> None:
        with self._telling:
            self._enabled = enabled

    def follow(self, commands: tuple[Command, ...]) -> None:
        with self._telling:
            self._commands = commands

    def join(self, search: Search) -> None:
        with self._telling:
            self._searches = (*self._searches, search)

    def end(self, commands: tuple[Command, ...], status: int, message: str) -> bool:
        """End these commands with a last answer; return whether they were the active ones."""
        with self._telling:
            if not commands or commands is not self._commands:
                return False
            self._commands = NO_COMMAND
            header = now_header(self._clock)
            self._send([reply(command, status, message, header) for command in commands])
            return True

    def give_up(self, search: Search, status: int, reason: str) -> None:
        """End a search with the best that it has seen, unless it has ended."""
        with self._telling:
            if search in self._searches:
                self._leave(search)
                nothing = reply(search.goal.command, status, "", now_header(self._clock))
                search.give_up(nothing, reason)

    def tell_commands(
        self, commands: tuple[Command, ...], answers: Sequence[Answer], *, ends: bool
    ) -> None:
        """Publish one answer for each command, unless these are no longer the active ones.

        Args:
            ends: whether these answers are their last.
        """
        with self._telling:
            if not commands or commands is not self._commands or not self._enabled:
                return
            if ends:
                self._commands = NO_COMMAND
            self._send(answers)

    def tell_search(self, search: Search, answer: Answer) -> None:
        """Show a search one more answer, unless it has ended; it ends where that is enough."""
        note_total(answer, self._clock)
        with self._telling:
            if search in self._searches and search.see(answer):
                self._leave(search)

    def _leave(self, search: Search) -> None:
        self._searches = tuple(each for each in self._searches if each is not search)

    def _send(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            note_total(answer, self._clock)
        self._publish(answers)
        for answer in answers:
            self._statistics.answered(answer.result, processed=answer.image_rgb is not None)
