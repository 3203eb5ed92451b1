"""Names of the released tensors of InstanceVG, and what of a released file no answer needs."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_HEAD = r"^head\."
_READER = _HEAD + r"query_generation\.T2I_decoder\."
_READER_LAYER = _READER + r"layers\.0\."
_DECODER = _HEAD + r"decoder_transformer\."
_DECODER_LAYER = _DECODER + r"decoder\.layers\.(\d+)\."
# How many modules of a level bring it to its size before its two convolutions.
_RESIZING = (4, 1, 0, 1)


def _pyramid() -> list[tuple[str, str]]:
    rules = [
        (_HEAD + r"neck\.fpn1\.1\.", "segmenter.pyramid.levels.0.1.norm."),
        (_HEAD + r"neck\.fpn1\.", "segmenter.pyramid.levels.0."),
        (_HEAD + r"neck\.fpn2\.", "segmenter.pyramid.levels.1."),
    ]
    for level, first in enumerate(_RESIZING):
        ours = f"segmenter.pyramid.levels.{level}."
        for place, convolutions in ((first, "lateral_convs"), (first + 2, "fpn_convs")):
            theirs = _HEAD + rf"neck\.{convolutions}\.{level}\."
            rules.append((theirs + r"conv\.", f"{ours}{place}."))
            rules.append((theirs + r"norm_layer\.", f"{ours}{place + 1}.norm."))
    return rules


def _perceptron(theirs: str, ours: str) -> list[tuple[str, str]]:
    """Return rules for layers by number; ours have an activation between them."""
    return [(rf"{theirs}layers\.{layer}\.", f"{ours}{2 * layer}.") for layer in range(3)]


# Applied in order, as `checkpoint.RENAMES`.
RENAMES = (
    (r"^vis_enc\.beit3\.(encoder\.)?", "encoder."),
    (_HEAD + r"img_embedding\.", "projector.patches."),
    (_HEAD + r"lan_embedding\.", "projector.words."),
    *_pyramid(),
    *(
        (
            _HEAD + rf"unet_decoder\.{theirs}{number}_{stride}\.",
            f"segmenter.unet.joins.{join}.{ours}.",
        )
        for join, stride in enumerate((4, 3, 2))
        for number, which in ((1, "first"), (2, "second"))
        for theirs, ours in (("conv", which), ("bn", f"{which}_norm"))
    ),
    (_HEAD + r"seg_branch\.predict\.", "segmenter.mask."),
    *_perceptron(_HEAD + r"nt_embed\.", "segmenter.no_target."),
    (_HEAD + r"class_embed\.0\.", "segmenter.classes."),
    *_perceptron(_HEAD + r"bbox_embed\.0\.", "segmenter.box."),
    (_READER_LAYER + r"attentions\.0\.attn\.in_proj_bias$", "segmenter.reader.own_value"),
    (_READER_LAYER + r"attentions\.0\.attn\.out_proj\.", "segmenter.reader.own_output."),
    (_READER_LAYER + r"attentions\.1\.attn\.", "segmenter.reader.picture."),
    (_READER_LAYER + r"ffns\.0\.layers\.0\.0\.", "segmenter.reader.feed_forward.0."),
    (_READER_LAYER + r"ffns\.0\.layers\.1\.", "segmenter.reader.feed_forward.2."),
    (_READER_LAYER + r"norms\.0\.", "segmenter.reader.own_norm."),
    (_READER_LAYER + r"norms\.1\.", "segmenter.reader.picture_norm."),
    (_READER_LAYER + r"norms\.2\.", "segmenter.reader.feed_forward_norm."),
    (_READER + r"post_norm_layer\.", "segmenter.reader.norm."),
    *_perceptron(_HEAD + r"query_generation\.mlp\.", "segmenter.reader.start."),
    (_DECODER + r"reference_points\.", "segmenter.decoder.reference."),
    (_HEAD + r"query_pos_embedding\.", "segmenter.decoder.position."),
    *(
        (_DECODER_LAYER + theirs, rf"segmenter.decoder.layers.\1.{ours}.")
        for theirs, ours in (
            (r"attentions\.0\.attn\.", "own"),
            (r"attentions\.1\.sampling_offsets\.", "picture.offsets"),
            (r"attentions\.1\.attention_weights\.", "picture.weights"),
            (r"attentions\.1\.value_proj\.", "picture.value"),
            (r"attentions\.1\.output_proj\.", "picture.output"),
            (r"ffns\.0\.layers\.0\.0\.", "feed_forward.0"),
            (r"ffns\.0\.layers\.1\.", "feed_forward.2"),
            (r"norms\.0\.", "own_norm"),
            (r"norms\.1\.", "picture_norm"),
            (r"norms\.2\.", "feed_forward_norm"),
        )
    ),
)

QUERIES = "head.query_generation.query_embed.weight"  # of which only the number of rows counts
# In released files; changing them changes no answer.
UNUSED = (
    _HEAD + r"query_embedding\.weight$",
    _HEAD + r"proj_pixel_level_cons\.(vis|txt)\.(weight|bias)$",
    _HEAD + r"query_generation\.query_embed\.weight$",
    _READER_LAYER + r"attentions\.0\.attn\.in_proj_weight$",
    _DECODER + r"level_embeds$",
    _HEAD + r"detrloss\.criterion\.empty_weight$",
)
_COPY = re.compile(_HEAD + r"(class_embed|bbox_embed)\.([1-9]\d*)\.")
_OWN_BIAS = re.compile(_READER_LAYER + r"attentions\.0\.attn\.in_proj_bias$")


def is_instancevg(state: Mapping[str, Tensor]) -> bool:
    """Return whether these are released tensors of an InstanceVG."""
    return any(name.startswith("vis_enc.beit3.") for name in state) and any(
        re.match(_DECODER, name) for name in state
    )


def used(state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Return the tensors that our model takes, still under their released names.

    Of the tokens' attention to each other only the biases of the values have an effect.

    Raises:
        ValueError: a head that is saved once per layer is not the same in each.
    """
    kept = {}
    for name, tensor in state.items():
        if copy := _COPY.match(name):
            _check_copy(name, state.get(_COPY.sub(rf"head.{copy[1]}.0.", name)), tensor, source)
        elif _OWN_BIAS.match(name):
            kept[name] = tensor[len(tensor) // 3 * 2 :].clone()
        elif not any(re.match(pattern, name) for pattern in UNUSED):
            kept[name] = tensor
    return kept


def _check_copy(name: str, first: Tensor | None, tensor: Tensor, source: str) -> None:
    if first is not None and (first.is_meta or torch.equal(first, tensor)):
        return
    raise ValueError(
        f"{source}: {name} differs from that of the first layer; the published models have one "
        "head for all layers"
    )
