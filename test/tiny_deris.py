"""A DeRIS of a few thousand weights, for tests that need no golden data."""

import io
import json
import re

import numpy as np
import sentencepiece
import torch
from tiny_networks import randomised

from benchmarks.golden_weights import deris_tensor
from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.bridge.config import PixelDecoderConfig, QueryConfig
from evf_sam_ros.models.checkpoint import renamed
from evf_sam_ros.models.config_document import document_from_config
from evf_sam_ros.models.deris.deris_config import DerisConfig, ExistenceConfig, SwinConfig
from evf_sam_ros.models.deris.swin import distance_rows
from evf_sam_ros.models.image_input import deris_input
from evf_sam_ros.models.variants import EvfSamConfig, build

# The grids are 16, 8, 4 and 2 cells: with windows of 3 the first ones are filled up, and one
# window covers the last.
SWIN = SwinConfig(width=8, heads=(1, 2, 2, 4), window=3, depths=(2, 2, 2, 2))
SIDE = 64
CONFIG = EvfSamConfig(
    encoder=Beit3Config(
        width=16, depth=2, heads=2, feed_forward=32, image_size=(32, 32), vocabulary=64,
        text_positions=34, most_tokens=20,
    ),
    segmenter=DerisConfig(
        swin=SWIN,
        score_threshold=0.5,
        image_side=SIDE,
        width=32,
        pixel_decoder=PixelDecoderConfig(depth=1, heads=4, points=2, feed_forward=32),
        queries=QueryConfig(queries=5, depth=3, heads=4, feed_forward=32),
        existence=ExistenceConfig(depth=1, heads=4, feed_forward=32),
    ),
    fusion_input=deris_input(32),
    image_input=deris_input(SIDE),
)  # fmt: skip


def noisy(seed=1, config=CONFIG):
    return randomised(build(config), seed=seed)


def released_state(model):
    """Return a model's tensors under the released names, with what no answer needs beside them."""
    names = {renamed(name): name for name in released_names(model)}
    own = model.state_dict()
    assert names.keys() == own.keys(), names.keys() ^ own.keys()
    state = {names[name]: tensor.clone() for name, tensor in own.items()}
    window, width = SWIN.window, model.segmenter.config.width
    for stage, depth in enumerate(SWIN.depths):
        for block in range(depth):
            key = f"{_P}hier_vision_encoder.layers.{stage}.blocks.{block}.attn."
            state[key + "relative_position_index"] = distance_rows(window)
    state[_P + "nt_embed.weight"] = torch.zeros(1, width)
    state[_P + "predictor.SEG_proj.layers.0.weight"] = torch.zeros(width, width)
    state["understanding_branch.logit_embed.bias"] = torch.zeros(2)
    state["head.criterion.empty_weight"] = torch.tensor([1.0, 0.1])
    return state


def write_released(folder, config=CONFIG, words=True, doubt=0.0):
    """Write a folder as a user has it: formula weights under released names, and a vocabulary.

    Args:
        doubt: what is taken from the logit of every query's score, and added to its opposite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shapes = released_state(build(config))
    state = {
        f"module.{key}": torch.from_numpy(np.atleast_1d(deris_tensor(key, tuple(shape.shape))))
        if shape.is_floating_point()
        else shape
        for key, shape in shapes.items()
    }
    state["module.perception_branch.predictor.SEG_cls.bias"] += torch.tensor([-doubt, doubt])
    torch.save({"state_dict": state, "epoch": 6}, folder / "pytorch_model.bin")
    document = {"evf_sam_ros": document_from_config(config)}
    (folder / "config.json").write_text(json.dumps(document))
    if words:
        file = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["the red mug", "a blue bowl, left of the cup"] * 20),
            model_writer=file, vocab_size=46, hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
        (folder / "beit3.spm").write_bytes(file.getvalue())
    return folder


def released_names(model):
    """Undo `renamed` for every tensor of a model, by the plain text of the name map."""
    return [_released(name) for name in model.state_dict()]


def _released(name):
    for ours, released in _BACK:
        if re.match(ours, name):
            return re.sub(ours, released, name)
    raise AssertionError(name)


_U, _P = "understanding_branch.", "perception_branch."
_Q, _X = _P + "predictor.", _U + "roialigner.TextCorrelation."
_D = _P + "pixel_decoder."
_DEFORMABLE = _D + r"transformer.encoder.layers.\1."
_BACK = (
    (r"encoder\.", _U + "vis_enc.beit3."),
    (r"projector\.patches", _U + "vis_embed"),
    (r"projector\.words", _U + "text_embed"),
    (r"projector\.queries", _U + "perception_embed"),
    (r"projector\.start", _U + "init_query.weight"),
    (r"segmenter\.picture\.swin\.", _P + "hier_vision_encoder."),
    (r"segmenter\.picture\.pixels\.inputs\.", _D + "input_proj."),
    (r"segmenter\.picture\.pixels\.level_embed", _D + "transformer.level_embed"),
    (r"segmenter\.picture\.pixels\.lateral", _D + "adapter_1"),
    (r"segmenter\.picture\.pixels\.fine", _D + "layer_1"),
    (r"segmenter\.picture\.pixels\.dense", _D + "mask_features"),
    *(
        (rf"segmenter\.picture\.pixels\.layers\.(\d+)\.{ours}", _DEFORMABLE + its)
        for ours, its in (
            (r"attention\.offsets", "self_attn.sampling_offsets"),
            (r"attention\.weights", "self_attn.attention_weights"),
            (r"attention\.value", "self_attn.value_proj"),
            (r"attention\.output", "self_attn.output_proj"),
            (r"feed_forward\.0", "linear1"),
            (r"feed_forward\.2", "linear2"),
            (r"norm", "norm"),
        )
    ),
    *(
        (rf"segmenter\.decoder\.layers\.(\d+)\.{ours}\.", _Q + rf"transformer_{its}.")
        for ours, its in (
            ("cross", r"cross_attention_layers.\1.multihead_attn"),
            ("cross_norm", r"cross_attention_layers.\1.norm"),
            ("own", r"self_attention_layers.\1.self_attn"),
            ("own_norm", r"self_attention_layers.\1.norm"),
            (r"feed_forward\.0", r"ffn_layers.\1.linear1"),
            (r"feed_forward\.2", r"ffn_layers.\1.linear2"),
            ("feed_forward_norm", r"ffn_layers.\1.norm"),
        )
    ),
    *(
        (rf"segmenter\.decoder\.loops\.(\d+)\.{ours}\.", _Q + its + ".")
        for ours, its in (
            (r"alone\.attention", r"query_SA.\1.self_attn"),
            (r"alone\.norm", r"query_SA.\1.norm"),
            (r"refer\.own", r"Q2TCA.\1.self_attn"),
            (r"refer\.own_norm", r"Q2TCA.\1.norm2"),
            (r"refer\.query", r"Q2TCA.\1.cross_attn.q"),
            (r"refer\.key", r"Q2TCA.\1.cross_attn.k"),
            (r"refer\.value", r"Q2TCA.\1.cross_attn.v"),
            (r"refer\.output", r"Q2TCA.\1.cross_attn.proj"),
            (r"refer\.words_norm", r"Q2TCA.\1.norm1"),
            (r"refer\.feed_forward_norm", r"Q2TCA.\1.norm3"),
            (r"refer\.feed_forward\.0", r"Q2TCA.\1.linear1"),
            (r"refer\.feed_forward\.2", r"Q2TCA.\1.linear2"),
            ("join", r"refer_proj.\1"),
        )
    ),
    *(
        (rf"segmenter\.decoder\.{head}\.{2 * layer}", _Q + f"{head}_embed.layers.{layer}")
        for head in ("mask", "box")
        for layer in range(3)
    ),
    (r"segmenter\.decoder\.classes", _Q + "cls_embed"),
    (r"segmenter\.decoder\.score", _Q + "SEG_cls"),
    (r"segmenter\.decoder\.fuse", _Q + "channel_proj_conv"),
    (r"segmenter\.decoder\.norm", _Q + "decoder_norm"),
    (r"segmenter\.decoder\.positions", _Q + "query_embed.weight"),
    (r"segmenter\.decoder\.level_embed", _Q + "level_embed.weight"),
    *(
        (rf"segmenter\.existence\.layers\.(\d+)\.{ours}\.", _X + rf"layers.\1.{its}.")
        for ours, its in (
            ("own", "attentions.0.attn"),
            ("words", "attentions.1.attn"),
            (r"feed_forward\.0", "ffns.0.layers.0.0"),
            (r"feed_forward\.2", "ffns.0.layers.1"),
            ("own_norm", "norms.0"),
            ("words_norm", "norms.1"),
            ("feed_forward_norm", "norms.2"),
        )
    ),
    (r"segmenter\.existence\.norm", _X + "post_norm_layer"),
    (r"segmenter\.existence\.vote", _U + "nt_embed"),
)  # fmt: skip
