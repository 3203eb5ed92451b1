"""The mask formats of COCO files: polygons and run lengths, decoded by COCO's own code.

That code is C and believes its numbers: every one is checked before it gets there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from evf_sam_ros.data.records import Region

CORNERS = 3  # fewer have no area, and COCO's code takes four numbers for a box
# Outlines reach out of their picture, but no farther than this many of its longer side.
REACH = 2
# COCO's code walks along an outline and keeps 40 bytes per pixel of it.
LONGEST_OUTLINE_PX = 2_000_000
SURELY_PIXELS = 4.0  # square pixels of an outline that is certain to cover the middle of one


@dataclass(frozen=True)
class Segments(Region):
    """The union of annotations as COCO writes them; a pixel covered twice is covered.

    Each is run lengths {size, counts}, with counts compressed (a string) or not (a list), or a
    list of parts: polygons [x0, y0, x1, y1, ...] in pixels, or, in RefCLEF, run lengths.
    """

    segmentations: tuple[Any, ...]

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        union = np.zeros((height, width), bool)
        for segmentation in self.segmentations:
            for part in _parts(segmentation):
                union |= coco_mask.decode(_run_lengths(part, height, width)).astype(bool)
        return union


def check_segmentation(segmentation: Any, where: str, size: tuple[int, int]) -> None:
    """Refuse at reading what could not be made a mask of a picture of (height, width) later.

    Raises:
        ValueError: neither polygons nor run lengths, or numbers that cannot be; names `where`.
    """
    parts = [segmentation] if isinstance(segmentation, Mapping) else segmentation
    is_list = isinstance(parts, list)
    if not is_list or not all(_is_runs(part) or _is_polygon(part) for part in parts):
        raise ValueError(
            f"{where} has the segmentation {repr(segmentation)[:80]}, need polygons "
            "[[x, y, x, y, ...], ...] or run lengths {size, counts}"
        )
    try:
        for part in parts:
            if isinstance(part, Mapping):
                _checked_counts(part, *size)
            else:
                check_outline(np.asarray(part, np.float64).reshape(-1, 2), size)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{where}: {error}") from None


def check_outline(corners: NDArray[np.float64], size: tuple[int, int]) -> None:
    """Refuse corners (N, 2), x and y, that no outline in a picture of (height, width) has."""
    if not len(corners):
        return
    side = max(size)
    wrong = ~np.isfinite(corners) | (corners < -REACH * side) | (corners > (REACH + 1) * side)
    if wrong.any():
        value = float(corners[wrong][0])
        raise ValueError(
            f"a corner of its outline is at {value}, need pixels from {-REACH * side} to "
            f"{(REACH + 1) * side} in a picture of {size[1]} x {size[0]}"
        )
    length = float(np.abs(np.diff(corners, axis=0, append=corners[:1])).max(1).sum())
    if length > LONGEST_OUTLINE_PX:
        raise ValueError(
            f"its outline is {length:.0f} pixels long, need {LONGEST_OUTLINE_PX} at most"
        )


def is_empty(segmentation: Any, size: tuple[int, int]) -> bool:
    """Tell whether a checked segmentation covers no pixel of a picture of (height, width)."""
    return not any(_covers(part, *size) for part in _parts(segmentation))


def _covers(part: Any, height: int, width: int) -> bool:
    if isinstance(part, Mapping):
        return bool(_checked_counts(part, height, width)[1::2].any())
    corners = np.asarray(part, np.float64).reshape(-1, 2)
    x, y = corners.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    is_inside = corners.min() >= 0 and (corners.max(0) <= (width, height)).all()
    if is_inside and area >= SURELY_PIXELS and np.ptp(corners, 0).min() >= 2:
        return True
    return bool(coco_mask.area(_run_lengths(part, height, width)))


def _parts(segmentation: Any) -> list[Any]:
    if isinstance(segmentation, Mapping):
        return [segmentation]
    return [part for part in segmentation if isinstance(part, Mapping) or len(part) >= 2 * CORNERS]


def _run_lengths(part: Any, height: int, width: int) -> Any:
    if not isinstance(part, Mapping):
        return coco_mask.frPyObjects([part], height, width)[0]
    counts = _checked_counts(part, height, width)
    if isinstance(part["counts"], list):
        runs = {"size": [height, width], "counts": counts.tolist()}
        return coco_mask.frPyObjects(runs, height, width)
    return dict(part)


def _checked_counts(part: Mapping[str, Any], height: int, width: int) -> NDArray[np.int64]:
    """Return run lengths as numbers; ValueError where they are not of such a picture."""
    size = part["size"]
    if list(size) != [height, width]:
        rows, columns = size
        raise ValueError(
            f"run lengths are for {columns} x {rows} pixels, the picture is {width} x {height}"
        )
    given = part["counts"]
    if isinstance(given, list):
        if wrong := [each for each in given if not _is_count(each)]:
            raise ValueError(f"a run length is {wrong[0]!r}, need whole numbers from 0 on")
        counts = np.array(given, np.int64)
    else:
        counts = _uncompressed(given)
    if len(counts) and counts.min() < 0:
        raise ValueError(f"a run length is {counts.min()}, need whole numbers from 0 on")
    if (total := int(counts.sum())) != height * width:
        raise ValueError(
            f"its run lengths add up to {total} pixels, the picture has {height * width} "
            f"({width} x {height})"
        )
    return counts


def _uncompressed(text: str | bytes) -> NDArray[np.int64]:
    """Return the numbers of COCO's compressed run lengths.

    Each is written in characters from '0' on, five bits in each and the lowest first, the sixth
    bit where more follow; from the fourth number on, as the difference to the one before last.
    """
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    codes = np.frombuffer(raw, np.uint8).astype(np.int64) - 48
    if len(codes) and (codes.min() < 0 or codes.max() > 63 or codes[-1] & 32):
        raise ValueError(f"its run lengths {text[:40]!r} are none that COCO's code wrote")
    ends = np.flatnonzero((codes & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    lengths = ends - starts + 1
    if len(lengths) and lengths.max() > 8:
        raise ValueError(f"its run lengths {text[:40]!r} hold a number beyond every picture")
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    bits = (codes & 31) << (5 * places)
    values = np.add.reduceat(bits, starts) if len(starts) else bits
    negative = (codes[ends] & 16) > 0
    values = values - (negative.astype(np.int64) << (5 * lengths))
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_runs(part: Any) -> bool:
    return (
        isinstance(part, Mapping)
        and isinstance(part.get("counts"), list | str | bytes)
        and isinstance(part.get("size"), Sequence)
        and len(part["size"]) == 2
        and all(isinstance(side, int) for side in part["size"])
    )


def _is_polygon(part: Any) -> bool:
    return (
        isinstance(part, list)
        and len(part) % 2 == 0
        and all(isinstance(value, int | float) for value in part)
    )
