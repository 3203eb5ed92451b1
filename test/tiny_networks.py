"""Models small enough to build in every test."""

import torch

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.efficient_sam import EfficientSamConfig
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.image_input import beit3_input, efficient_sam_input, sam2_input, sam_input
from evf_sam_ros.models.mask_decoder import MaskDecoderConfig
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.sam2 import Sam2Config
from evf_sam_ros.models.sam2_memory import MemoryConfig
from evf_sam_ros.models.variants import EvfSamConfig

ENCODER = Beit3Config(
    width=16,
    depth=2,
    heads=2,
    feed_forward=32,
    image_size=(32, 32),
    vocabulary=50,
    text_positions=14,
)
DECODER = MaskDecoderConfig(heads=2, feed_forward=32, iou_hidden=16)
SAM = EvfSamConfig(
    encoder=ENCODER,
    segmenter=SamConfig(
        width=16,
        depth=2,
        heads=2,
        global_attention=(1,),
        window=3,
        image_side=64,
        prompt_width=32,
        mask_channels=4,
        decoder=DECODER,
    ),
    fusion_input=beit3_input((32, 32)),
    image_input=sam_input(64),
)
EFFICIENT_SAM = EvfSamConfig(
    encoder=ENCODER,
    segmenter=EfficientSamConfig(
        width=16,
        heads=2,
        depth=1,
        image_side=64,
        pretrained_side=48,
        prompt_width=32,
        upscaled=(8, 4),
        decoder=DECODER,
    ),
    fusion_input=beit3_input((32, 32)),
    image_input=efficient_sam_input(64),
)
SAM_2 = EvfSamConfig(
    encoder=ENCODER,
    segmenter=Sam2Config(
        hiera=HieraConfig(
            width=8,
            heads=1,
            stages=(1, 2, 2, 1),
            global_attention=(3,),
            windows=(4, 2, 3, 2),
            background_side=3,
        ),
        image_side=64,
        prompt_width=32,
        mask_channels=4,
        decoder=DECODER,
        memory=MemoryConfig(width=8, depth=1, feed_forward=16, fuser_depth=1, frames=3),
    ),
    fusion_input=beit3_input((32, 32)),
    image_input=sam2_input(64),
)


def randomised(model, seed=0):
    """Return the model with noise in every parameter, so that none is zero or one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model
