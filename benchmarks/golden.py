"""Golden data: the weights formula, a manifest's model, and comparisons of arrays."""

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.golden_deris_model import constructed, deris_config
from benchmarks.golden_instancevg_model import instancevg_config, instancevg_constructed
from benchmarks.golden_weights import FORMULAS
from benchmarks.golden_weights import golden_tensor as golden_tensor
from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.checkpoint import build_with, from_released, renamed
from evf_sam_ros.models.efficient_sam import EfficientSamConfig
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.image_input import beit3_input, efficient_sam_input, sam2_input, sam_input
from evf_sam_ros.models.mask_decoder import MaskDecoderConfig
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.sam2 import Sam2Config
from evf_sam_ros.models.sam2_memory import MemoryConfig
from evf_sam_ros.models.variants import EvfSamConfig

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Check:
    """One comparison: an error and how large it may be."""

    source: str  # which file
    name: str  # which array
    error: float
    tolerance: float
    kind: str  # what the error is

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance  # a NaN is not


@dataclass(frozen=True)
class GoldenModel:
    """A folder of golden data with the model its manifest describes."""

    folder: Path
    manifest: Mapping[str, Any]
    config: EvfSamConfig
    model: EvfSam
    weights: Check

    @property
    def is_tiny(self) -> bool:
        """True for a model of few layers, in which errors stay small and tolerances are tight."""
        return bool(self.manifest["parameter_count"] < 20e6)

    def released_names(self) -> dict[str, str]:
        """Map our names of tensors to the released ones."""
        return {renamed(row[0]): row[0] for row in self.manifest["state_dict"]}


def load_golden(folder: Path) -> GoldenModel:
    """Build and fill the model of a golden folder.

    Raises:
        ValueError: it is of a variant we do not have, or not golden data at all.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if manifest.get("formula_version") not in FORMULAS:
        known = " or ".join(FORMULAS)
        raise ValueError(f"{folder}: weights by {manifest.get('formula_version')}, not {known}")
    config = config_from_manifest(manifest["config"])
    state, wrong = golden_state(manifest, str(folder))
    model = build_with(config, from_released(state, str(folder)), str(folder))
    weights = Check("manifest.json", f"crc32 of {len(state)} weights", wrong, 0, "wrong")
    return GoldenModel(folder, manifest, config, model, weights)


def golden_state(manifest: Mapping[str, Any], source: str) -> tuple[dict[str, Tensor], int]:
    """Return the released tensors of a manifest, and how many differ from the recorded ones."""
    formula = FORMULAS[manifest["formula_version"]]
    state: dict[str, Tensor] = {}
    wrong = 0
    for key, shape, dtype, crc in manifest["state_dict"]:
        values = constructed(key, tuple(shape))
        if values is None:
            values = instancevg_constructed(key)
        if values is None:
            values = formula(key, tuple(shape))
        if str(values.dtype) != dtype:
            raise ValueError(f"{source}: {key} is {dtype}, the formula gives {values.dtype}")
        stored = "<i8" if dtype == "int64" else "<f4"
        wrong += zlib.crc32(values.astype(stored).tobytes()) != crc
        state[key] = torch.from_numpy(np.atleast_1d(values).reshape(shape))
    return state, wrong


def config_from_manifest(config: Mapping[str, Any]) -> EvfSamConfig:
    """Translate a manifest's constructor arguments."""
    variant, side = config["variant"], config.get("image_size", 0)
    encoder = _beit3(config["beit3"])
    match variant:
        case "sam":
            segmenter, image_input = _sam(config["sam"]), sam_input(side)
        case "efficientsam":
            segmenter, image_input = (
                _efficient_sam(config["efficientsam"]),
                efficient_sam_input(side),
            )
        case "sam2":
            segmenter, image_input = _sam2(config), sam2_input(side)
        case "deris":
            return deris_config(config, encoder)
        case "instancevg":
            return instancevg_config(config, encoder)
        case _:
            raise ValueError(
                f"variant is {variant!r}, need sam, efficientsam, sam2, deris or instancevg"
            )
    return EvfSamConfig(
        encoder=encoder,
        segmenter=segmenter,
        fusion_input=beit3_input(encoder.image_size),
        image_input=image_input,
    )


def _beit3(values: Mapping[str, Any]) -> Beit3Config:
    return Beit3Config(
        width=values["embed_dim"],
        depth=values["num_layers"],
        heads=values["num_heads"],
        feed_forward=values["ffn_dim"],
        image_size=(values["img_size"], values["img_size"]),
        patch=values["patch_size"],
        vocabulary=values["vocab_size"],
        text_positions=values["max_source_positions"],
    )


def _sam(values: Mapping[str, Any]) -> SamConfig:
    encoder, decoder = values["image_encoder"], values["mask_decoder"]
    return SamConfig(
        width=encoder["embed_dim"],
        depth=encoder["depth"],
        heads=encoder["num_heads"],
        global_attention=tuple(encoder["global_attn_indexes"]),
        window=encoder["window_size"],
        image_side=encoder["img_size"],
        patch=encoder["patch_size"],
        feed_forward_ratio=encoder["mlp_ratio"],
        prompt_width=encoder["out_chans"],
        mask_channels=values["prompt_encoder"]["mask_in_chans"],
        # SAM counts all linear layers of the IoU head, EfficientSAM the hidden ones.
        decoder=_decoder(decoder, iou_hidden_layers=decoder["iou_head_depth"] - 1),
    )


def _efficient_sam(values: Mapping[str, Any]) -> EfficientSamConfig:
    encoder, decoder = values["image_encoder"], values["mask_decoder"]
    return EfficientSamConfig(
        width=encoder["patch_embed_dim"],
        heads=encoder["num_heads"],
        depth=encoder["depth"],
        image_side=encoder["img_size"],
        patch=encoder["patch_size"],
        feed_forward_ratio=encoder["mlp_ratio"],
        prompt_width=encoder["neck_dims"][-1],
        upscaled=tuple(decoder["upscaling_layer_dims"]),
        decoder=_decoder(decoder, iou_hidden_layers=decoder["iou_head_depth"]),
    )


def _sam2(config: Mapping[str, Any]) -> Sam2Config:
    values, fixed = config["sam2"], config["fixed_settings"]["sam2"]
    trunk, decoder = values["trunk"], fixed["mask_decoder"]
    return Sam2Config(
        hiera=HieraConfig(
            width=trunk["embed_dim"],
            heads=trunk["num_heads"],
            stages=tuple(trunk["stages"]),
            global_attention=tuple(trunk["global_att_blocks"]),
            windows=tuple(trunk["window_spec"]),
            background_side=trunk["window_pos_embed_bkg_spatial_size"][0],
        ),
        image_side=values["image_size"],
        prompt_width=values["neck"]["d_model"],
        mask_channels=fixed["mask_in_chans"],
        decoder=_decoder(decoder, iou_hidden_layers=decoder["iou_head_depth"] - 1),
        memory=MemoryConfig(
            width=values["memory_encoder"]["out_dim"],
            depth=values["memory_attention"]["num_layers"],
            feed_forward=values["memory_attention"]["dim_feedforward"],
            fuser_depth=values["memory_encoder"]["fuser_num_layers"],
            frames=fixed["num_maskmem"],
        ),
    )


def _decoder(values: Mapping[str, Any], iou_hidden_layers: int) -> MaskDecoderConfig:
    return MaskDecoderConfig(
        depth=values["transformer_depth"],
        heads=values["transformer_num_heads"],
        feed_forward=values["transformer_mlp_dim"],
        iou_hidden=values["iou_head_hidden_dim"],
        iou_hidden_layers=iou_hidden_layers,
    )


def load_arrays(path: Path) -> Arrays:
    """Read all arrays of an .npz file; pickled objects are refused."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def relative(expected: NDArray[Any], computed: NDArray[Any]) -> float:
    """Return ||expected - computed|| / ||expected||; infinite where the shapes differ."""
    if expected.shape != computed.shape:
        return math.inf
    difference = np.linalg.norm(expected.astype(np.float64) - computed)
    size = np.linalg.norm(expected.astype(np.float64))
    return float(difference / size) if size else float(difference)


def worst_relative(expected: NDArray[Any], computed: NDArray[Any], axes: int = 1) -> float:
    """Return the largest `relative` error over the leading axes: layers, prompts, channels."""
    if expected.shape != computed.shape:
        return math.inf
    rows = expected.shape[:axes]
    return max(relative(expected[row], computed[row]) for row in np.ndindex(rows))


def statistics(values: Tensor, axes: int = 0) -> NDArray[np.float64]:
    """Return mean, population deviation, minimum and maximum, (..., 4), keeping leading axes."""
    flat = values.detach().double().flatten(axes).cpu()
    parts = (flat.mean(-1), flat.std(-1, correction=0), flat.amin(-1), flat.amax(-1))
    return torch.stack(parts, -1).numpy()


def subsampled(values: Tensor, pieces: tuple[int | None, ...]) -> NDArray[Any]:
    """Take about that many entries of each axis, as the golden files do; None: all."""
    steps = [
        1 if count is None else max(1, size // count)
        for size, count in zip(values.shape, pieces, strict=True)
    ]
    return values.detach().cpu().numpy()[tuple(slice(None, None, step) for step in steps)]


def uncompared(source: str, names: Iterator[str] | set[str]) -> list[Check]:
    """Return a failed check for every array nobody looked at."""
    return [Check(source, name, math.inf, 0, "not compared") for name in sorted(names)]
