"""The stored result of every answered sentence: integer pixel counts, the mask and the score."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

Mask = NDArray[np.bool_]
SQUARE_SIDE = 480  # pixels; at which LAVT, DMMI and ReLA compare masks
HEAD = "head"  # key of a results file's first line


@dataclass(frozen=True)
class Overlap:
    """Pixels of a predicted mask, of the true one and of both, at one resolution."""

    intersection: int
    predicted: int
    target: int

    @classmethod
    def of(cls, predicted: Mask, target: Mask) -> "Overlap":
        """Count two masks of one shape."""
        return cls(
            int(np.count_nonzero(predicted & target)),
            int(np.count_nonzero(predicted)),
            int(np.count_nonzero(target)),
        )

    @property
    def union(self) -> int:
        return self.predicted + self.target - self.intersection


@dataclass(frozen=True)
class Judged:
    """One sentence about one picture: the answer and the truth."""

    key: str
    text: str
    kind: str  # as the data set says; "" where it does not
    has_target: bool
    found: bool  # the model's decision
    score: float  # its p(found), 0..1
    predicted_iou: float
    native: Overlap  # of the mask before the decision, at the picture's own size
    square: Overlap  # the same masks at SQUARE_SIDE x SQUARE_SIDE
    runs: str  # the mask before the decision, COCO's compressed run lengths
    truth: str  # the true mask, likewise
    rejected: str = ""  # why the model did not take the sentence
    asked: str = ""  # what the model was asked, where that is not the text
    anchor_inside: bool | None = None  # the mask's anchor lies in the true mask; None: not known
    centroid_mm: float | None = None  # from the true mask's centroid in space
    center_mm: float | None = None  # from the centre of the body, where its pose is known
    placeable: bool = False  # the true mask has a place in space
    own: Overlap | None = None  # at the size of the model's masks; None: its authors do not do so


@dataclass(frozen=True)
class JudgedImage:
    """One picture with its answered sentences."""

    number: int  # of the record in its data set
    image: str  # path
    height: int
    width: int
    seconds: Mapping[str, float]  # of the predictor, by stage
    sentences: tuple[Judged, ...]


def judge_mask(predicted: Mask, target: Mask, ignored: Mask | None) -> tuple[Overlap, Overlap]:
    """Count two masks (H, W) as they are, and at SQUARE_SIDE; ignored pixels count for neither."""
    if predicted.shape != target.shape:
        raise ValueError(f"prediction is {predicted.shape} but target is {target.shape}")
    if ignored is not None:
        predicted, target = predicted & ~ignored, target & ~ignored
    return Overlap.of(predicted, target), Overlap.of(_square(predicted), _square(target))


def judge_at_own_size(logits: NDArray[np.float32], target: Mask, ignored: Mask | None) -> Overlap:
    """Count a mask at the size (h, w) that the model gives it, the true one made as small.

    So the authors of DeRIS and InstanceVG measure: the true mask is resized by nearest
    neighbour, and a logit of exactly 0 is foreground.
    """
    size = (logits.shape[0], logits.shape[1])
    predicted, truth = logits >= 0, resized(target, size)
    if ignored is not None:
        counted = ~resized(ignored, size)
        predicted, truth = predicted & counted, truth & counted
    return Overlap.of(predicted, truth)


def encode(mask: Mask) -> str:
    """Return a mask (H, W) as COCO's compressed run lengths."""
    runs = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return runs["counts"].decode("ascii")


def decode(runs: str, size: tuple[int, int]) -> Mask:
    """Return what `encode` was given; size is (height, width)."""
    return coco_mask.decode({"size": list(size), "counts": runs}).astype(bool)


def to_line(image: JudgedImage) -> str:
    """Return one line of a results file."""
    return json.dumps(asdict(image), ensure_ascii=False) + "\n"


def read_lines(path: Path) -> tuple[dict[str, Any], list[JudgedImage]]:
    """Return the head and the pictures of a results file; a last line cut short is left out.

    Raises:
        ValueError: it is not such a file.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    # What follows the last line break is empty, or was being written when the run was stopped.
    documents = [json.loads(line) for line in lines[:-1]]
    if not documents or HEAD not in documents[0]:
        raise ValueError(f"{str(path)!r} is not a results file of evf-sam evaluate")
    return documents[0][HEAD], [_image(document) for document in documents[1:]]


def sentences(images: Iterable[JudgedImage]) -> Iterator[Judged]:
    """Return every sentence of every picture."""
    for image in images:
        yield from image.sentences


def _square(mask: Mask) -> Mask:
    return resized(mask, (SQUARE_SIDE, SQUARE_SIDE))


def resized(mask: Mask, size: tuple[int, int]) -> Mask:
    """Return a mask at another size (height, width), by nearest neighbour."""
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def _image(document: dict[str, Any]) -> JudgedImage:
    judged = tuple(
        Judged(
            **{
                **sentence,
                "native": Overlap(**sentence["native"]),
                "square": Overlap(**sentence["square"]),
                # Results of an older version, and of most models, have none.
                "own": Overlap(**sentence["own"]) if sentence.get("own") else None,
            }
        )
        for sentence in document["sentences"]
    )
    return JudgedImage(**{**document, "sentences": judged})
