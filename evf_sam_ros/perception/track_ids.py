"""Numbers that stay with objects while they are followed from image to image."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np

from evf_sam_ros.perception.geometry import Mask
from evf_sam_ros.perception.tracker import reach_px

REMEMBERED = 32  # objects of a target
FORGOTTEN = 300  # images after which what is not seen has no number any more


T = TypeVar("T", bound=Hashable)  # what a target is told by


@dataclass(frozen=True)
class _Seen:
    """An object where it was seen last."""

    id: int
    mask: Mask  # (H, W)
    image: int  # number of the image


class TrackIds(Generic[T]):
    """Gives numbers from 1 to the objects of each target; a new one where it is another object.

    An object keeps its number where it may have moved from its last place, by the rule by which
    the tracker itself believes that (`reach_px`).
    """

    def __init__(self) -> None:
        self._next = 1
        self._images = 0
        self._seen: dict[T, list[_Seen]] = {}

    def __call__(self, targets: Mapping[T, Sequence[Mask]]) -> dict[T, list[int]]:
        """Return the numbers of the objects in the next image of a stream.

        Args:
            targets: the masks (H, W) found for each target that is followed, none if it is not
                seen; one that is not among them any more is forgotten.
        """
        self._images += 1
        self._seen = {target: self._seen.get(target, []) for target in targets}
        return {target: self._numbered(target, masks) for target, masks in targets.items()}

    def _numbered(self, target: T, masks: Sequence[Mask]) -> list[int]:
        before = [each for each in self._seen[target] if self._images - each.image <= FORGOTTEN]
        numbers: dict[int, int] = {}  # by the mask's place
        for place, known in _pairs(masks, before, self._images):
            if place not in numbers and known.id not in numbers.values():
                numbers[place] = known.id
        for place in range(len(masks)):
            if place not in numbers:
                numbers[place] = self._next
                self._next += 1
        now = [_Seen(numbers[place], mask, self._images) for place, mask in enumerate(masks)]
        missing = [each for each in before if each.id not in numbers.values()]
        self._seen[target] = [*now, *missing][:REMEMBERED]
        return [each.id for each in now]


def _pairs(masks: Sequence[Mask], before: Sequence[_Seen], image: int) -> list[tuple[int, _Seen]]:
    """Return which mask may be which object, the likeliest pairs first."""
    ranked = []
    for known in before:
        reach = reach_px(known.mask, image - known.image)
        away = cv2.distanceTransform((~known.mask).astype(np.uint8), cv2.DIST_L2, 3)
        for place, mask in enumerate(masks):
            if mask.shape != known.mask.shape or away[mask].min() > reach:
                continue
            shared = np.count_nonzero(mask & known.mask) / np.count_nonzero(mask | known.mask)
            ranked.append((-shared, _distance(mask, known.mask), place, known))
    ranked.sort(key=lambda each: each[:2])
    return [(place, known) for _, _, place, known in ranked]


def _distance(one: Mask, other: Mask) -> float:
    """Return how far apart the middles of two masks are, pixels."""
    middles = [np.mean(np.nonzero(mask), axis=1) for mask in (one, other)]
    return float(np.linalg.norm(middles[0] - middles[1]))
