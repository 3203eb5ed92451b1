"""Settings of a checkpoint that its weights do not say: the model's default and its overrides.

The published checkpoints have one set of names and sizes, but not one treatment: the reference
changed resizing and choice of mask in September 2024 (its commit 9d00853), and only some have
learned what the prefix `[semantic]` means. `config.json` of a released folder tells none of
this; the name of the checkpoint does, or an entry `behaviour` that a user adds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from evf_sam_ros.models.deris.deris_config import DerisConfig
from evf_sam_ros.models.deris.released import TrainedOn, check_training, training_by_name
from evf_sam_ros.models.efficient_sam import EfficientSamConfig
from evf_sam_ros.models.image_input import Resize
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.sam2 import MaskChoice, Sam2Config
from evf_sam_ros.models.variants import EvfSamConfig, own_threshold

ENTRY = "behaviour"  # of config.json

# How a photograph becomes the input of EfficientSAM or SAM-2; SAM's is always the same.
#   inference  as the reference answers a user, from commit 9d00853 on
#   dataset    as the reference trains and measures; differs above 1024 pixels
#   legacy     as before that commit
Resizing = Literal["inference", "dataset", "legacy"]
_RESIZE: dict[Resizing, Resize] = {"inference": "sample", "dataset": "stretch", "legacy": "twice"}


_CHOICES = {
    "resizing": get_args(Resizing),
    "masks": get_args(MaskChoice),
    "trained_on": get_args(TrainedOn),
}


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Settings for running a checkpoint; None keeps the value of its configuration."""

    resizing: Resizing | None = None
    masks: MaskChoice | None = None  # which mask of SAM-2 answers
    semantic: bool = False  # it was trained on prompts such as "[semantic] dog" as well
    everyday: bool = False  # it learned the tabletop's grammar: ordinary English is paraphrased
    trained_on: TrainedOn | None = None  # of DeRIS: the data; None: what its weights say
    tidy: bool = False  # parts of a mask that are far less sure than its main part are dropped

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise ValueError(f"behaviour {name} is {value!r}, need one of {choices}")
        for name in ("semantic", "everyday", "tidy"):
            if not isinstance(getattr(self, name), bool):
                value = getattr(self, name)
                raise ValueError(f"behaviour {name} is {value!r}, need true or false")


# The four on Hugging Face, by name; any other is treated as the newest are, without [semantic].
PUBLISHED = {
    "evf-sam": Behaviour(),
    "evf-sam-multitask": Behaviour(semantic=True),
    "evf-sam2": Behaviour(resizing="legacy", masks="stable"),
    "evf-sam2-multitask": Behaviour(resizing="inference", masks="best", semantic=True),
}


def behaviour_of(
    config: EvfSamConfig,
    document: Mapping[str, Any],
    names: Iterable[str],
    overrides: Mapping[str, Any] | None = None,
) -> Behaviour:
    """Return how to treat a checkpoint: overrides first, then config.json, then its name.

    Args:
        document: config.json, which may have an entry `behaviour`.
        names: what the checkpoint may be called, the most trusted first.
        overrides: what the user wants, as in that entry.

    Raises:
        ValueError: an entry that does not exist, or a value that it cannot have.
    """
    if isinstance(config.segmenter, DerisConfig):
        published = Behaviour(trained_on=training_by_name(names))
    else:
        known = [PUBLISHED[name] for name in names if name in PUBLISHED]
        published = known[0] if known else Behaviour()
    if published.masks is not None and not isinstance(config.segmenter, Sam2Config):
        published = Behaviour()  # somebody's own model under a published name
    entries = document.get(ENTRY) or {}
    if not isinstance(entries, Mapping):
        raise ValueError(f"config.json says {ENTRY} = {entries!r}, need an object")
    return _changed(_changed(published, entries), overrides or {})


def names_of(document: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the possible names of a released checkpoint, the most reliable first."""
    stated = str(document.get("_name_or_path", "")).rstrip("/").rsplit("/", 1)[-1]
    # A cache of Hugging Face has models--OWNER--NAME/snapshots/REVISION.
    cached = [part.rsplit("--", 1)[-1] for part in folder.parts if part.startswith("models--")]
    return [folder.name, *cached, stated]


def applied(behaviour: Behaviour, config: EvfSamConfig, source: str = "the model") -> EvfSamConfig:
    """Return the configuration of a model that is treated so.

    Raises:
        ValueError: this kind of model leaves no such choice, or is not what it is said to be.
    """
    segmenter = config.segmenter
    kind = type(segmenter).__name__.removesuffix("Config")
    if behaviour.trained_on is not None:
        if not isinstance(segmenter, DerisConfig):
            raise ValueError(f"behaviour trained_on is a matter of DeRIS, this model is {kind}")
        check_training(segmenter, behaviour.trained_on, source)
    if behaviour.semantic and own_threshold(config) is not None:
        raise ValueError(f"behaviour semantic is a choice of EVF-SAM only, this model is {kind}")
    if behaviour.masks is not None:
        if not isinstance(segmenter, Sam2Config):
            raise ValueError(f"behaviour masks is a choice of SAM-2 only, this model is {kind}")
        segmenter = replace(segmenter, masks=behaviour.masks)
    image_input = config.image_input
    if behaviour.resizing is not None and not isinstance(segmenter, SamConfig):
        if not isinstance(segmenter, EfficientSamConfig | Sam2Config):
            raise ValueError(f"behaviour resizing is not a choice of this model, which is {kind}")
        image_input = replace(image_input, resize=_RESIZE[behaviour.resizing])
    return replace(config, segmenter=segmenter, image_input=image_input)


def _changed(behaviour: Behaviour, entries: Mapping[str, Any]) -> Behaviour:
    known = [field.name for field in fields(Behaviour)]
    if unknown := sorted(entries.keys() - set(known)):
        raise ValueError(f"behaviour has no {unknown[0]!r}, need one of {', '.join(known)}")
    return replace(behaviour, **entries)
