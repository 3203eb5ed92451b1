"""Table of every model that can be built."""

from dataclasses import dataclass, replace

from evf_sam_ros.models.beit3 import Beit3, Beit3Config
from evf_sam_ros.models.bridge.categories import COCO_PANOPTIC
from evf_sam_ros.models.bridge.config import BridgeEncoderConfig, BridgeSegmenterConfig
from evf_sam_ros.models.bridge.encoder import BridgeEncoder
from evf_sam_ros.models.bridge.model import SamClipBridge
from evf_sam_ros.models.bridge.segmenter import BridgeSegmenter
from evf_sam_ros.models.clip import Clip, ClipConfig, ClipTower
from evf_sam_ros.models.compact import CompactConfig, CompactSegmenter
from evf_sam_ros.models.deris.deris import Deris
from evf_sam_ros.models.deris.deris_config import DerisConfig, SwinConfig
from evf_sam_ros.models.deris.query_segmenter import DerisSegmenter
from evf_sam_ros.models.deris.released import TRAININGS, TrainedOn, as_trained_on
from evf_sam_ros.models.efficient_sam import EfficientSam, EfficientSamConfig
from evf_sam_ros.models.encoder import Encoder
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.image_input import (
    ImageInput,
    beit3_input,
    clip_input,
    deris_input,
    efficient_sam_input,
    sam2_input,
    sam_input,
    sam_square_input,
)
from evf_sam_ros.models.instancevg.answer import InstanceVgSegmenter
from evf_sam_ros.models.instancevg.instancevg import InstanceVg
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.sam import Sam, SamConfig
from evf_sam_ros.models.sam2 import Sam2, Sam2Config
from evf_sam_ros.models.segmenter import Segmenter
from evf_sam_ros.models.vilt import Vilt, ViltConfig

EncoderConfig = Beit3Config | ClipConfig | ViltConfig | BridgeEncoderConfig
SegmenterConfig = (
    SamConfig
    | EfficientSamConfig
    | Sam2Config
    | CompactConfig
    | BridgeSegmenterConfig
    | DerisConfig
    | InstanceVgConfig
)


@dataclass(frozen=True, kw_only=True)
class EvfSamConfig:
    """A whole model: its two halves, and what pictures each half takes."""

    encoder: EncoderConfig
    segmenter: SegmenterConfig
    fusion_input: ImageInput
    image_input: ImageInput

    def __post_init__(self) -> None:
        bridge = isinstance(self.encoder, BridgeEncoderConfig)
        if bridge != isinstance(self.segmenter, BridgeSegmenterConfig):
            halves = type(self.encoder).__name__, type(self.segmenter).__name__
            raise ValueError(f"{halves[0]} does not go with {halves[1]}: a bridge needs both ends")
        if isinstance(self.segmenter, DerisConfig) and not isinstance(self.encoder, Beit3Config):
            raise ValueError(f"a DeRIS reads BEIT-3, not {type(self.encoder).__name__}")
        if isinstance(self.segmenter, InstanceVgConfig):
            _check_instancevg(self)


def _check_instancevg(config: EvfSamConfig) -> None:
    if not isinstance(config.encoder, Beit3Config) or config.encoder.fusion != "early":
        raise ValueError("an InstanceVG reads BEIT-3 of early fusion, and nothing else")
    if config.fusion_input != config.image_input:
        raise ValueError("an InstanceVG has one picture: fusion_input must equal image_input")


BEIT3_BASE = Beit3Config(width=768, depth=12, heads=12, feed_forward=3072)
BEIT3_LARGE = Beit3Config(width=1024, depth=24, heads=16, feed_forward=4096)
SAM_HUGE = SamConfig(width=1280, depth=32, heads=16, global_attention=(7, 15, 23, 31))
SAM_BASE = SamConfig(width=768, depth=12, heads=12, global_attention=(2, 5, 8, 11))
EFFICIENT_SAM_TINY = EfficientSamConfig(width=192, heads=3)
EFFICIENT_SAM_SMALL = EfficientSamConfig(width=384, heads=6)
HIERA_LARGE = HieraConfig(
    width=144,
    heads=2,
    stages=(2, 6, 36, 4),
    global_attention=(23, 33, 43),
    windows=(8, 4, 16, 8),
)
HIERA_TINY = HieraConfig(
    width=96, heads=1, stages=(1, 2, 7, 2), global_attention=(5, 7, 9), windows=(8, 4, 14, 7)
)

# Learned from scratch, so one input serves both halves, at the aspect ratio of most cameras.
TABLETOP_INPUT = ImageInput(
    size=(192, 256), resize="stretch", mean=(115.0, 115.0, 115.0), std=(64.0, 64.0, 64.0)
)
TABLETOP_TRUNK = (24, 48, 96)

SWIN_SMALL = SwinConfig(width=96, heads=(3, 6, 12, 24), window=7)
SWIN_BASE = SwinConfig(width=128, heads=(4, 8, 16, 32), window=12)


def deris(encoder: Beit3Config, swin: SwinConfig, score_threshold: float) -> EvfSamConfig:
    """Return a DeRIS of published size, trained on gRefCOCO."""
    segmenter = DerisConfig(swin=swin, score_threshold=score_threshold)
    return EvfSamConfig(
        encoder=replace(encoder, most_tokens=TRAININGS["grefcoco"].most_tokens),
        segmenter=segmenter,
        fusion_input=deris_input(encoder.image_size[0]),
        image_input=deris_input(segmenter.image_side),
    )


def deris_trained_on(published: EvfSamConfig, data: TrainedOn) -> EvfSamConfig:
    """Return a published size of DeRIS as its checkpoint of this training data is."""
    assert isinstance(published.segmenter, DerisConfig)
    assert isinstance(published.encoder, Beit3Config)
    return replace(
        published,
        encoder=replace(published.encoder, most_tokens=TRAININGS[data].most_tokens),
        segmenter=as_trained_on(published.segmenter, data),
    )


INSTANCEVG_SIDE = 320  # pixels
INSTANCEVG_TOKENS = 50  # of a prompt, in training on gRefCOCO

VARIANTS = {
    "evf_sam": EvfSamConfig(
        encoder=BEIT3_LARGE,
        segmenter=SAM_HUGE,
        fusion_input=beit3_input(),
        image_input=sam_input(),
    ),
    "evf_effisam_l": EvfSamConfig(
        encoder=BEIT3_LARGE,
        segmenter=EFFICIENT_SAM_SMALL,
        fusion_input=beit3_input(),
        image_input=efficient_sam_input(),
    ),
    "evf_effisam_b": EvfSamConfig(
        encoder=BEIT3_BASE,
        segmenter=EFFICIENT_SAM_TINY,
        fusion_input=beit3_input(),
        image_input=efficient_sam_input(),
    ),
    "evf_sam2": EvfSamConfig(
        encoder=BEIT3_LARGE,
        segmenter=Sam2Config(hiera=HIERA_LARGE),
        fusion_input=beit3_input(),
        image_input=sam2_input(),
    ),
    "evf_sam2_tiny": EvfSamConfig(
        encoder=BEIT3_LARGE,
        segmenter=Sam2Config(hiera=HIERA_TINY),
        fusion_input=beit3_input(),
        image_input=sam2_input(),
    ),
    "sam_clip_bridge": EvfSamConfig(
        encoder=BridgeEncoderConfig(
            vision=ClipTower(width=1024, depth=24, heads=16, feed_forward=4096),
            image_size=(336, 336),
            categories=COCO_PANOPTIC,
        ),
        segmenter=BridgeSegmenterConfig(promptable=SAM_BASE),
        fusion_input=clip_input(336),
        image_input=sam_square_input(),
    ),
    "deris_b": deris(BEIT3_BASE, SWIN_SMALL, score_threshold=0.7),
    "deris_l": deris(BEIT3_LARGE, SWIN_BASE, score_threshold=0.9),
    "instancevg_b": EvfSamConfig(
        encoder=replace(
            BEIT3_BASE,
            image_size=(INSTANCEVG_SIDE, INSTANCEVG_SIDE),
            most_tokens=INSTANCEVG_TOKENS,
        ),
        segmenter=InstanceVgConfig(),
        fusion_input=deris_input(INSTANCEVG_SIDE),
        image_input=deris_input(INSTANCEVG_SIDE),
    ),
    "tabletop": EvfSamConfig(
        encoder=Beit3Config(
            width=128,
            depth=8,
            heads=4,
            feed_forward=256,
            image_size=TABLETOP_INPUT.size,
            vocabulary=128,
            text_positions=66,
            stem=TABLETOP_TRUNK,
        ),
        segmenter=CompactConfig(image_size=TABLETOP_INPUT.size, trunk=TABLETOP_TRUNK),
        fusion_input=TABLETOP_INPUT,
        image_input=TABLETOP_INPUT,
    ),
}


def is_bridge(config: EvfSamConfig) -> bool:
    """Return whether it is a SAM-CLIP bridge, whose towers need the package `transformers`."""
    return isinstance(config.encoder, BridgeEncoderConfig)


def reads_cleaned_words(config: EvfSamConfig) -> bool:
    """Return whether its sentences were without capitals and signs in training."""
    return isinstance(config.segmenter, DerisConfig | InstanceVgConfig)


def own_threshold(config: EvfSamConfig) -> float | None:
    """Return the score from which its authors count an object as found; None: they have none."""
    segmenter = config.segmenter
    if isinstance(segmenter, DerisConfig | InstanceVgConfig):
        return segmenter.score_threshold
    return None


def own_measuring_size(config: EvfSamConfig) -> tuple[int, int] | None:
    """Return the size of the model's input, where its authors measure masks at it."""
    measured = isinstance(config.segmenter, DerisConfig | InstanceVgConfig)
    return config.image_input.size if measured else None


def only_targets_seen(config: EvfSamConfig) -> bool:
    """Return whether it is a model of a published size as trained on RefCOCO alone."""
    segmenter = config.segmenter
    if not isinstance(segmenter, DerisConfig):
        return False
    return segmenter.queries.queries == TRAININGS["refcoco"].queries


def prompts_by_one_token(config: EvfSamConfig) -> bool:
    """Return whether its segmenter takes one token per prompt, as engines expect."""
    others = BridgeSegmenterConfig | DerisConfig | InstanceVgConfig
    return not isinstance(config.segmenter, others)


def build(config: EvfSamConfig) -> EvfSam:
    """Build a model in eval mode, on torch's current default device, with random weights."""
    if isinstance(config.encoder, BridgeEncoderConfig):
        assert isinstance(config.segmenter, BridgeSegmenterConfig)
        return _bridge(config.encoder, config.segmenter).eval()
    if isinstance(config.segmenter, DerisConfig):
        assert isinstance(config.encoder, Beit3Config)
        return Deris(Beit3(config.encoder), DerisSegmenter(config.segmenter)).eval()
    if isinstance(config.segmenter, InstanceVgConfig):
        assert isinstance(config.encoder, Beit3Config)
        return InstanceVg(Beit3(config.encoder), InstanceVgSegmenter(config.segmenter)).eval()
    return EvfSam(_encoder(config.encoder), _segmenter(config.segmenter)).eval()


def _bridge(encoder: BridgeEncoderConfig, segmenter: BridgeSegmenterConfig) -> SamClipBridge:
    promptable = _segmenter(segmenter.promptable)
    assert isinstance(promptable, Sam | CompactSegmenter)
    return SamClipBridge(BridgeEncoder(encoder), BridgeSegmenter(promptable, segmenter))


def _encoder(config: EncoderConfig) -> Encoder:
    match config:
        case Beit3Config():
            return Beit3(config)
        case ClipConfig():
            return Clip(config)
        case ViltConfig():
            return Vilt(config)
    raise TypeError(f"{type(config).__name__} is not an encoder configuration of EVF-SAM")


def _segmenter(config: SegmenterConfig) -> Segmenter:
    match config:
        case SamConfig():
            return Sam(config)
        case EfficientSamConfig():
            return EfficientSam(config)
        case Sam2Config():
            return Sam2(config)
        case CompactConfig():
            return CompactSegmenter(config)
    raise TypeError(f"{type(config).__name__} is not a segmenter configuration of EVF-SAM")
