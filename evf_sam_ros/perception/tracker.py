"""Track one target in a stream of frames, with or without a memory in the model.

Words find the target; from then on it is followed, by memory where the model has one, else by
asking again, and whatever is found must be near where the target was last. Only that mask is
kept, so a stream may be of any length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.defaults import REGROUND_EVERY
from evf_sam_ros.perception.followers import Image, follower
from evf_sam_ros.perception.geometry import Mask, split_instances
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.segmentation import Segmentation, added

RETRY_EVERY = 5  # frames without the target, for models with a memory: words cost more
DOUBTS = 3  # so often words may contradict memory before they are believed
# How far a target moves from one frame to the next; it grows while nothing is seen of it, with the
# root of the frames, as what moves now here, now there does.
REACH_OF_ITSELF = 0.5  # of the square root of its area
REACH_OF_IMAGE = 0.03  # of the diagonal


class State(Enum):
    """State of the target."""

    NOT_FOUND = "not found"  # so far
    TRACKED = "tracked"
    LOST = "lost"  # was found before; hidden, gone, or mistaken for something elsewhere


class Source(Enum):
    """Origin of an answer."""

    WORDS = "words"
    MEMORY = "memory"


@dataclass(frozen=True)
class Track:
    """The target in one frame."""

    index: int  # of the frame, from 0
    state: State
    source: Source
    segmentation: Segmentation  # of one prompt; its mask is empty unless the target is tracked

    @property
    def mask(self) -> Mask:
        """Mask of the visible part of the target, (H, W)."""
        return self.segmentation.masks[0]

    @property
    def score(self) -> float:
        """The model's confidence that the target is there, 0..1."""
        return float(self.segmentation.scores[0])


class Tracker:
    """Follows what an expression names, frame by frame."""

    def __init__(
        self, predictor: Predictor, expression: str, *, reground_every: int = REGROUND_EVERY
    ) -> None:
        """Begin with the next frame.

        Args:
            reground_every: ask a model with a memory again after so many frames; 0: only when
                the target is lost. A model without one is asked in every frame anyhow.

        Raises:
            ValueError: a negative number, or an expression that the predictor refuses.
        """
        if reground_every < 0:
            raise ValueError(f"reground is {reground_every}, need 0 (only when lost) or more")
        self._follower = follower(predictor, expression)
        self._reground_every = reground_every
        self._frames = 0
        self._asked = 0  # frame of the last question
        self._doubts = 0
        self._last: Mask | None = None  # where the target was seen last
        self._unseen = 0  # frames since

    def __call__(self, image_rgb: Image, *, score_threshold: float | None = None) -> Track:
        """Find the target in the next frame.

        Args:
            image_rgb: (H, W, 3).
            score_threshold: what words find counts from this score on; None: the predictor's own.

        Raises:
            ValueError: an image that the predictor refuses.
        """
        return self.step(self.see(image_rgb), score_threshold=score_threshold)

    def see(self, image_rgb: Image) -> Any:
        """Return the image as `step` takes it, of this tracker and others of its predictor."""
        return self._follower.see(image_rgb)

    def step(self, frame: Any, *, score_threshold: float | None = None) -> Track:
        """Find the target in a frame that was seen."""
        remembered = self._follower.follow(frame)
        if remembered is not None and remembered.found[0]:
            self._saw(remembered.masks[0])
        if remembered is not None and not self._is_due(remembered):
            return self._track(remembered, Source.MEMORY)
        self._asked = self._frames
        said = self._follower.ground(frame, score_threshold=score_threshold)
        near = self._near(said)
        if near.found[0] or self._overrules(said, remembered):
            believed = near if near.found[0] else said
            self._doubts = 0
            self._follower.adopt()
            self._saw(np.logical_or.reduce([believed.masks[0], *believed.rivals_of(0)]))
            return self._track(believed, Source.WORDS)
        if remembered is None:
            return self._track(near, Source.WORDS)
        return self._track(remembered, Source.MEMORY)

    def _track(self, answer: Segmentation, source: Source) -> Track:
        if answer.found[0]:
            state = State.TRACKED
        else:
            state = State.NOT_FOUND if self._last is None else State.LOST
        self._unseen += 1
        self._frames += 1
        return Track(self._frames - 1, state, source, answer)

    def _saw(self, mask: Mask) -> None:
        self._last, self._unseen = mask, 0

    def _is_due(self, remembered: Segmentation) -> bool:
        """Tell whether to ask by words in addition to the memory."""
        since = self._frames - self._asked
        if remembered.found[0]:
            return 0 < self._reground_every <= since
        return self._unseen == 1 or since >= RETRY_EVERY

    def _overrules(self, said: Segmentation, remembered: Segmentation | None) -> bool:
        """Tell whether words have contradicted the memory too often to trust it."""
        if remembered is None or not remembered.found[0] or not said.found[0]:
            return False
        self._doubts += 1
        return self._doubts >= DOUBTS

    def _near(self, said: Segmentation) -> Segmentation:
        """Keep the parts of the answer that may be the target; found only if there are any."""
        if self._last is None or not said.found[0] or said.masks[0].shape != self._last.shape:
            return said
        steps = max(1, self._unseen)
        mask = parts_near(said.masks[0], self._last, steps)
        found = np.array([mask.any()])
        scores = np.where(found, said.scores, 0.0).astype(np.float32)
        near = (part for part in said.rivals_of(0) if parts_near(part, self._last, steps).any())
        return replace(said, masks=mask[None], found=found, scores=scores, rivals=(tuple(near),))


def parts_near(mask: Mask, last: Mask, frames: int) -> Mask:
    """Return the connected parts of a mask to which the target may have moved.

    Args:
        mask: (H, W), what looks like the target.
        last: (H, W), where it was; not empty.
        frames: how many frames ago.
    """
    reach = reach_px(last, frames)
    away = cv2.distanceTransform((~last).astype(np.uint8), cv2.DIST_L2, 3)
    kept = [part for part in split_instances(mask) if away[part].min() <= reach]
    return np.logical_or.reduce(kept) if kept else np.zeros_like(mask)


def reach_px(last: Mask, frames: int) -> float:
    """Return how far a target may be from its last place, pixels from rim to rim.

    Args:
        last: (H, W), where it was; not empty.
        frames: how many frames ago.
    """
    diagonal = float(np.hypot(*last.shape))
    step = max(REACH_OF_ITSELF * np.count_nonzero(last) ** 0.5, REACH_OF_IMAGE * diagonal)
    return float(step * frames**0.5)


Target = tuple[str, str]  # a name, so that one can be asked for anew, and its expression


class TargetTracker:
    """Follows several targets of one stream; each image is encoded once."""

    def __init__(self, predictor: Predictor, *, reground_every: int = REGROUND_EVERY) -> None:
        self._predictor = predictor
        self._reground_every = reground_every
        self._trackers: dict[Target, Tracker] = {}

    def __call__(
        self,
        image_rgb: NDArray[np.uint8],
        targets: Sequence[Target],
        *,
        score_threshold: float | None = None,
    ) -> list[Track]:
        """Find each target in the next image of the stream.

        One that was among the last image's is followed, any other is new. The threshold is that
        of `Tracker`.
        """
        if not targets:
            raise ValueError("no target: need one or more expressions")
        self._trackers = {
            target: self._trackers.get(target)
            or Tracker(self._predictor, target[1], reground_every=self._reground_every)
            for target in targets
        }
        frame = self._trackers[targets[0]].see(image_rgb)
        tracks = {
            target: tracker.step(frame, score_threshold=score_threshold)
            for target, tracker in self._trackers.items()
        }
        return [tracks[target] for target in targets]


def joined(answers: Sequence[Segmentation]) -> Segmentation:
    """Return the answers to one image, of one prompt each, as one."""
    presences = [answer.presence for answer in answers if answer.presence is not None]
    proposed = [answer.proposed for answer in answers if answer.proposed is not None]
    whole = len(answers)
    return Segmentation(
        masks=np.concatenate([answer.masks for answer in answers]),
        scores=np.concatenate([answer.scores for answer in answers]),
        found=np.concatenate([answer.found for answer in answers]),
        predicted_iou=np.concatenate([answer.predicted_iou for answer in answers]),
        unknown_words=tuple(words for answer in answers for words in answer.unknown_words),
        logits=np.concatenate([answer.logits for answer in answers]),
        times=added([answer.times for answer in answers]),
        presence=np.concatenate(presences) if len(presences) == whole else None,
        proposed=np.concatenate(proposed) if len(proposed) == whole else None,
        readings=tuple(readings for answer in answers for readings in answer.readings),
        rivals=tuple(
            answer.rivals_of(index) for answer in answers for index in range(len(answer.masks))
        ),
        calibrated=all(answer.calibrated for answer in answers),
    ).unless(next((each.unsuitable for each in answers if each.unsuitable), ""))
