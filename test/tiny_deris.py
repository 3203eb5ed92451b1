"""A DeRIS of a few thousand weights, for tests that need no golden data."""

from tiny_networks import randomised

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.bridge.config import PixelDecoderConfig, QueryConfig
from evf_sam_ros.models.deris.deris_config import DerisConfig, ExistenceConfig, SwinConfig
from evf_sam_ros.models.image_input import deris_input
from evf_sam_ros.models.variants import EvfSamConfig, build

# The grids are 16, 8, 4 and 2 cells: with windows of 3 the first ones are filled up, and one
# window covers the last.
SWIN = SwinConfig(width=8, heads=(1, 2, 2, 4), window=3, depths=(2, 2, 2, 2))
SIDE = 64
CONFIG = EvfSamConfig(
    encoder=Beit3Config(
        width=16, depth=2, heads=2, feed_forward=32, image_size=(32, 32), vocabulary=64,
        text_positions=34, most_tokens=12,
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
