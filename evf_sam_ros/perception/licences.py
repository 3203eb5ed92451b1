"""Conditions of published weights that a robot's maker must know before using them."""

from evf_sam_ros.models.deris.deris_config import DerisConfig
from evf_sam_ros.models.variants import EvfSamConfig

# By the lower-cased end of a Hugging Face id; a copy of a repository keeps its name.
_DERIS = "deris"
_NON_COMMERCIAL = (
    "published weights of DeRIS contain weights of Mask2Former under CC BY-NC 4.0 "
    "(a frozen Swin): not for commercial use"
)


def condition_of_id(model: str) -> str:
    """Return the condition of a Hugging Face model's weights; empty for none that we know."""
    name = model.partition("@")[0].rsplit("/", 1)[-1].lower()
    return _NON_COMMERCIAL if name.startswith(_DERIS) else ""


def condition_of(config: EvfSamConfig | None) -> str:
    """Return the condition of the weights that are published for such a model; empty for none."""
    segmenter = None if config is None else config.segmenter
    return _NON_COMMERCIAL if isinstance(segmenter, DerisConfig) else ""
