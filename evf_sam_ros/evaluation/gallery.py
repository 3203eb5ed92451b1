"""Example answers of an evaluation, drawn beside the truth; the most instructive are chosen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data.records import Record
from evf_sam_ros.evaluation.figures import iou
from evf_sam_ros.evaluation.judged import Judged, JudgedImage, decode
from evf_sam_ros.perception.overlay import OUTLINE, Annotation, draw
from evf_sam_ros.pictures.document import Picture

EXAMPLES = 8  # of each kind, at most one per picture
TRUTH_COLOR = (255, 255, 255)
LONGEST_SIDE = 560  # pixels of a drawn picture
Chosen = tuple[JudgedImage, Judged]
Image = NDArray[np.uint8]


def choose(images: Sequence[JudgedImage]) -> Mapping[str, list[Chosen]]:
    """Return examples by what they show, the plainest first."""
    pairs = [(image, item) for image in images for item in image.sentences]
    present = [pair for pair in pairs if pair[1].has_target]
    absent = [pair for pair in pairs if not pair[1].has_target]
    found = [pair for pair in present if pair[1].found]
    return {
        "Best masks": _first(found, lambda item: -iou(item)),
        "Worst masks: something else was found": _first(
            [pair for pair in found if iou(pair[1]) < 0.5], lambda item: (iou(item), -item.score)
        ),
        "False masks: nothing fits, something was found": _first(
            [pair for pair in absent if pair[1].found], lambda item: -item.score
        ),
        "Missed: it is there, and was not found": _first(
            [pair for pair in present if not pair[1].found], lambda item: item.score
        ),
        "Rightly not found": _first(
            [pair for pair in absent if not pair[1].found], lambda item: item.score
        ),
    }


def picture(chosen: Chosen, name: str) -> Picture:
    """Draw an answer over its picture; the white outline is the truth."""
    image, item = chosen
    size = (image.height, image.width)
    mask = decode(item.runs, size) if item.found else np.zeros(size, bool)
    status = "FOUND" if item.found else "NOT_FOUND"
    answer = Annotation(shrunk_mask(mask), item.text, status, item.score)
    result = draw(shrunk(read_rgb(image)), [answer])
    outline_truth(result, shrunk_mask(decode(item.truth, size)))
    return Picture.of(name, result, caption(item))


def read_rgb(image: JudgedImage) -> Image:
    """Return the picture that was judged; ValueError if it is no longer there."""
    return Record(Path(image.image), image.height, image.width, ()).read_rgb()


def outline_truth(canvas: Image, truth: NDArray[np.bool_]) -> None:
    """Draw the outline of the true mask, (H, W), on a picture of that size."""
    rims, _ = cv2.findContours(truth.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for color, thickness in ((OUTLINE, 3), (TRUTH_COLOR, 1)):
        cv2.drawContours(canvas, rims, -1, color, thickness, cv2.LINE_AA)


def caption(item: Judged) -> str:
    """Return the caption of a picture in one line."""
    parts = [f"“{item.text}”", f"p(found) {item.score:.2f}"]
    if item.has_target:
        parts.insert(1, f"IoU {iou(item):.2f}")
    if item.rejected:
        parts.append(item.rejected)
    return " · ".join(parts)


def _first(pairs: Iterable[Chosen], order: Callable[[Judged], Any]) -> list[Chosen]:
    chosen: dict[int, Chosen] = {}
    for image, item in sorted(pairs, key=lambda pair: (order(pair[1]), pair[0].number)):
        chosen.setdefault(image.number, (image, item))
        if len(chosen) == EXAMPLES:
            break
    return list(chosen.values())


def shrunk(image_rgb: Image) -> Image:
    """Return a picture no larger than LONGEST_SIDE."""
    size = _shown_size(*image_rgb.shape[:2])
    return np.asarray(cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def shrunk_mask(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask at the size that `shrunk` gives its picture."""
    size = _shown_size(*mask.shape)
    small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, bool)


def _shown_size(height: int, width: int) -> tuple[int, int]:
    """Return (width, height) as shown."""
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))
