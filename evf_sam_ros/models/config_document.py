"""Conversion of a model's configuration to plain data for config.json, and back."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.bridge.config import (
    BertConfig,
    BridgeEncoderConfig,
    BridgeSegmenterConfig,
    PixelDecoderConfig,
    QueryConfig,
)
from evf_sam_ros.models.clip import ClipConfig, ClipTower
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.deris.deris_config import DerisConfig, ExistenceConfig, SwinConfig
from evf_sam_ros.models.efficient_sam import EfficientSamConfig
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.mask_decoder import MaskDecoderConfig
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.sam2 import Sam2Config
from evf_sam_ros.models.sam2_memory import MemoryConfig
from evf_sam_ros.models.variants import EncoderConfig, EvfSamConfig, SegmenterConfig
from evf_sam_ros.models.vilt import ViltConfig

FAMILIES: dict[str, type[SegmenterConfig]] = {
    "sam": SamConfig,
    "efficient_sam": EfficientSamConfig,
    "sam2": Sam2Config,
    "compact": CompactConfig,
    "bridge": BridgeSegmenterConfig,
    "deris": DerisConfig,
    "instancevg": InstanceVgConfig,
}
ENCODER_FAMILIES: dict[str, type[EncoderConfig]] = {
    "beit3": Beit3Config,  # where none is named: folders older than the others
    "clip": ClipConfig,
    "vilt": ViltConfig,
    "bridge": BridgeEncoderConfig,
}
_FAMILY = "family"
_PARTS = {
    "text": ClipTower,
    "vision": ClipTower,
    "decoder": MaskDecoderConfig,
    "hiera": HieraConfig,
    "memory": MemoryConfig,
    "bert": BertConfig,
    "pixel_decoder": PixelDecoderConfig,
    "queries": QueryConfig,
    "swin": SwinConfig,
    "existence": ExistenceConfig,
}
_PROMPTABLE = "promptable"  # a segmenter in a segmenter


def document_from_config(config: EvfSamConfig) -> dict[str, Any]:
    """Return nested dictionaries and lists; both halves' say their family."""
    document = asdict(config)
    document["segmenter"] = _with_family(config.segmenter, FAMILIES)
    document["encoder"] = _with_family(config.encoder, ENCODER_FAMILIES)
    return document


def config_from_document(document: Mapping[str, Any], source: str) -> EvfSamConfig:
    """Read what `document_from_config` returned, perhaps by way of JSON.

    Raises:
        ValueError: an entry is missing, unknown or not what it should be; names it.
    """
    try:
        return _config(document)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{source} describes a model that cannot be built: {error}") from error


def _with_family(half: Any, families: Mapping[str, type[Any]]) -> dict[str, Any]:
    family = {kind: name for name, kind in families.items()}[type(half)]
    values = {_FAMILY: family, **asdict(half)}
    if _PROMPTABLE in values:
        values[_PROMPTABLE] = _with_family(half.promptable, families)
    return values


def _config(document: Mapping[str, Any]) -> EvfSamConfig:
    parts = dict(_entries(EvfSamConfig, document))
    return EvfSamConfig(
        encoder=_half("encoder", ENCODER_FAMILIES, {_FAMILY: "beit3", **parts["encoder"]}),
        segmenter=_half("segmenter", FAMILIES, parts["segmenter"]),
        fusion_input=_read(ImageInput, parts["fusion_input"]),
        image_input=_read(ImageInput, parts["image_input"]),
    )


def _half(half: str, families: Mapping[str, type[Any]], values: Mapping[str, Any]) -> Any:
    values = dict(values)
    family = values.pop(_FAMILY, None)
    if family not in families:
        raise ValueError(f"{half} family is {family!r}, need one of {', '.join(families)}")
    for name in values.keys() & _PARTS.keys():
        if values[name] is not None:
            values[name] = _read(_PARTS[name], values[name])
    if _PROMPTABLE in values:
        values[_PROMPTABLE] = _half(_PROMPTABLE, families, values[_PROMPTABLE])
    return _read(families[family], values)


def _read(kind: type[Any], values: Mapping[str, Any]) -> Any:
    return kind(**_entries(kind, values))


def _entries(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name: field for field in fields(kind)}
    if unknown := values.keys() - known.keys():
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    for name, field in known.items():
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if not optional and name not in values:
            raise ValueError(f"{kind.__name__} needs {name}")
    # JSON has no tuples, and a frozen configuration no lists.
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
