"""A model's configuration as plain data, for config.json, and back."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.efficient_sam import EfficientSamConfig
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.models.mask_decoder import MaskDecoderConfig
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.sam2 import Sam2Config
from evf_sam_ros.models.sam2_memory import MemoryConfig
from evf_sam_ros.models.variants import EvfSamConfig, SegmenterConfig

FAMILIES: dict[str, type[SegmenterConfig]] = {
    "sam": SamConfig,
    "efficient_sam": EfficientSamConfig,
    "sam2": Sam2Config,
    "compact": CompactConfig,
}
_FAMILY = "family"
_PARTS = {"decoder": MaskDecoderConfig, "hiera": HieraConfig, "memory": MemoryConfig}


def document_from_config(config: EvfSamConfig) -> dict[str, Any]:
    """Return nested dictionaries and lists; the segmenter's says its family."""
    document = asdict(config)
    family = {kind: name for name, kind in FAMILIES.items()}[type(config.segmenter)]
    document["segmenter"] = {_FAMILY: family, **document["segmenter"]}
    return document


def config_from_document(document: Mapping[str, Any], source: str) -> EvfSamConfig:
    """Read what `document_from_config` returned, perhaps by way of JSON.

    Raises:
        ValueError: an entry is missing, unknown or not what it should be; names it.
    """
    try:
        return _config(document)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{source} describes no model that we can build: {error}") from error


def _config(document: Mapping[str, Any]) -> EvfSamConfig:
    parts = dict(_entries(EvfSamConfig, document))
    segmenter = dict(parts["segmenter"])
    family = segmenter.pop(_FAMILY, None)
    if family not in FAMILIES:
        raise ValueError(f"segmenter family is {family!r}, need one of {', '.join(FAMILIES)}")
    for name in segmenter.keys() & _PARTS.keys():
        segmenter[name] = _read(_PARTS[name], segmenter[name])
    return EvfSamConfig(
        encoder=_read(Beit3Config, parts["encoder"]),
        segmenter=_read(FAMILIES[family], segmenter),
        fusion_input=_read(ImageInput, parts["fusion_input"]),
        image_input=_read(ImageInput, parts["image_input"]),
    )


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
