"""A goal of ~/find_object: evaluates answers until enough images in a row agree."""

import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Mask
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer
from evf_sam_ros.ros.stamps import nanoseconds

SAME_PLACE = 0.5  # intersection over union of the masks of images that agree
DEFAULT_STABLE_FRAMES = 3
REMEMBERED = 300  # images; more than wait for the model in any mode

# The stamp alone does not tell images apart where a driver stamps whole seconds, the pixels alone
# not where the scene stands still.
Identity: TypeAlias = tuple[int, int]  # stamp, and checksum of the pixels


def identity(answer: Answer) -> Identity | None:
    """Return what tells the answer's image from every other, None if none was processed."""
    if answer.image_rgb is None:
        return None
    pixels = np.ascontiguousarray(answer.image_rgb)
    return nanoseconds(answer.result.header.stamp), zlib.crc32(pixels.data)


@dataclass(frozen=True)
class Goal:
    """The command of a search and the conditions that end it."""

    command: Command
    timeout_s: float  # 0: never
    min_score: float
    stable_frames: int


def goal_from(request: FindObject.Goal, command: Command, ttl_s: float) -> Goal:
    """Return a request with its defaults filled in.

    Args:
        request: as the client sent it.
        command: what its sentence asks for.
        ttl_s: the timeout of a request that gives none, 0 for none.
    """
    return Goal(
        command=command,
        timeout_s=nanoseconds(request.timeout) / 1e9 or ttl_s,
        min_score=request.min_score,
        stable_frames=request.stable_frames or DEFAULT_STABLE_FRAMES,
    )


def unreachable(goal: Goal, max_rate_hz: float) -> str:
    """Return why no sequence of images can reach the goal, empty if one can.

    Args:
        goal: the conditions.
        max_rate_hz: images are processed no faster, 0 for no limit.
    """
    if not 0.0 <= goal.min_score <= 1.0:
        return f"min_score is {goal.min_score:g}, need 0 to 1"
    if goal.timeout_s < 0:
        return f"timeout is {goal.timeout_s:g} s, need 0 (the parameter command_ttl_s) or more"
    count = goal.stable_frames
    if count > REMEMBERED:
        return f"stable_frames is {count}, need 0 ({DEFAULT_STABLE_FRAMES} images) to {REMEMBERED}"
    least_s = (count - 1) / max_rate_hz if max_rate_hz else 0.0
    if 0 < goal.timeout_s < least_s:
        return (
            f"stable_frames is {count}, which takes {least_s:g} s at max_rate_hz "
            f"{max_rate_hz:g}, but the timeout is {goal.timeout_s:g} s: need fewer or longer"
        )
    return ""


class Search:
    """Counts agreeing images, each once, until the search ends."""

    def __init__(
        self,
        goal: Goal,
        *,
        progress: Callable[[FindObject.Feedback], None],
        done: Callable[[Answer], None],
    ) -> None:
        """Begin a search.

        Args:
            goal: the command and the conditions that end the search.
            progress: gets feedback after each image.
            done: gets the answer that ends the search.
        """
        self.goal = goal
        self.began_ns = 0  # as `elapsed_ns` tells it
        self._known: deque[Identity] = deque(maxlen=REMEMBERED)
        self._progress = progress
        self._done = done
        self._best: Answer | None = None
        self._last_mask: Mask | None = None
        self._seen = self._agreeing = 0
        self._tell()

    def see(self, answer: Answer, image: Identity | None) -> bool:
        """Count an answer; return True if the search has succeeded.

        An image that was seen before, because a command or another search asked about it again
        or its sender repeats it, counts no second time.

        Args:
            image: the identity of the answer's image, None where none was processed.
        """
        if image in self._known:
            return False
        if image is not None:
            self._known.append(image)
            self._seen += 1
            self._count(answer)
        if self._best is None or self._rank(answer) >= self._rank(self._best):
            self._best = answer
        is_over = self._agreeing >= self.goal.stable_frames
        self._tell()
        if is_over:
            self._done(answer)
        return is_over

    def give_up(self, nothing: Answer, reason: str) -> None:
        """End without success, with the best answer, or that one where no image was seen."""
        answer = self._best or nothing
        result = answer.result
        if result.status == SegmentationResult.FOUND:
            result.status = SegmentationResult.LOW_CONFIDENCE
        seen = f"{reason}: {self._seen} images looked at, the newest {self._agreeing} agree"
        result.message = "; ".join(filter(None, (seen, result.message)))
        self._done(replace(answer, result=result))

    def of_camera(self, camera: str, done: Callable[[Answer], None]) -> "Search":
        """Return a search for the same in one of several cameras, with the same feedback."""
        goal = replace(self.goal, command=replace(self.goal.command, camera=camera))
        return Search(goal, progress=self._progress, done=done)

    def finish(self, answer: Answer) -> None:
        """End with an answer that was found elsewhere."""
        self._done(answer)

    def _count(self, answer: Answer) -> None:
        mask = answer.mask
        if mask is None or not self._is_good(answer):
            self._agreeing, self._last_mask = 0, None
            return
        follows = self._last_mask is not None and _overlap(mask, self._last_mask) >= SAME_PLACE
        self._agreeing = self._agreeing + 1 if follows else 1
        self._last_mask = mask

    def _is_good(self, answer: Answer) -> bool:
        found = answer.result.status == SegmentationResult.FOUND
        return found and answer.result.score >= self.goal.min_score

    def _rank(self, answer: Answer) -> tuple[bool, bool, float]:
        return answer.image_rgb is not None, self._is_good(answer), answer.result.score

    def _tell(self) -> None:
        feedback = FindObject.Feedback(frames_seen=self._seen, frames_agreeing=self._agreeing)
        if self._seen:
            feedback.state = (
                FindObject.Feedback.CONFIRMING if self._agreeing else FindObject.Feedback.SEARCHING
            )
        if self._best is not None:
            feedback.best_score = self._best.result.score
        self._progress(feedback)


def _overlap(one: Mask, other: Mask) -> float:
    """Return intersection over union, 0 for images of different sizes."""
    if one.shape != other.shape:
        return 0.0
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
