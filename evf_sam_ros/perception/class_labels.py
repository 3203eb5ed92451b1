"""A mask of class ids from a model's answers, and the same mask in a later image."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.class_table import SemanticClass
from evf_sam_ros.perception.judgement import Rules, Status, judge, label_image
from evf_sam_ros.perception.segmentation import Segmentation

Bytes = NDArray[np.uint8]  # (H, W)
Flow = NDArray[np.float32]

SHOWN = (Status.FOUND, Status.AMBIGUOUS)  # several that fit are all of the class
FLOW_SIDE_PX = 320  # of the images in which motion is measured: finer costs time and adds noise
LEAST_SIDE_PX = 16  # smaller images have no patches to compare


@dataclass(frozen=True, eq=False)
class ClassLabels:
    """The class of every pixel."""

    labels: Bytes  # id of the class, 0: none
    confidence: Bytes  # 0..255: the score of the class, 0 where there is none


def label_classes(
    classes: Sequence[SemanticClass],
    expressions: Sequence[str],
    segmentation: Segmentation,
    rules: Rules,
) -> ClassLabels:
    """Label the pixels of each class that is found.

    A pixel of several classes belongs to the one that covers least of the image: the cable, not
    the floor it lies on.

    Args:
        classes: in any order.
        expressions: what the model was asked for each.
        segmentation: its answers, one for each class.
        rules: limits of the decision.
    """
    size = (segmentation.masks.shape[1], segmentation.masks.shape[2])
    masks, scores = [], np.zeros(256)
    for index, (each, expression) in enumerate(zip(classes, expressions, strict=True)):
        judged = judge(expression, segmentation, index, None, rules)
        if judged.status in SHOWN and judged.parts:
            masks.append((each.id, np.logical_or.reduce(judged.parts)))
            scores[each.id] = judged.score
    masks.sort(key=lambda labelled: int(np.count_nonzero(labelled[1])))
    labels = label_image(size, masks).astype(np.uint8)
    shades = np.round(255 * np.clip(scores, 0, 1)).astype(np.uint8)
    return ClassLabels(labels, shades[labels])


def flow_image(image_rgb: Bytes) -> Bytes:
    """Return the grey image, at most 320 pixels a side, in which motion is measured."""
    grey = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)
    scale = FLOW_SIDE_PX / max(grey.shape)
    if scale >= 1:
        return np.asarray(grey, np.uint8)
    size = tuple(max(round(side * scale), 1) for side in grey.shape[::-1])
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


class Follower:
    """Carries the labels of one image to the images after it, by dense optical flow.

    The flow is always that from the newest image to the labelled one, and starts from the flow of
    the image before: labels that are carried from image to image lose their shape in ten steps.
    """

    def __init__(self) -> None:
        self._motion = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._labels: ClassLabels | None = None
        self._grey: Bytes | None = None
        self._flow: Flow | None = None  # (h, w, 2) pixels: where each has been in the labelled one
        self._marked: Flow | None = None

    def mark(self) -> None:
        """Remember the newest image: labels that are on their way are for it."""
        self._marked = self._flow

    def start(self, labels: ClassLabels, grey: Bytes) -> None:
        """Follow new labels from now on.

        Args:
            labels: (H, W), of the image that was marked.
            grey: that image, by `flow_image`.
        """
        ways = (self._flow, self._marked)
        if ways[0] is not None and ways[1] is not None and ways[0].shape == ways[1].shape:
            self._flow = ways[0] - ways[1]  # about the way from the newest to the marked one
        else:
            self._flow = None
        self._labels, self._grey, self._marked = labels, grey, None

    def stop(self) -> None:
        """Forget the labels."""
        self._labels = self._grey = self._flow = self._marked = None

    @property
    def follows(self) -> bool:
        """Tell whether there are labels to follow."""
        return self._labels is not None

    def __call__(self, now: Bytes) -> ClassLabels:
        """Return the labels of a later image.

        Args:
            now: the image, by `flow_image`.

        Raises:
            ValueError: there are no labels, or they are of an image of another size.
        """
        if self._labels is None or self._grey is None:
            raise ValueError("no labels are followed: need `start` first")
        if self._grey.shape != now.shape:
            raise ValueError(
                f"the images are {self._grey.shape} and {now.shape}: need equal sizes"
            )
        if min(now.shape) < LEAST_SIDE_PX:
            return self._labels
        begin = np.zeros((*now.shape, 2), np.float32) if self._flow is None else self._flow.copy()
        self._flow = np.asarray(self._motion.calc(now, self._grey, begin), np.float32)
        return _moved(self._labels, self._flow)


def _moved(known: ClassLabels, flow: Flow) -> ClassLabels:
    height, width = known.labels.shape
    scale = (width / flow.shape[1], height / flow.shape[0])
    whole = np.asarray(cv2.resize(flow, (width, height)), np.float32)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    u, v = columns + whole[..., 0] * scale[0], rows + whole[..., 1] * scale[1]
    labels, confidence = (
        # The nearest: a value between two ids is another class's. Beyond the border: none.
        np.asarray(
            cv2.remap(each, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT), np.uint8
        )
        for each in (known.labels, known.confidence)
    )
    return ClassLabels(labels, confidence)
