"""Bridges small enough to build in every test."""

from dataclasses import replace

from tiny_networks import SAM

from evf_sam_ros.models.bridge.config import (
    BertConfig,
    BridgeEncoderConfig,
    BridgeSegmenterConfig,
    PixelDecoderConfig,
    QueryConfig,
)
from evf_sam_ros.models.clip import ClipTower
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.image_input import ImageInput, clip_input, sam_square_input
from evf_sam_ros.models.variants import EvfSamConfig

CATEGORIES = ("mug", "bowl", "background")
ENCODER = BridgeEncoderConfig(
    vision=ClipTower(width=16, depth=2, heads=2, feed_forward=32),
    image_size=(32, 32),
    patch=8,
    joint_width=12,
    bert=BertConfig(
        width=16, depth=2, heads=2, feed_forward=32, vocabulary=50, positions=12, dropout=0.0
    ),
    width=32,
    heads=2,
    max_tokens=10,
    pixel_decoder=PixelDecoderConfig(depth=1, heads=2, points=2, feed_forward=32),
    categories=CATEGORIES,
)
QUERIES = QueryConfig(queries=5, depth=3, heads=2, feed_forward=32)
ON_SAM = EvfSamConfig(
    encoder=ENCODER,
    segmenter=BridgeSegmenterConfig(promptable=SAM.segmenter, queries=QUERIES, joint_width=12),
    fusion_input=clip_input(32),
    image_input=sam_square_input(64),
)
WIDE = ImageInput(size=(64, 96), resize="stretch", mean=(127.5,) * 3, std=(127.5,) * 3)
ON_COMPACT = EvfSamConfig(
    encoder=replace(ENCODER, image_size=WIDE.size, patch=16, stem=(4, 8, 32)),
    segmenter=BridgeSegmenterConfig(
        promptable=CompactConfig(image_size=WIDE.size, trunk=(4, 8, 32), depth=1),
        queries=QUERIES,
        joint_width=12,
    ),
    fusion_input=WIDE,
    image_input=WIDE,
)
TOLD = replace(ON_SAM, encoder=replace(ENCODER, sparse="category"))
