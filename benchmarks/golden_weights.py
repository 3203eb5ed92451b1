"""The weights of golden data: functions of a released key and its shape."""

import math
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]
Formula = Callable[[str, tuple[int, ...]], Weights]
# Key fragments and the scale of what they name; the first row that fits counts.
_Scales = tuple[tuple[tuple[str, ...], float | None], ...]

_SCALES: _Scales = (
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
_DERIS_SCALES: _Scales = (
    (("query_embed", "init_query", "level_embed", "relative_position_bias_table"), None),
    (("embed_positions", "beit3.text_embed", "cls_token", "vision_embed.mask_token"), 0.1),
)
# Fragments of which one must be in the key, another with it (or none), and the gain.
_DERIS_GAINS = (
    ("predictor.", ("out_proj.weight", "cross_attn.proj.weight", "linear2.weight"), 0.3),
    ("TextCorrelation", ("out_proj.weight", "ffns.0.layers.1.weight"), 0.3),
    ("predictor.refer_proj", ("",), 1.4),
    ("vision_embed.proj", ("",), 0.2),
    ("patch_embed.proj", ("",), 0.2),
    ("SEG_cls.weight", ("",), 3.0),
    (".v_proj.B.", ("",), 8.0),
    ("mask_embed.layers.2.", ("",), 0.5),
    ("sampling_offsets.weight", ("",), 2.0),
)
_INSTANCEVG_SCALES: _Scales = (
    (("query_generation.query_embed", "level_embed"), None),
    (("embed_positions", "beit3.text_embed", "cls_token", "vision_embed.mask_token"), 0.1),
)
_INSTANCEVG_GAINS = (
    (
        "decoder_transformer",
        ("out_proj.weight", "output_proj.weight", "ffns.0.layers.1.weight"),
        0.3,
    ),
    ("vision_embed.proj", ("",), 0.2),
    (".v_proj.B.", ("",), 8.0),
    ("sampling_offsets.weight", ("",), 2.0),
    ("class_embed", ("",), 0.8),
    ("nt_embed.layers.2", ("",), 6.0),
    ("seg_branch.predict", ("",), 3.0),
    ("T2I_decoder.layers.0.attentions.1.attn.in_proj", ("",), 1.5),
    ("lan_embedding", ("",), 1.5),
)


def golden_tensor(key: str, shape: tuple[int, ...]) -> Weights:
    """Return what "evf-golden-weights-1" gives to a released key of EVF-SAM."""
    return _scaled(key, shape, _SCALES, _gain(key))


def deris_tensor(key: str, shape: tuple[int, ...]) -> Weights:
    """Return what "evf-golden-weights-2" gives to a released key of DeRIS."""
    gains = (
        gain
        for part, others, gain in _DERIS_GAINS
        if part in key and any(other in key for other in others)
    )
    return _scaled(key, shape, _DERIS_SCALES, next(gains, 1.0))


def instancevg_tensor(key: str, shape: tuple[int, ...]) -> Weights:
    """Return what "evf-golden-weights-3" gives to a released key of InstanceVG."""
    key = re.sub(r"\b(class_embed|bbox_embed)\.[12]\.", r"\1.0.", key)  # one head, saved thrice
    if key == "head.seg_branch.predict.bias":
        return np.full(shape, -2, np.float32)
    if key.endswith(".running_var"):
        return np.float32(1) + np.float32(0.1) * np.abs(_noise(key, shape))
    gains = (
        gain
        for part, others, gain in _INSTANCEVG_GAINS
        if part in key and any(other in key for other in others)
    )
    return _scaled(key, shape, _INSTANCEVG_SCALES, next(gains, 1.0))


FORMULAS: Mapping[Any, Formula] = {
    "evf-golden-weights-1": golden_tensor,
    "evf-golden-weights-2": deris_tensor,
    "evf-golden-weights-3": instancevg_tensor,
}


def _scaled(key: str, shape: tuple[int, ...], scales: _Scales, gain: float) -> Weights:
    noise = _noise(key, shape)
    for fragments, scale in scales:
        if any(fragment in key for fragment in fragments):
            return noise if scale is None else noise * np.float32(scale)
    if len(shape) >= 2:
        return noise * np.float32(gain / math.sqrt(math.prod(shape[1:])))
    if key.rsplit(".", 1)[-1] == "weight":
        return np.float32(1) + np.float32(0.1) * noise
    return noise * np.float32(0.02)


def _noise(key: str, shape: tuple[int, ...]) -> Weights:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    return rng.standard_normal(shape, dtype=np.float32)


def _gain(key: str) -> float:
    if "patch_embed.proj" in key or "vision_embed.proj" in key:
        return 0.2
    if ".v_proj.B." in key:
        return 8.0
    return 6.0 if key.startswith("text_hidden_fcs.0.2.") else 1.0
