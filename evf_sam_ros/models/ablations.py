"""The encoders that the EVF-SAM paper compares with BEIT-3 (its tables 1, 3 and 6), before SAM-H.

Nobody published weights of these. CLIP and ViLT need the package `transformers`.
"""

from dataclasses import replace

from evf_sam_ros.models.clip import ClipConfig, ClipTower
from evf_sam_ros.models.image_input import ImageInput, beit3_input, clip_input, sam_input
from evf_sam_ros.models.variants import (
    BEIT3_BASE,
    BEIT3_LARGE,
    SAM_HUGE,
    EncoderConfig,
    EvfSamConfig,
)
from evf_sam_ros.models.vilt import ViltConfig

CLIP_LARGE = ClipConfig(
    text=ClipTower(width=768, depth=12, heads=12, feed_forward=3072),
    vision=ClipTower(width=1024, depth=24, heads=16, feed_forward=4096),
    joint_width=768,
)
CLIP_HUGE = ClipConfig(  # OpenCLIP's
    text=ClipTower(width=1024, depth=24, heads=16, feed_forward=4096),
    vision=ClipTower(width=1280, depth=32, heads=16, feed_forward=5120),
    joint_width=1024,
    activation="gelu",
)

CLIP_INPUT = clip_input()
VILT_INPUT = beit3_input((384, 384))


def _before_sam_huge(encoder: EncoderConfig, fusion_input: ImageInput) -> EvfSamConfig:
    return EvfSamConfig(
        encoder=encoder, segmenter=SAM_HUGE, fusion_input=fusion_input, image_input=sam_input()
    )


ABLATIONS = {
    "clip_l_text": _before_sam_huge(replace(CLIP_LARGE, vision=None), CLIP_INPUT),
    "clip_l_late": _before_sam_huge(CLIP_LARGE, CLIP_INPUT),
    "clip_h_text": _before_sam_huge(replace(CLIP_HUGE, vision=None), CLIP_INPUT),
    "clip_h_late": _before_sam_huge(CLIP_HUGE, CLIP_INPUT),
    "vilt_text": _before_sam_huge(ViltConfig(fusion="text"), VILT_INPUT),
    "vilt_late": _before_sam_huge(ViltConfig(fusion="late"), VILT_INPUT),
    "vilt_early": _before_sam_huge(ViltConfig(fusion="early"), VILT_INPUT),
    "beit3_l_text": _before_sam_huge(replace(BEIT3_LARGE, fusion="text"), beit3_input()),
    "beit3_l_late": _before_sam_huge(replace(BEIT3_LARGE, fusion="late"), beit3_input()),
    "beit3_l_early_12": _before_sam_huge(replace(BEIT3_LARGE, fused_layers=12), beit3_input()),
    "beit3_b": _before_sam_huge(BEIT3_BASE, beit3_input()),
}
