"""The predictor: an image and expressions in, masks out; for everything except training."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.engines.engine import engine_for, is_exact, round_weights
from evf_sam_ros.engines.gpu.side_by_side import SideBySide
from evf_sam_ros.language.paraphrase import paraphrased
from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.language.tokenizer import Tokenizer
from evf_sam_ros.language.told_words import refuse_semantic, tokenizer_of
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.attention_map import looked_at
from evf_sam_ros.perception import decision
from evf_sam_ros.perception.calibration_store import stored
from evf_sam_ros.perception.careful import Decide, Measured, Run, measured, reconsidered
from evf_sam_ros.perception.decision import Calibration, authors_decision_of, check_threshold
from evf_sam_ros.perception.device import PRECISIONS, autocast_to, device_of, precision_of
from evf_sam_ros.perception.download import Answers, Download, fetched
from evf_sam_ros.perception.exclusions import with_exclusions
from evf_sam_ros.perception.familiarity import Familiarity, reasons
from evf_sam_ros.perception.instances import tidy_all
from evf_sam_ros.perception.loading import deciding_signals, loaded_model
from evf_sam_ros.perception.model_folder import model_folder, tokenizer_folder
from evf_sam_ros.perception.named_instances import named_objects
from evf_sam_ros.perception.preprocess import (
    fusion_input,
    masks_of,
    padded,
    restore,
    segmenter_input,
)
from evf_sam_ros.perception.rivals import rules_from, with_rivals
from evf_sam_ros.perception.segmentation import Segmentation as Segmentation
from evf_sam_ros.perception.stage_times import StageMarks, StageTimes
from evf_sam_ros.pictures.given import Given, as_rgb


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
        engine: str = "auto",
        signals: Sequence[str] | None = None,
    ) -> None:
        """Wrap a loaded model; `load_predictor` explains the arguments."""
        self.name = name
        self.device = device
        self.score_threshold = score_threshold  # None: found is whatever has a mask
        self.config = loaded.config
        self.model = loaded.model.to(device)
        self.precision = precision
        self.engine = engine_for(
            engine, self.model, self.config, device, precision, source=loaded.folder
        )
        # On a CPU another thread may be exporting them, which are float32.
        exact = (engine == "warming" and device.type == "cpu") or is_exact(self.engine, device)
        if precision != "fp32" and not exact:
            round_weights(self.model, PRECISIONS[precision])
        self._tokenizer = tokenizer
        self.reads_unknown = tokenizer.reads_unknown  # in pieces
        self._calibration = calibration
        self._authors = authors_decision_of(loaded.config)  # decides where nothing was fitted
        self.signals = signals  # to decide by, in more runs; None: the free ones
        self.seeks_rivals = True  # whether other objects are looked for that fit as well
        self._rivals = rules_from(loaded.document)  # None: a model that is not asked for others
        self.familiarity = Familiarity.of(loaded.folder)  # None: any picture may be one of its own
        self._semantic = loaded.behaviour.semantic
        self._everyday = loaded.behaviour.everyday
        self._tidy = loaded.behaviour.tidy
        self._download = Download(device)
        self._side_by_side = SideBySide(device)

    @property
    def calibrated(self) -> bool:
        """Tell whether scores are probabilities; without a calibration they are predicted IoU."""
        return self._calibration is not None

    def calibrate(self, calibration: Calibration) -> None:
        """Decide by a calibration from now on; a threshold that the user gave stays."""
        self._calibration = calibration
        if self.score_threshold is None:
            self.score_threshold = calibration.threshold

    def __call__(
        self,
        image_rgb: Given,
        prompts: Sequence[str],
        *,
        attention: bool = False,
        score_threshold: float | None = None,
    ) -> Segmentation:
        """Find what each prompt refers to; the image is encoded once.

        Args:
            image_rgb: an RGB array (H, W, 3) of any size, a PIL image, or the path of a picture.
            prompts: referring expressions, at least one.
            attention: whether to tell where the encoder looks, patch by patch.
            score_threshold: from this score on an object counts as found; None: the predictor's.

        Raises:
            ValueError: an image of another kind, no prompt, an empty or too long one, or one
                that this checkpoint was not trained for.
        """
        run = partial(self.batch, attention=attention, score_threshold=score_threshold)
        ask = partial(self._with_rivals, run, as_rgb(image_rgb))
        return with_exclusions(ask, prompts) if self._everyday else ask(prompts)

    def _with_rivals(
        self, run: Run, image_rgb: NDArray[np.uint8], prompts: Sequence[str]
    ) -> Segmentation:
        if self._rivals is None or not self.seeks_rivals:
            return run([image_rgb], [prompts])[0]
        say = paraphrased if self._everyday else str
        return with_rivals(run, self.check, self._rivals, image_rgb, prompts, say=say)

    def batch(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        *,
        attention: bool = False,
        score_threshold: float | None = None,
    ) -> list[Segmentation]:
        """Find what each image's own prompts refer to, all images in one run of the model.

        The images may be of different sizes and have different numbers of prompts.
        """
        run = partial(self._run, attention=attention, score_threshold=score_threshold)
        if self.signals is None:
            return run(images_rgb, prompts)
        decide = partial(self._decide, score_threshold=score_threshold)
        asked = measured(run, images_rgb, prompts, self.signals)
        return [reconsidered(answer, signals, decide) for answer, signals in asked]

    def measured(
        self, images_rgb: Sequence[NDArray[np.uint8]], prompts: Sequence[Sequence[str]]
    ) -> list[Measured]:
        """Return each answer with all its signals, in one run of the model."""
        return measured(self._run, images_rgb, prompts, self.signals or ())

    def _run(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        *,
        attention: bool = False,
        score_threshold: float | None = None,
    ) -> list[Segmentation]:
        if score_threshold is not None:
            check_threshold(score_threshold)
        if not images_rgb or len(images_rgb) != len(prompts):
            raise ValueError(
                f"{len(images_rgb)} images and {len(prompts)} lists of prompts: need one each"
            )
        tokens = self._tokens(prompts)
        decide = partial(self._decide, score_threshold=score_threshold)
        with torch.inference_mode():
            return self._predict(images_rgb, prompts, tokens, attention, decide)

    def check(self, expression: str) -> None:
        """Raise the ValueError with which this expression would be refused, if any."""
        self._tokens([[expression]])

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the model's parts by themselves, as this predictor runs them."""
        with torch.inference_mode(), autocast_to(self.precision, self.device):
            yield

    def prompt(self, image_rgb: NDArray[np.uint8], expression: str) -> Tensor:
        """Return what the expression means in this image, (1, 1, C); while `running`."""
        spec = self.config.fusion_input
        fusion = fusion_input(image_rgb, spec)[None].to(self.device)
        return self.model.prompt(fusion, *self._tokens([[expression]]))

    def decide(
        self,
        expression: str,
        signals: Mapping[str, NDArray[np.float32]],
        has_pixels: bool,
        *,
        score_threshold: float | None = None,
    ) -> tuple[float, bool]:
        """Return the probability that the object is there, and whether that is enough.

        Args:
            signals: as `free_signals` gives them, of this one expression.
        """
        unknown = (tuple(self.unknown_words(expression)),)
        scores, found = self._decide(
            signals, np.array([has_pixels]), unknown, score_threshold=score_threshold
        )
        return float(scores[0]), bool(found[0])

    def unknown_words(self, prompt: str) -> list[str]:
        """Return the words of a prompt that the model never learned."""
        return self._tokenizer.unknown_words(prompt)

    def readings(self, prompt: str) -> list[Reading]:
        """Return the words of a prompt that are read as others: tell the user."""
        return self._tokenizer.readings(prompt)

    def _tokens(self, prompts: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Return token ids and where they are padding, both (B, P, L)."""
        return padded([self._token_rows(expressions) for expressions in prompts], self.device)

    def _token_rows(self, prompts: Sequence[str]) -> list[list[int]]:
        if isinstance(prompts, str) or not prompts:
            raise ValueError(f"prompts are {prompts!r}, need a list of one or more expressions")
        return [self._token_row(prompt) for prompt in prompts]

    def _token_row(self, prompt: str) -> list[int]:
        row = self._tokenizer.encode(prompt) if isinstance(prompt, str) else []
        if len(row) <= 2:  # begin and end alone
            raise ValueError(f"prompt {prompt!r} is empty; say for example 'the red mug'")
        if not self._semantic:
            refuse_semantic(prompt, self.name)
        most = self.model.encoder.config.max_tokens
        if len(row) > most:
            raise ValueError(f"a prompt has {len(row)} tokens, this model reads at most {most}")
        return row

    def _predict(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        tokens: tuple[Tensor, Tensor],
        attention: bool,
        decide: Decide,
    ) -> list[Segmentation]:
        stages = StageMarks(self.device)
        spec = self.config.image_input
        inputs = [segmenter_input(image_rgb, spec) for image_rgb in images_rgb]
        images = torch.stack([image for image, _ in inputs]).to(self.device)
        fusions, wanted = images, self.config.fusion_input
        if wanted != spec:
            fusions = torch.stack([fusion_input(each, wanted) for each in images_rgb]).to(images)
        stages.mark()

        def encode() -> Any:
            features = self.engine.encode(images)
            stages.mark()
            return features

        with autocast_to(self.precision, self.device):
            features, prompts_BPC = self._side_by_side(
                encode, lambda: self.engine.prompt(fusions, *tokens)
            )
            maps = looked_at(self.model, features, fusions, *tokens) if attention else None
            decoded = self.engine.decode(features, prompts_BPC)
        unsuitable = reasons(images_rgb, features, self.familiarity)
        stages.mark()
        back = [
            partial(restore, spec=spec, resized_size=resized, original=image_rgb.shape[:2])
            for (_, resized), image_rgb in zip(inputs, images_rgb, strict=True)
        ]
        own_logits = [decoded.logits[i, : len(own)] for i, own in enumerate(prompts)]
        thresholded = [masks_of(*each) for each in zip(own_logits, back, strict=True)]
        masks, answers = fetched(self._download, thresholded, decoded, maps)
        if self._tidy:
            for each in zip(masks, own_logits, back, prompts, strict=True):
                tidy_all(*each)
        named = [
            named_objects(decoded.instances, i, *each)
            for i, each in enumerate(zip(masks, back, strict=True))
        ]
        stages.mark()
        share = StageTimes(*(seconds / len(images_rgb) for seconds in stages.seconds()))
        return [
            replace(
                self._segmentation(own, masks[i], answers.of(i, len(own)), share, decide),
                instances=named[i],
            ).unless(unsuitable[i])
            for i, own in enumerate(prompts)
        ]

    def _segmentation(
        self,
        prompts: Sequence[str],
        masks: NDArray[np.bool_],
        answers: Answers,
        times: StageTimes,
        decide: Decide,
    ) -> Segmentation:
        unknown = tuple(tuple(self.unknown_words(prompt)) for prompt in prompts)
        has_pixels = np.array([mask.any() for mask in masks])
        signals = answers.signals()
        scores, found = decide(signals, has_pixels, unknown)
        return Segmentation(
            masks=masks & found[:, None, None],
            scores=scores,
            found=found,
            predicted_iou=answers.predicted_iou,
            unknown_words=unknown,
            readings=tuple(tuple(self.readings(prompt)) for prompt in prompts),
            logits=answers.logits,
            times=times,
            presence=answers.presence,
            existence=answers.existence,
            attention=answers.attention,
            proposed=masks,
            calibrated=self.calibrated,
        )

    def _decide(
        self,
        signals: Mapping[str, NDArray[np.float32]],
        has_pixels: NDArray[np.bool_],
        unknown: tuple[tuple[str, ...], ...],
        *,
        score_threshold: float | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        scores = decision.probability_found(self._calibration or self._authors, signals)
        # A model is as sure about a word it never read as about any other: it must not count.
        known = np.array([self._tokenizer.reads_unknown or not words for words in unknown])
        scores[~known] = 0.0
        threshold = self.score_threshold if score_threshold is None else score_threshold
        return scores, has_pixels & known & (scores >= (threshold or 0.0))


def load_predictor(
    model: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    score_threshold: float | None = None,
    *,
    offline: bool = True,
    behaviour: Mapping[str, Any] | None = None,
    signals: Sequence[str] | None = None,
    engine: str = "auto",
    tokenizer: str | Path | None = None,
) -> Predictor:
    """Load a model and its vocabulary, ready to answer.

    Args:
        model: a folder, the name of an embedded model, a Hugging Face id `owner/name`, or None
            for the default.
        device: "auto" (CUDA where there is one, else the CPU) or what torch calls a device.
        precision: "auto" (fp16 on CUDA, fp32 on a CPU), "fp32", "bf16" or "fp16".
        score_threshold: p(found) from which an object counts as found; None: the model's own.
        offline: use a Hugging Face model only if it was downloaded before.
        behaviour: how to treat the checkpoint, where not by its own default: `resizing`, `masks`,
            `semantic` and `tidy`, as `models.behaviour` explains.
        engine: what runs the model, see `engines.engine`: "auto" (what `evf-sam bench` found
            faster, else OpenVINO where it has this model ready, else torch), "openvino", "torch",
            "plain" or "warming".
        signals: what of `perception.signals` to measure; None: what the decision needs.
        tokenizer: folder or Hugging Face id of the tokenizer of a model published without one.

    Raises:
        ValueError: any of these is not what it should be; the message says what would be.
    """
    folder = model_folder(model, offline=offline)
    chosen_device = device_of(device)
    if score_threshold is not None:
        check_threshold(score_threshold)
    vocabulary = tokenizer_folder(tokenizer, offline=offline) if tokenizer else folder
    wanted_precision = precision_of(precision, chosen_device)
    loaded, chosen_precision = loaded_model(
        folder, behaviour, chosen_device, wanted_precision, engine
    )
    calibration = Calibration.from_config(loaded.document) or stored(folder)
    fitted_or_theirs = calibration or authors_decision_of(loaded.config)
    if score_threshold is None and fitted_or_theirs is not None:
        score_threshold = fitted_or_theirs.threshold
    return Predictor(
        loaded,
        tokenizer_of(
            vocabulary,
            loaded.config,
            semantic=loaded.behaviour.semantic,
            everyday=loaded.behaviour.everyday,
        ),
        name=str(model) if folder.parent.name == "snapshots" else folder.name,
        device=chosen_device,
        precision=chosen_precision,
        calibration=calibration,
        score_threshold=score_threshold,
        engine=engine,
        signals=deciding_signals(signals, calibration),
    )
