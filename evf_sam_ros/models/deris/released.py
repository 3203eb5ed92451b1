"""Recognition of a released DeRIS: its size by names and shapes, its training data by its name.

A released file says neither the threshold of its scores nor how long a sentence may be: both go
with the data that it was trained on, of which the number of its queries is the only trace.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from evf_sam_ros.models.deris.deris_config import DerisConfig

# grefcoco  sentences for one object, for several and for none
# refcoco   sentences for one object each; what the model says of others was never trained
TrainedOn = Literal["grefcoco", "refcoco"]


@dataclass(frozen=True)
class _Training:
    """Properties that follow from the training data of a published model."""

    queries: int
    most_tokens: int


TRAININGS: dict[TrainedOn, _Training] = {
    "grefcoco": _Training(queries=20, most_tokens=50),
    "refcoco": _Training(queries=10, most_tokens=20),
}
REFCOCO_THRESHOLD = 0.9  # of both sizes
SIZES = {768: "deris_b", 1024: "deris_l"}  # by the width of BEIT-3; rows of `variants`

_WIDTH, _QUERIES = (
    "understanding_branch.text_embed.weight",
    "understanding_branch.init_query.weight",
)
_DATA = re.compile(r"(?<![a-z])(g?)ref[-_ ]?coco", re.IGNORECASE)


def released_size(state: Mapping[str, Tensor], source: str) -> str:
    """Return which row of `variants` released tensors are of.

    Raises:
        ValueError: a tensor is missing, or the size is none of the published ones.
    """
    width = _shape(state, _WIDTH, source)[1]
    if width not in SIZES:
        known = ", ".join(f"{each} ({name})" for each, name in SIZES.items())
        raise ValueError(
            f"{source} is a DeRIS with a BEIT-3 of width {width}, published ones have {known}; "
            "config.json can describe another one under 'evf_sam_ros'"
        )
    return SIZES[width]


def released_training(state: Mapping[str, Tensor], source: str) -> TrainedOn:
    """Return the data that released tensors were trained on, by the number of their queries.

    Raises:
        ValueError: a tensor is missing, or the number is none of the published ones.
    """
    queries = _shape(state, _QUERIES, source)[0]
    for name, training in TRAININGS.items():
        if training.queries == queries:
            return name
    known = ", ".join(f"{each.queries} ({name})" for name, each in TRAININGS.items())
    raise ValueError(f"{source} is a DeRIS with {queries} queries, published ones have {known}")


def training_by_name(names: Iterable[str]) -> TrainedOn | None:
    """Return the data that a checkpoint's names tell, the first that tells any."""
    found = next(filter(None, (_DATA.search(name) for name in names)), None)
    if found is None:
        return None
    return "grefcoco" if found[1] else "refcoco"


def check_training(config: DerisConfig, wanted: TrainedOn, source: str) -> None:
    """Raise ValueError where a model has not the queries that go with this training data."""
    queries, needed = config.queries.queries, TRAININGS[wanted].queries
    if queries != needed:
        others = [name for name, each in TRAININGS.items() if each.queries == queries]
        like = f", as those trained on {others[0]}" if others else ""
        raise ValueError(
            f"{source} is to be a DeRIS trained on {wanted}, which has {needed} queries, but its "
            f"weights have {queries}{like}: take another checkpoint"
        )


def as_trained_on(config: DerisConfig, data: TrainedOn) -> DerisConfig:
    """Return a published size as its checkpoint of this training data is."""
    if data == "grefcoco":
        return config
    queries = replace(config.queries, queries=TRAININGS[data].queries)
    return replace(config, queries=queries, score_threshold=REFCOCO_THRESHOLD)


def _shape(state: Mapping[str, Tensor], name: str, source: str) -> tuple[int, ...]:
    if name not in state or state[name].ndim != 2:
        raise ValueError(f"{source} looks like a DeRIS, but {name} is not there as a matrix")
    return tuple(state[name].shape)
