"""The model that the manifest of a DeRIS golden folder describes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.bridge.config import PixelDecoderConfig, QueryConfig
from evf_sam_ros.models.deris.deris_config import DerisConfig, ExistenceConfig, SwinConfig
from evf_sam_ros.models.deris.swin import distance_rows
from evf_sam_ros.models.image_input import deris_input
from evf_sam_ros.models.variants import EvfSamConfig

_INDEX = re.compile(r"\.relative_position_index$")


def deris_config(config: Mapping[str, Any], encoder: Beit3Config) -> EvfSamConfig:
    """Translate a manifest's constructor arguments; each case sets its own threshold."""
    swin, pixels = config["swin"], config["pixel_decoder"]
    decoder, existence = config["mask_decoder"], config["existence"]
    side = config["hier_image_size"]
    return EvfSamConfig(
        encoder=replace(encoder, most_tokens=config["max_tokens"]),
        segmenter=DerisConfig(
            swin=SwinConfig(
                width=swin["embed_dim"],
                heads=tuple(swin["num_heads"]),
                window=swin["window_size"],
                depths=tuple(swin["depths"]),
                patch=swin["patch_size"],
                feed_forward_ratio=swin["mlp_ratio"],
            ),
            score_threshold=0.5,
            image_side=side,
            width=config["hidden_dim"],
            pixel_decoder=PixelDecoderConfig(
                depth=pixels["layers"],
                heads=pixels["heads"],
                points=pixels["points"],
                feed_forward=pixels["ffn_dim"],
            ),
            queries=QueryConfig(
                queries=config["num_queries"],
                depth=decoder["layers"],
                heads=decoder["heads"],
                feed_forward=decoder["ffn_dim"],
            ),
            existence=ExistenceConfig(
                depth=existence["layers"],
                heads=existence["heads"],
                feed_forward=existence["ffn_dim"],
            ),
        ),
        fusion_input=deris_input(encoder.image_size[0]),
        image_input=deris_input(side),
    )


def constructed(key: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Return what the reference's constructor gives to a key that the formula leaves alone."""
    if key == "head.criterion.empty_weight":
        return np.array([1.0, 0.1], np.float32)
    if _INDEX.search(key):
        return distance_rows(round(shape[0] ** 0.5)).numpy()
    return None
