"""Two ways to follow a target in a stream of frames: by its words, or by the model's memory.

Both have the same four steps, which `tracker` takes in turn; images are (H, W, 3) uint8 RGB.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.sam2 import Sam2
from evf_sam_ros.models.sam2_decoder import Sam2Features
from evf_sam_ros.models.sam2_video import Sam2Video
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.perception.predictor import Predictor, Segmentation
from evf_sam_ros.perception.preprocess import restore, segmenter_input
from evf_sam_ros.perception.signals import free_signals
from evf_sam_ros.perception.stage_times import StageClock, StageTimes
from evf_sam_ros.perception.suitability import flaw_of

Image = NDArray[np.uint8]


class Follower(Protocol):
    """The operations that a tracker needs of a model."""

    def see(self, image_rgb: Image) -> Any:
        """Return the frame in the form that the other steps take."""
        ...

    def ground(self, frame: Any, *, score_threshold: float | None = None) -> Segmentation:
        """Find the target by its words alone; a threshold of None is the predictor's own."""
        ...

    def adopt(self) -> None:
        """Make the last result of `ground` the target."""
        ...

    def follow(self, frame: Any) -> Segmentation | None:
        """Find the target by memory, and remember the frame; None without a memory."""
        ...


def follower(predictor: Predictor, expression: str) -> Follower:
    """Return the best way of following that the predictor's model has.

    Raises:
        ValueError: the model takes no such expression.
    """
    predictor.check(expression)
    if isinstance(predictor.model.segmenter, Sam2):
        return ByMemory(predictor, predictor.model.segmenter, expression)
    return ByWords(predictor, expression)


class ByWords:
    """A model of single images: every frame is asked anew."""

    def __init__(self, predictor: Predictor, expression: str) -> None:
        self._predictor = predictor
        self._expression = expression

    def see(self, image_rgb: Image) -> Image:
        return image_rgb

    def ground(self, frame: Image, *, score_threshold: float | None = None) -> Segmentation:
        return self._predictor(frame, [self._expression], score_threshold=score_threshold)

    def adopt(self) -> None:
        pass

    def follow(self, frame: Image) -> None:
        return None


@dataclass(frozen=True)
class _Frame:
    image_rgb: Image
    seen: Sam2Features
    resized: tuple[int, int]  # height, width of the image within the model's input
    preprocess: float  # seconds
    encode: float  # seconds


class ByMemory:
    """SAM-2: words point at the target once, and its memory follows."""

    def __init__(self, predictor: Predictor, sam2: Sam2, expression: str) -> None:
        self._predictor = predictor
        self._sam2 = sam2
        self._expression = expression
        self._grounded = Sam2Video(sam2)  # starts at the frame that was asked last
        self._followed = Sam2Video(sam2)

    def see(self, image_rgb: Image) -> _Frame:
        clock = StageClock(self._predictor.device)
        image, resized = segmenter_input(image_rgb, self._predictor.config.image_input)
        images = image[None].to(self._predictor.device)
        preprocess = clock.lap()
        with self._predictor.running():
            seen = self._sam2.see(images)
        return _Frame(image_rgb, seen, resized, preprocess, clock.lap())

    def ground(self, frame: _Frame, *, score_threshold: float | None = None) -> Segmentation:
        clock = StageClock(self._predictor.device)
        self._grounded = Sam2Video(self._sam2)
        with self._predictor.running():
            prompt_11C = self._predictor.prompt(frame.image_rgb, self._expression)
            decoded = self._grounded.start(frame.seen, prompt_11C)
        mask = self._at_image_size(decoded, frame)
        assert decoded.presence is not None  # SAM-2 always tells its object score
        says = (decoded.logits, decoded.predicted_iou, decoded.presence)
        signals = free_signals(*(_array(each[0]) for each in says))
        decision = self._predictor.decide(
            self._expression, signals, bool(mask.any()), score_threshold=score_threshold
        )
        return self._segmentation(frame, decoded, mask, decision, clock)

    def adopt(self) -> None:
        self._followed = self._grounded

    def follow(self, frame: _Frame) -> Segmentation | None:
        if not self._followed.started:
            return None
        clock = StageClock(self._predictor.device)
        with self._predictor.running():
            decoded = self._followed.follow(frame.seen)
        mask = self._at_image_size(decoded, frame)
        # No calibration: it was made for words. SAM-2's own score decides, as it does for memory.
        assert decoded.presence is not None
        score = float(decoded.presence.float().sigmoid())
        return self._segmentation(frame, decoded, mask, (score, bool(mask.any())), clock)

    def _at_image_size(self, decoded: Decoded, frame: _Frame) -> NDArray[np.bool_]:
        size = frame.image_rgb.shape[0], frame.image_rgb.shape[1]
        spec = self._predictor.config.image_input
        with torch.inference_mode():
            logits_1HW = restore(decoded.logits[0], spec, frame.resized, size)
        return logits_1HW[0].gt(0).cpu().numpy()

    def _segmentation(
        self,
        frame: _Frame,
        decoded: Decoded,
        mask: NDArray[np.bool_],
        decision: tuple[float, bool],
        clock: StageClock,
    ) -> Segmentation:
        score, found = decision
        return Segmentation(
            masks=mask[None] & found,
            scores=np.array([score], np.float32),
            found=np.array([found]),
            predicted_iou=_array(decoded.predicted_iou[0]),
            unknown_words=(tuple(self._predictor.unknown_words(self._expression)),),
            logits=_array(decoded.logits[0]),
            times=StageTimes(frame.preprocess, frame.encode, clock.lap(), 0.0),
            presence=None if decoded.presence is None else _array(decoded.presence[0]),
            proposed=mask[None],
            readings=(tuple(self._predictor.readings(self._expression)),),
            calibrated=self._predictor.calibrated,
        ).unless(str(flaw_of(frame.image_rgb) or ""))


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
