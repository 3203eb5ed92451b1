"""The one entry point for everything that is not training: a picture and words in, masks out."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception import hub
from evf_sam_ros.perception.decision import Calibration, check_threshold, probability_found
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input
from evf_sam_ros.perception.tokenizer import PAD, Tokenizer, load_tokenizer

EMBEDDED_MODELS = Path(checkpoint.__file__).parent
DEFAULT_MODEL = "tabletop"
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class StageTimes:
    """Seconds that each stage took, one after the other."""

    preprocess: float
    encode_image: float
    fuse_and_decode: float
    postprocess: float

    @property
    def total(self) -> float:
        return self.preprocess + self.encode_image + self.fuse_and_decode + self.postprocess


@dataclass(frozen=True)
class Segmentation:
    """The answers to P prompts about one image of H x W pixels."""

    masks: NDArray[np.bool_]  # (P, H, W), all False where not found
    scores: NDArray[np.float32]  # (P,), probability that the object is there, 0..1
    found: NDArray[np.bool_]  # (P,)
    predicted_iou: NDArray[np.float32]  # (P,), as the model gives it
    unknown_words: tuple[tuple[str, ...], ...]  # per prompt; any means it is not found
    logits: NDArray[np.float32]  # (P, h, w), before any decision, above 0: object
    times: StageTimes


class Predictor:
    """A model ready to answer; build it with `load_predictor`."""

    def __init__(
        self,
        loaded: checkpoint.LoadedModel,
        tokenizer: Tokenizer,
        *,
        name: str,
        device: torch.device,
        precision: str,
        calibration: Calibration | None,
        score_threshold: float | None,
    ) -> None:
        self.name = name
        self.device = device
        self.precision = precision
        self.score_threshold = score_threshold  # None: found is whatever has a mask
        self.config = loaded.config
        self._model = loaded.model.to(device)
        self._tokenizer = tokenizer
        self._calibration = calibration

    def __call__(self, image_rgb: NDArray[np.uint8], prompts: Sequence[str]) -> Segmentation:
        """Find what each prompt refers to.

        Args:
            image_rgb: (H, W, 3), any size.
            prompts: referring expressions, at least one.

        Raises:
            ValueError: an image of another kind, no prompt, an empty or too long one.
        """
        tokens = self._tokens(prompts)
        unknown = tuple(tuple(self.unknown_words(prompt)) for prompt in prompts)
        with torch.inference_mode():
            return self._predict(image_rgb, tokens, unknown)

    def unknown_words(self, prompt: str) -> list[str]:
        """Return the words of a prompt that the model never learned."""
        return self._tokenizer.unknown_words(prompt)

    def _tokens(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return token ids and where they are padding, both (1, P, L)."""
        if isinstance(prompts, str) or not prompts:
            raise ValueError(f"prompts are {prompts!r}, need a list of one or more expressions")
        rows = [self._token_row(prompt) for prompt in prompts]
        longest = max(len(row) for row in rows)
        filled = [row + [PAD] * (longest - len(row)) for row in rows]
        tokens = torch.tensor([filled], device=self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        padding = torch.arange(longest, device=self.device) >= lengths[:, None]
        return tokens, padding[None]

    def _token_row(self, prompt: str) -> list[int]:
        row = self._tokenizer.encode(prompt) if isinstance(prompt, str) else []
        if len(row) <= 2:  # begin and end alone
            raise ValueError(f"prompt {prompt!r} is empty; say for example 'the red mug'")
        most = self._model.encoder.config.max_tokens
        if len(row) > most:
            raise ValueError(f"a prompt has {len(row)} tokens, this model reads at most {most}")
        return row

    def _predict(
        self,
        image_rgb: NDArray[np.uint8],
        tokens: tuple[Tensor, Tensor],
        unknown: tuple[tuple[str, ...], ...],
    ) -> Segmentation:
        clock = _Clock(self.device)
        spec = self.config.image_input
        image, resized = segmenter_input(image_rgb, spec)
        same = self.config.fusion_input == spec
        fusion = image if same else fusion_input(image_rgb, self.config.fusion_input)
        images, fusions = image[None].to(self.device), fusion[None].to(self.device)
        preprocess = clock.lap()
        with self._reduced_precision():
            features = self._model.segmenter.encode(images)
            encode_image = clock.lap()
            prompts_1PC = self._model.prompt(fusions, *tokens)
            decoded = self._model.segmenter.decode(features, prompts_1PC)
        fuse_and_decode = clock.lap()
        original = (image_rgb.shape[0], image_rgb.shape[1])
        masks = restore(decoded.logits[0], spec, resized, original).gt(0).cpu().numpy()
        scores, found = self._decide(decoded, np.array([mask.any() for mask in masks]), unknown)
        masks[~found] = False
        return Segmentation(
            masks=masks,
            scores=scores,
            found=found,
            predicted_iou=_numpy(decoded.predicted_iou),
            unknown_words=unknown,
            logits=_numpy(decoded.logits),
            times=StageTimes(preprocess, encode_image, fuse_and_decode, clock.lap()),
        )

    def _decide(
        self,
        decoded: Decoded,
        has_pixels: NDArray[np.bool_],
        unknown: tuple[tuple[str, ...], ...],
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        presence = None if decoded.presence is None else _numpy(decoded.presence)
        scores = probability_found(self._calibration, presence, _numpy(decoded.predicted_iou))
        # A model is as sure about a word it never read as about any other: it must not count.
        known = np.array([not words for words in unknown])
        scores[~known] = 0.0
        likely = scores >= (0.0 if self.score_threshold is None else self.score_threshold)
        return scores, has_pixels & known & likely

    def _reduced_precision(self) -> Any:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, PRECISIONS[self.precision])


def load_predictor(
    model: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    score_threshold: float | None = None,
    *,
    offline: bool = True,
) -> Predictor:
    """Load a model and its vocabulary, ready to answer.

    Args:
        model: a folder, the name of an embedded model, a Hugging Face id `owner/name`, or None
            for the default.
        device: "auto" (CUDA where there is one, else the CPU) or what torch calls a device.
        precision: "auto" (bf16 or fp16 on CUDA, fp32 on a CPU), "fp32", "bf16" or "fp16".
        score_threshold: p(found) from which an object counts as found; None: the model's own.
        offline: use a Hugging Face model only if it was downloaded before.

    Raises:
        ValueError: any of these is not what it should be; the message says what would be.
    """
    folder = model_folder(model, offline=offline)
    chosen_device = _device(device)
    chosen_precision = _precision(precision, chosen_device)
    if score_threshold is not None:
        check_threshold(score_threshold)
    tokenizer = load_tokenizer(folder)
    loaded = checkpoint.load(folder)
    calibration = Calibration.from_config(loaded.document)
    if score_threshold is None and calibration is not None:
        score_threshold = calibration.threshold
    return Predictor(
        loaded,
        tokenizer,
        name=str(model) if folder.parent.name == "snapshots" else folder.name,
        device=chosen_device,
        precision=chosen_precision,
        calibration=calibration,
        score_threshold=score_threshold,
    )


def embedded_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(path.parent.name for path in EMBEDDED_MODELS.glob("*/config.json"))


def model_folder(model: str | Path | None, *, offline: bool = True) -> Path:
    """Find a model by folder, name or Hugging Face id; the first of these that there is."""
    if model in (None, "", "default"):
        model = DEFAULT_MODEL
    assert model is not None
    for folder in (Path(model).expanduser(), EMBEDDED_MODELS / model):
        if (folder / checkpoint.CONFIG).is_file():
            return folder.resolve()
    if hub.is_hub_id(str(model)) and not Path(model).exists():
        return hub.find(str(model), offline=offline)
    if model in VARIANTS:
        raise ValueError(
            f"the weights of {model!r} do not come with this package: give the folder they are in"
        )
    raise ValueError(
        f"no model {str(model)!r}: need a folder with config.json, weights and tokenizer, "
        f"a Hugging Face id, or one of {', '.join(['default', *embedded_models()])}"
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device is {name!r}, need auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device is {name!r}, need auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ValueError(
            f"device is {name!r} but torch sees {count} CUDA devices; try auto or cpu"
        )
    return device


def _precision(name: str, device: torch.device) -> str:
    if name != "auto" and name not in PRECISIONS:
        raise ValueError(f"precision is {name!r}, need auto, {', '.join(PRECISIONS)}")
    if device.type == "cpu":
        if name == "fp16":
            raise ValueError("precision 'fp16' is unusably slow on a CPU, need fp32 or bf16")
        return "fp32" if name == "auto" else name
    if name == "auto":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return name


def _numpy(values_1P: Tensor) -> NDArray[np.float32]:
    """Bring the answers about the one image to the CPU, (P, ...)."""
    return values_1P[0].float().cpu().numpy()


class _Clock:
    """Times stages; work queued on a GPU counts for the stage that queued it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Return the seconds since the last lap."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        lasted, self._last = now - self._last, now
        return lasted
