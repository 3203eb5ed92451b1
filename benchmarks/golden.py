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

FORMULA = "evf-golden-weights-1"
Arrays = dict[str, NDArray[Any]]

# Key fragments and the scale of what they name; the first row that fits counts.
_SCALES: tuple[tuple[tuple[str, ...], float | None], ...] = (
    (("positional_encoding_gaussian_matrix",), None),
    (("pos_embed", "embed_positions", "text_embed", "cls_token", "vision_embed.mask_token"), 0.1),
    (
        ("mask_tokens", "iou_token", "obj_score_token", "point_embed", "invalid_points", "bbox_"),
        0.5,
    ),
    (
        ("no_mask_embed", "no_mem_", "maskmem_tpos_enc", "no_obj_ptr"),
        0.5,
    ),
)


def golden_tensor(key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the weights that the formula gives to a released key."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    noise = rng.standard_normal(shape, dtype=np.float32)
    for fragments, scale in _SCALES:
        if any(fragment in key for fragment in fragments):
            return noise if scale is None else noise * np.float32(scale)
    if len(shape) >= 2:
        return noise * np.float32(_gain(key) / math.sqrt(math.prod(shape[1:])))
    if key.rsplit(".", 1)[-1] == "weight":
        return np.float32(1) + np.float32(0.1) * noise
    return noise * np.float32(0.02)


def _gain(key: str) -> float:
    if "patch_embed.proj" in key or "vision_embed.proj" in key:
        return 0.2
    if ".v_proj.B." in key:
        return 8.0
    return 6.0 if key.startswith("text_hidden_fcs.0.2.") else 1.0


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
    if manifest.get("formula_version") != FORMULA:
        raise ValueError(f"{folder}: weights by {manifest.get('formula_version')}, not {FORMULA}")
    config = config_from_manifest(manifest["config"])
    state: dict[str, Tensor] = {}
    wrong = 0
    for key, shape, dtype, crc in manifest["state_dict"]:
        if dtype != "float32":
            raise ValueError(f"{folder}: {key} is {dtype}, the formula gives float32")
        values = golden_tensor(key, tuple(shape))
        wrong += zlib.crc32(values.astype("<f4").tobytes()) != crc
        state[key] = torch.from_numpy(np.atleast_1d(values).reshape(shape))
    model = build_with(config, from_released(state), str(folder))
    weights = Check("manifest.json", f"crc32 of {len(state)} weights", wrong, 0, "wrong")
    return GoldenModel(folder, manifest, config, model, weights)


def config_from_manifest(config: Mapping[str, Any]) -> EvfSamConfig:
    """Translate a manifest's constructor arguments."""
    variant, side = config["variant"], config["image_size"]
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
        case _:
            raise ValueError(f"variant is {variant!r}, need sam, efficientsam or sam2")
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
