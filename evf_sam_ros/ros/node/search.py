"""A goal of ~/find_object: watch the answers to it until enough images in a row agree."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Mask
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer

SAME_PLACE = 0.5  # intersection over union of the masks of images that agree
DEFAULT_STABLE_FRAMES = 3


@dataclass(frozen=True)
class Goal:
    """What is looked for, and when that has been found or is given up."""

    command: Command
    timeout_s: float  # 0: never
    min_score: float
    stable_frames: int


class Search:
    """Counts agreeing images; the worker shows it answers, until it is over."""

    def __init__(
        self,
        goal: Goal,
        *,
        progress: Callable[[FindObject.Feedback], None],
        is_cancelled: Callable[[], bool],
        done: Callable[[Answer], None],
    ) -> None:
        """Take what to tell on the way and at the end, and how to learn that nobody waits."""
        self.goal = goal
        self.is_cancelled = is_cancelled
        self._progress = progress
        self._done = done
        self._best: Answer | None = None
        self._last_mask: Mask | None = None
        self._seen = self._agreeing = 0
        self._tell()

    def see(self, answer: Answer) -> bool:
        """Take an answer; return whether the search is over, with success."""
        if answer.image_rgb is not None:
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
