"""An InstanceVG of a few thousand weights, for tests that need no golden data."""

from tiny_networks import randomised

from evf_sam_ros.models.beit3 import Beit3Config
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


def noisy(seed=1, config=CONFIG):
    return randomised(build(config), seed=seed)
