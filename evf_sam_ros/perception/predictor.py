"""The one entry point for everything that is not training: a picture and words in, masks out."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.attention_map import recorded_attention
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception import hub
from evf_sam_ros.perception.decision import Calibration, check_threshold, probability_found
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input
from evf_sam_ros.perception.tokenizer import PAD, Tokenizer, load_tokenizer

EMBEDDED_MODELS = Path(checkpoint.__file__).parent
DEFAULT_MODEL = "tabletop"
SEMANTIC_PREFIX = "[semantic]"  # asks for all of a class; only multitask checkpoints know it
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
    times: StageTimes  # in a batch: this image's share
    presence: NDArray[np.float32] | None = None  # (P,), logit; None: a model without such a head
    attention: NDArray[np.float32] | None = None  # (P, patches down, across), 0..1, where asked


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
        self._semantic = loaded.behaviour.semantic

    def __call__(
        self, image_rgb: NDArray[np.uint8], prompts: Sequence[str], *, attention: bool = False
    ) -> Segmentation:
        """Find what each prompt refers to; the image is encoded once.

        Args:
            image_rgb: (H, W, 3), any size.
            prompts: referring expressions, at least one.
            attention: whether to tell where the encoder looks, patch by patch.

        Raises:
            ValueError: an image of another kind, no prompt, an empty or too long one, or one
                that this checkpoint was not trained for.
        """
        return self.batch([image_rgb], [prompts], attention=attention)[0]

    def batch(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        *,
        attention: bool = False,
    ) -> list[Segmentation]:
        """Find what each image's own prompts refer to, all images in one run of the model.

        The images may be of different sizes and have different numbers of prompts.
        """
        if not images_rgb or len(images_rgb) != len(prompts):
            raise ValueError(
                f"{len(images_rgb)} images and {len(prompts)} lists of prompts: need one each"
            )
        tokens = self._tokens(prompts)
        with torch.inference_mode():
            return self._predict(images_rgb, prompts, tokens, attention)

    def unknown_words(self, prompt: str) -> list[str]:
        """Return the words of a prompt that the model never learned."""
        return self._tokenizer.unknown_words(prompt)

    def _tokens(self, prompts: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Return token ids and where they are padding, both (B, P, L)."""
        rows = [self._token_rows(expressions) for expressions in prompts]
        most = max(len(own) for own in rows)
        # An image with fewer prompts repeats its first; those answers are dropped.
        rows = [own + [own[0]] * (most - len(own)) for own in rows]
        longest = max(len(row) for own in rows for row in own)
        filled = [[row + [PAD] * (longest - len(row)) for row in own] for own in rows]
        tokens = torch.tensor(filled, device=self.device)
        lengths = torch.tensor([[len(row) for row in own] for own in rows], device=self.device)
        return tokens, torch.arange(longest, device=self.device) >= lengths[..., None]

    def _token_rows(self, prompts: Sequence[str]) -> list[list[int]]:
        if isinstance(prompts, str) or not prompts:
            raise ValueError(f"prompts are {prompts!r}, need a list of one or more expressions")
        return [self._token_row(prompt) for prompt in prompts]

    def _token_row(self, prompt: str) -> list[int]:
        row = self._tokenizer.encode(prompt) if isinstance(prompt, str) else []
        if len(row) <= 2:  # begin and end alone
            raise ValueError(f"prompt {prompt!r} is empty; say for example 'the red mug'")
        if not self._semantic and prompt.lstrip().lower().startswith(SEMANTIC_PREFIX):
            raise ValueError(
                f"prompt {prompt!r} starts with {SEMANTIC_PREFIX}, which {self.name!r} was not "
                "trained for: leave it out, take a multitask checkpoint, or, if this is one, "
                "say so by behaviour semantic"
            )
        most = self._model.encoder.config.max_tokens
        if len(row) > most:
            raise ValueError(f"a prompt has {len(row)} tokens, this model reads at most {most}")
        return row

    def _predict(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        tokens: tuple[Tensor, Tensor],
        attention: bool,
    ) -> list[Segmentation]:
        clock = _Clock(self.device)
        spec = self.config.image_input
        inputs = [segmenter_input(image_rgb, spec) for image_rgb in images_rgb]
        images = torch.stack([image for image, _ in inputs]).to(self.device)
        fusions = images if self.config.fusion_input == spec else self._fusions(images_rgb)
        times = [clock.lap()]
        with self._reduced_precision():
            features = self._model.segmenter.encode(images)
            times.append(clock.lap())
            prompts_BPC, maps = self._fused(fusions, tokens, attention)
            decoded = self._model.segmenter.decode(features, prompts_BPC)
        times.append(clock.lap())
        sizes = [(image_rgb.shape[0], image_rgb.shape[1]) for image_rgb in images_rgb]
        masks = [
            restore(logits[: len(own)], spec, resized, size).gt(0).cpu().numpy()
            for logits, own, (_, resized), size in zip(
                decoded.logits, prompts, inputs, sizes, strict=True
            )
        ]
        times.append(clock.lap())
        share = StageTimes(*(seconds / len(images_rgb) for seconds in times))
        return [
            self._segmentation(prompts[i], masks[i], _answers(decoded, maps, i, prompts[i]), share)
            for i in range(len(images_rgb))
        ]

    def _fusions(self, images_rgb: Sequence[NDArray[np.uint8]]) -> Tensor:
        spec = self.config.fusion_input
        return torch.stack([fusion_input(image, spec) for image in images_rgb]).to(self.device)

    def _fused(
        self, fusions: Tensor, tokens: tuple[Tensor, Tensor], attention: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return the prompts (B, P, C) and, where asked, the attention (B, P, h, w)."""
        if not attention:
            return self._model.prompt(fusions, *tokens), None
        with recorded_attention(self._model.encoder) as maps:
            prompts_BPC = self._model.prompt(fusions, *tokens)
        return prompts_BPC, maps[0].unflatten(0, prompts_BPC.shape[:2])

    def _segmentation(
        self,
        prompts: Sequence[str],
        masks: NDArray[np.bool_],
        answers: "_Answers",
        times: StageTimes,
    ) -> Segmentation:
        unknown = tuple(tuple(self.unknown_words(prompt)) for prompt in prompts)
        scores, found = self._decide(answers, np.array([mask.any() for mask in masks]), unknown)
        masks[~found] = False
        return Segmentation(
            masks=masks,
            scores=scores,
            found=found,
            predicted_iou=answers.predicted_iou,
            unknown_words=unknown,
            logits=answers.logits,
            times=times,
            presence=answers.presence,
            attention=answers.attention,
        )

    def _decide(
        self,
        answers: "_Answers",
        has_pixels: NDArray[np.bool_],
        unknown: tuple[tuple[str, ...], ...],
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        scores = probability_found(self._calibration, answers.presence, answers.predicted_iou)
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
    behaviour: Mapping[str, Any] | None = None,
) -> Predictor:
    """Load a model and its vocabulary, ready to answer.

    Args:
        model: a folder, the name of an embedded model, a Hugging Face id `owner/name`, or None
            for the default.
        device: "auto" (CUDA where there is one, else the CPU) or what torch calls a device.
        precision: "auto" (bf16 or fp16 on CUDA, fp32 on a CPU), "fp32", "bf16" or "fp16".
        score_threshold: p(found) from which an object counts as found; None: the model's own.
        offline: use a Hugging Face model only if it was downloaded before.
        behaviour: how to treat the checkpoint, where not by its own default: `resizing`, `masks`
            and `semantic`, as `models.behaviour` explains.

    Raises:
        ValueError: any of these is not what it should be; the message says what would be.
    """
    folder = model_folder(model, offline=offline)
    chosen_device = _device(device)
    chosen_precision = _precision(precision, chosen_device)
    if score_threshold is not None:
        check_threshold(score_threshold)
    tokenizer = load_tokenizer(folder)
    loaded = checkpoint.load(folder, behaviour)
    if tokenizer.size > loaded.config.encoder.vocabulary:
        raise ValueError(
            f"the tokenizer of {folder} has {tokenizer.size} tokens, "
            f"its model knows {loaded.config.encoder.vocabulary}"
        )
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


@dataclass(frozen=True)
class _Answers:
    """What the model says about one image, on the CPU, before any decision."""

    logits: NDArray[np.float32]
    predicted_iou: NDArray[np.float32]
    presence: NDArray[np.float32] | None
    attention: NDArray[np.float32] | None


def _answers(
    decoded: Decoded, maps: Tensor | None, image: int, prompts: Sequence[str]
) -> _Answers:
    def own(values: Tensor) -> NDArray[np.float32]:
        return values[image, : len(prompts)].float().cpu().numpy()

    return _Answers(
        logits=own(decoded.logits),
        predicted_iou=own(decoded.predicted_iou),
        presence=None if decoded.presence is None else own(decoded.presence),
        attention=None if maps is None else own(maps),
    )


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
