"""Growth of a small model: a finer input, fine features for its patches, more words.

Before any training the grown model says about the same as the one it is grown from: positions
are interpolated, and what is new begins without influence.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.beit3 import FIRST_POSITION, Beit3Config
from evf_sam_ros.models.compact import STRIDE, CompactConfig
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig, build

POSITIONS = "encoder.embed_positions.A.weight"
GRID = "segmenter.position"
PATCHES = "encoder.vision_embed.proj.weight"
WORDS = "encoder.text_embed.weight"


def finer(config: EvfSamConfig, size: tuple[int, int], vocabulary: int) -> EvfSamConfig:
    """Return the configuration with pictures of another size (height, width) and more words."""
    encoder, segmenter = config.encoder, config.segmenter
    if not (isinstance(encoder, Beit3Config) and isinstance(segmenter, CompactConfig)):
        raise ValueError("only a BEIT-3 with a compact segmenter can be grown")
    return EvfSamConfig(
        encoder=replace(encoder, image_size=size, vocabulary=vocabulary, fine=True),
        segmenter=replace(segmenter, image_size=size),
        fusion_input=replace(config.fusion_input, size=size),
        image_input=replace(config.image_input, size=size),
    )


def grown(model: EvfSam, old: EvfSamConfig, new: EvfSamConfig) -> EvfSam:
    """Build the model of a configuration of `finer` out of a model of the old one."""
    bigger = build(new)
    state = dict(model.state_dict())
    assert isinstance(old.encoder, Beit3Config)
    assert isinstance(new.encoder, Beit3Config)
    patch = old.encoder.patch
    state[POSITIONS] = _positions(state[POSITIONS], *_grids(old, new, patch))
    (height, width), sides = _grids(old, new, STRIDE)
    assert state[GRID].shape[-2:] == (height, width)
    state[GRID] = functional.interpolate(state[GRID], sides, mode="bicubic")
    state[PATCHES] = _widened(state[PATCHES], bigger.state_dict()[PATCHES])
    state[WORDS] = _more_words(state[WORDS], new.encoder.vocabulary)
    bigger.load_state_dict(state)
    return bigger


Grid = tuple[int, int]


def _grids(old: EvfSamConfig, new: EvfSamConfig, step: int) -> tuple[Grid, Grid]:
    """Return rows and columns of cells of so many pixels, in both models' pictures."""
    (a, b), (c, d) = old.image_input.size, new.image_input.size
    return (a // step, b // step), (c // step, d // step)


def _positions(table: Tensor, old: Grid, new: Grid) -> Tensor:
    """Interpolate the patches' rows; those before them stay."""
    first = FIRST_POSITION + 1  # [CLS]
    grid = table[first:].T.unflatten(1, old)[None]
    resized = functional.interpolate(grid, new, mode="bicubic")[0].flatten(1).T
    return torch.cat([table[:first], resized])


def _widened(weight: Tensor, like: Tensor) -> Tensor:
    """Give the new input features no weight."""
    wide = torch.zeros_like(like)
    wide[:, : weight.shape[1]] = weight
    return wide


def _more_words(known: Tensor, vocabulary: int) -> Tensor:
    """New words begin as small as the known are."""
    more = torch.empty(vocabulary - len(known), known.shape[1])
    generator = torch.Generator().manual_seed(0)
    nn.init.normal_(more, std=float(known.std()), generator=generator)
    return torch.cat([known, more])
