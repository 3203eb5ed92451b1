"""Names of the released tensors of DeRIS, and what of a released file no answer needs."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from evf_sam_ros.models.deris.swin import distance_rows

_U, _P = r"^understanding_branch\.", r"^perception_branch\."
_DEFORMABLE, _QUERIES = _P + r"pixel_decoder\.transformer\.", _P + r"predictor\."
_EXISTENCE = _U + r"roialigner\.TextCorrelation\."
_LAYER, _LOOP = r"segmenter.decoder.layers.\1.", r"segmenter.decoder.loops.\1."

# Applied in order, as `checkpoint.RENAMES`.
RENAMES = (
    (_U + r"vis_enc\.beit3\.(encoder\.)?", "encoder."),
    (_U + r"vis_embed\.", "projector.patches."),
    (_U + r"text_embed\.", "projector.words."),
    (_U + r"perception_embed\.", "projector.queries."),
    (_U + r"init_query\.weight$", "projector.start"),
    (_EXISTENCE + r"layers\.(\d+)\.attentions\.0\.attn\.", r"segmenter.existence.layers.\1.own."),
    (
        _EXISTENCE + r"layers\.(\d+)\.attentions\.1\.attn\.",
        r"segmenter.existence.layers.\1.words.",
    ),
    (
        _EXISTENCE + r"layers\.(\d+)\.ffns\.0\.layers\.0\.0\.",
        r"segmenter.existence.layers.\1.feed_forward.0.",
    ),
    (
        _EXISTENCE + r"layers\.(\d+)\.ffns\.0\.layers\.1\.",
        r"segmenter.existence.layers.\1.feed_forward.2.",
    ),
    (_EXISTENCE + r"layers\.(\d+)\.norms\.0\.", r"segmenter.existence.layers.\1.own_norm."),
    (_EXISTENCE + r"layers\.(\d+)\.norms\.1\.", r"segmenter.existence.layers.\1.words_norm."),
    (
        _EXISTENCE + r"layers\.(\d+)\.norms\.2\.",
        r"segmenter.existence.layers.\1.feed_forward_norm.",
    ),
    (_EXISTENCE + r"post_norm_layer\.", "segmenter.existence.norm."),
    (_U + r"nt_embed\.", "segmenter.existence.vote."),
    (_P + r"hier_vision_encoder\.", "segmenter.picture.swin."),
    (_P + r"pixel_decoder\.input_proj\.", "segmenter.picture.pixels.inputs."),
    (_DEFORMABLE + r"encoder\.layers\.", "segmenter.picture.pixels.layers."),
    (_DEFORMABLE + r"level_embed$", "segmenter.picture.pixels.level_embed"),
    (r"^(segmenter\.picture\.pixels\.layers\.\d+)\.self_attn\.", r"\1.attention."),
    (r"^(segmenter\.picture\.pixels\..*)\.sampling_offsets\.", r"\1.offsets."),
    (r"^(segmenter\.picture\.pixels\..*)\.attention_weights\.", r"\1.weights."),
    (r"^(segmenter\.picture\.pixels\..*)\.value_proj\.", r"\1.value."),
    (r"^(segmenter\.picture\.pixels\..*)\.output_proj\.", r"\1.output."),
    (_P + r"pixel_decoder\.adapter_1\.", "segmenter.picture.pixels.lateral."),
    (_P + r"pixel_decoder\.layer_1\.", "segmenter.picture.pixels.fine."),
    (_P + r"pixel_decoder\.mask_features\.", "segmenter.picture.pixels.dense."),
    (_QUERIES + r"transformer_cross_attention_layers\.(\d+)\.multihead_attn\.", _LAYER + "cross."),
    (_QUERIES + r"transformer_cross_attention_layers\.(\d+)\.norm\.", _LAYER + "cross_norm."),
    (_QUERIES + r"transformer_self_attention_layers\.(\d+)\.self_attn\.", _LAYER + "own."),
    (_QUERIES + r"transformer_self_attention_layers\.(\d+)\.norm\.", _LAYER + "own_norm."),
    (_QUERIES + r"transformer_ffn_layers\.(\d+)\.norm\.", _LAYER + "feed_forward_norm."),
    (_QUERIES + r"transformer_ffn_layers\.(\d+)\.", _LAYER),
    (_QUERIES + r"decoder_norm\.", "segmenter.decoder.norm."),
    (_QUERIES + r"query_embed\.weight$", "segmenter.decoder.positions"),
    (_QUERIES + r"level_embed\.weight$", "segmenter.decoder.level_embed"),
    *(  # layers by number; ours have an activation between them
        (_QUERIES + rf"{head}_embed\.layers\.{layer}\.", f"segmenter.decoder.{head}.{2 * layer}.")
        for head in ("mask", "box")
        for layer in range(3)
    ),
    (_QUERIES + r"cls_embed\.", "segmenter.decoder.classes."),
    (_QUERIES + r"channel_proj_conv\.", "segmenter.decoder.fuse."),
    (_QUERIES + r"SEG_cls\.", "segmenter.decoder.score."),
    (_QUERIES + r"query_SA\.(\d+)\.self_attn\.", _LOOP + "alone.attention."),
    (_QUERIES + r"query_SA\.(\d+)\.norm\.", _LOOP + "alone.norm."),
    (_QUERIES + r"Q2TCA\.(\d+)\.self_attn\.", _LOOP + "refer.own."),
    (_QUERIES + r"Q2TCA\.(\d+)\.norm2\.", _LOOP + "refer.own_norm."),  # before the words'
    (_QUERIES + r"Q2TCA\.(\d+)\.cross_attn\.q\.", _LOOP + "refer.query."),
    (_QUERIES + r"Q2TCA\.(\d+)\.cross_attn\.k\.", _LOOP + "refer.key."),
    (_QUERIES + r"Q2TCA\.(\d+)\.cross_attn\.v\.", _LOOP + "refer.value."),
    (_QUERIES + r"Q2TCA\.(\d+)\.cross_attn\.proj\.", _LOOP + "refer.output."),
    (_QUERIES + r"Q2TCA\.(\d+)\.norm1\.", _LOOP + "refer.words_norm."),
    (_QUERIES + r"Q2TCA\.(\d+)\.norm3\.", _LOOP + "refer.feed_forward_norm."),
    (_QUERIES + r"Q2TCA\.(\d+)\.", _LOOP + "refer."),
    (_QUERIES + r"refer_proj\.(\d+)\.", _LOOP + "join."),
    (r"^(segmenter\.(?:decoder|picture\.pixels)\..*)\blinear1\.", r"\1feed_forward.0."),
    (r"^(segmenter\.(?:decoder|picture\.pixels)\..*)\blinear2\.", r"\1feed_forward.2."),
)

# In released files; changing them changes no answer. BEIT-3's mask token is a part of ours.
UNUSED = (
    _P + r"perception_query_embed\.weight$",
    _P + r"nt_embed\.(weight|bias)$",
    _P + r"predictor\.SEG_proj\.layers\.\d+\.(weight|bias)$",
    _P + r"predictor\.Q2TCA\.\d+\.cross_attn\.mapmlp\.\d+\.(weight|bias)$",
    _U + r"logit_embed\.(weight|bias)$",  # of training alone
    r"^head\.criterion\.empty_weight$",
)
_INDEX = re.compile(_P + r"hier_vision_encoder\..*\.attn\.relative_position_index$")


def is_deris(state: Mapping[str, Tensor]) -> bool:
    """Return whether these are released tensors of a DeRIS."""
    return any(re.match(_U + r"vis_enc\.beit3\.", name) for name in state) and any(
        re.match(_QUERIES, name) for name in state
    )


def used(state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Return the tensors that our model takes, still under their released names.

    Raises:
        ValueError: an index of Swin's bias tables is another than ours.
    """
    kept = {}
    for name, tensor in state.items():
        if _INDEX.match(name):
            _check_index(name, tensor, source)
        elif not any(re.match(pattern, name) for pattern in UNUSED):
            kept[name] = tensor
    return kept


def _check_index(name: str, index_TT: Tensor, source: str) -> None:
    window = round(index_TT.shape[0] ** 0.5)
    # A tensor on the meta device has a shape but no values.
    if not index_TT.is_meta and not torch.equal(index_TT.cpu(), distance_rows(window)):
        raise ValueError(
            f"{source}: {name} is not row-major over a window of {window} x {window} cells, "
            "as the published models have it"
        )
