"""An InstanceVG of a few thousand weights, for tests that need no golden data."""

import json
from itertools import product

import torch
from tiny_model import write_words
from tiny_networks import randomised

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.checkpoint import renamed
from evf_sam_ros.models.config_document import document_from_config
from evf_sam_ros.models.image_input import deris_input
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.variants import EvfSamConfig, build

CONFIG = EvfSamConfig(
    encoder=Beit3Config(
        width=16, depth=2, heads=2, feed_forward=32, image_size=(64, 64), vocabulary=64,
        text_positions=34, most_tokens=20,
    ),
    segmenter=InstanceVgConfig(
        score_threshold=0.5, width=16, candidates=6, heads=2, reader_feed_forward=32, depth=2,
        points=2, feed_forward=32,
    ),
    fusion_input=deris_input(64),
    image_input=deris_input(64),
)  # fmt: skip
FILE = "InstanceVG-grefcoco.pth"


def noisy(seed=1, config=CONFIG):
    torch.manual_seed(seed)
    return randomised(build(config), seed=seed)


def write_released(folder, model=None, config=CONFIG, *, prefix="", with_sizes=True):
    """Write a folder as the authors publish it, and a vocabulary; the sizes are not theirs."""
    folder.mkdir(exist_ok=True)
    state = released_state(noisy(config=config) if model is None else model)
    named = {prefix + name: tensor for name, tensor in state.items()}
    content = {"state_dict": named, "epoch": 10, "optimizer": {"lr": 5e-4}}
    torch.save(content, folder / ("pytorch_model.bin" if with_sizes else FILE))
    if with_sizes:
        document = {"evf_sam_ros": document_from_config(config)}
        (folder / "config.json").write_text(json.dumps(document))
    write_words(folder)
    return folder


def released_state(model):
    """Return a model's tensors under the released names, with what no answer needs beside them."""
    own, config = model.state_dict(), model.segmenter.config
    names = {renamed(name): name for name in (*_encoder(own), *_head(config.depth))}
    state = {names[ours]: tensor.clone() for ours, tensor in own.items()}
    bias = "head.query_generation.T2I_decoder.layers.0.attentions.0.attn.in_proj_bias"
    width = config.width
    state[bias] = torch.cat([torch.ones(2 * width), state[bias]])
    state[bias.replace("bias", "weight")] = torch.ones(3 * width, width)
    state["head.query_generation.query_embed.weight"] = torch.ones(config.candidates, width)
    state["head.decoder_transformer.level_embeds"] = torch.ones(4, width)
    state["head.detrloss.criterion.empty_weight"] = torch.tensor([1.0, 0.1])
    for name, tensor in list(state.items()):  # one head, saved once per layer
        for head in ("class_embed", "bbox_embed"):
            if name.startswith(f"head.{head}.0."):
                for layer in range(1, config.depth):
                    state[name.replace(f"{head}.0.", f"{head}.{layer}.")] = tensor.clone()
    return state


def _encoder(own):
    for name in own:
        part = name.removeprefix("encoder.")
        if part != name:
            is_input = part.startswith(("vision_embed", "text_embed"))
            yield f"vis_enc.beit3.{'' if is_input else 'encoder.'}{part}"


def _head(depth):
    """Yield released names of the head, some of which do not exist."""
    layers = [f"layers.{k}" for k in range(3)]
    attention = ["attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj"]
    deformable = ["sampling_offsets", "attention_weights", "value_proj", "output_proj"]
    rest = ["ffns.0.layers.0.0", "ffns.0.layers.1", "norms.0", "norms.1", "norms.2"]
    levels = ["conv", "norm_layer"]
    reader, decoder = "query_generation.T2I_decoder", "decoder_transformer"
    modules = [
        "img_embedding", "lan_embedding", "neck.fpn1.0", "neck.fpn1.1", "neck.fpn1.3",
        "neck.fpn2.0", "seg_branch.predict", "class_embed.0", f"{decoder}.reference_points",
        "query_pos_embedding", f"{reader}.post_norm_layer",
        *(f"nt_embed.{each}" for each in layers),
        *(f"bbox_embed.0.{each}" for each in layers),
        *(f"query_generation.mlp.{each}" for each in layers),
        *(
            f"neck.{part}.{level}.{each}"
            for part, level, each in product(("lateral_convs", "fpn_convs"), range(4), levels)
        ),
        *(
            f"unet_decoder.{kind}{number}_{stride}"
            for kind, number, stride in product(("conv", "bn"), (1, 2), (4, 3, 2))
        ),
        *(f"{reader}.layers.0.attentions.{k}.{each}" for k, each in product((0, 1), attention)),
        *(f"{reader}.layers.0.{each}" for each in rest),
        *(
            f"{decoder}.decoder.layers.{layer}.{each}"
            for layer in range(depth)
            for each in (
                *(f"attentions.0.{part}" for part in attention),
                *(f"attentions.1.{part}" for part in deformable),
                *rest,
            )
        ),
    ]  # fmt: skip
    ends = ["", ".weight", ".bias", ".running_mean", ".running_var", ".num_batches_tracked"]
    return (f"head.{module}{end}" for module, end in product(modules, ends))
