"""The model that the manifest of an InstanceVG golden folder describes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.image_input import deris_input
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.variants import EvfSamConfig


def instancevg_config(config: Mapping[str, Any], encoder: Beit3Config) -> EvfSamConfig:
    """Translate a manifest's constructor arguments; each case sets its own threshold."""
    decoder, picture = config["decoder"], deris_input(config["image_size"])
    return EvfSamConfig(
        encoder=replace(encoder, most_tokens=config["max_tokens"]),
        segmenter=InstanceVgConfig(
            score_threshold=0.5,
            width=config["hidden_dim"],
            candidates=config["num_queries"],
            heads=decoder["heads"],
            reader_feed_forward=config["text_to_image"]["ffn_dim"],
            depth=decoder["layers"],
            points=decoder["points"],
            feed_forward=decoder["ffn_dim"],
        ),
        fusion_input=picture,
        image_input=picture,
    )


def instancevg_constructed(key: str) -> NDArray[Any] | None:
    """Return what the reference's constructor gives to a key that the formula leaves alone."""
    if key == "head.detrloss.criterion.empty_weight":
        return np.array([1.0, 0.1], np.float32)
    if key.endswith(".num_batches_tracked"):
        return np.array(0, np.int64)
    return None
