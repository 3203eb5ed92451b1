"""The forms in which COCO files hold a mask: polygons and run lengths, read by COCO's own code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from evf_sam_ros.data.records import Region


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


def check_segmentation(segmentation: Any, where: str) -> None:
    """Refuse at reading what could not be made a mask later.

    Raises:
        ValueError: neither polygons nor run lengths; names `where`.
    """
    parts = [segmentation] if isinstance(segmentation, Mapping) else segmentation
    if isinstance(parts, list) and all(_is_runs(part) or _is_polygon(part) for part in parts):
        return
    shown = repr(segmentation)
    raise ValueError(
        f"{where} has the segmentation {shown[:80]}, need polygons [[x, y, x, y, ...], ...] "
        "or run lengths {size, counts}"
    )


def _parts(segmentation: Any) -> list[Any]:
    if isinstance(segmentation, Mapping):
        return [segmentation]
    # A polygon of less than three corners has no area, and COCO's code takes four numbers
    # for a box.
    return [part for part in segmentation if isinstance(part, Mapping) or len(part) >= 6]


def _run_lengths(part: Any, height: int, width: int) -> Any:
    if not isinstance(part, Mapping):
        return coco_mask.frPyObjects([part], height, width)[0]
    rows, columns = part["size"]
    if (rows, columns) != (height, width):
        raise ValueError(
            f"run lengths are for {columns} x {rows} pixels, the picture is {width} x {height}"
        )
    if isinstance(part["counts"], list):
        return coco_mask.frPyObjects(dict(part), height, width)
    return dict(part)


def _is_runs(part: Any) -> bool:
    return isinstance(part, Mapping) and {"size", "counts"} <= part.keys()


def _is_polygon(part: Any) -> bool:
    return (
        isinstance(part, list)
        and len(part) % 2 == 0
        and all(isinstance(value, int | float) for value in part)
    )
