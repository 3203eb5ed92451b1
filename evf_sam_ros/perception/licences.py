"""Licences of published weights, and conditions that a robot's maker must know before."""

from dataclasses import dataclass

from evf_sam_ros.models.deris.deris_config import DerisConfig
from evf_sam_ros.models.variants import EvfSamConfig

# By the lower-cased end of a Hugging Face id; a copy of a repository keeps its name.
_DERIS = "deris"
_NON_COMMERCIAL = (
    "published weights of DeRIS contain weights of Mask2Former under CC BY-NC 4.0 "
    "(a frozen Swin): not for commercial use"
)


@dataclass(frozen=True)
class Licence:
    """The licence of published weights."""

    name: str
    is_commercial: bool | None  # whether it allows commercial use; None: nothing was published

    @property
    def commercial(self) -> str:
        """Say in a word whether commercial use is allowed."""
        return {True: "yes", False: "no", None: "-"}[self.is_commercial]


UNPUBLISHED = Licence("-", None)
_APACHE = Licence("Apache-2.0", True)
# By row of `variants`; of EVF-SAM and InstanceVG as the pages of the weights state them.
LICENCES = {
    "tabletop": _APACHE,
    "evf_sam": _APACHE,
    "evf_sam2": _APACHE,
    "instancevg_b": _APACHE,
    "deris_b": Licence("CC BY-NC 4.0", False),  # of the Swin in it, which its own cannot lift
    "deris_l": Licence("CC BY-NC 4.0", False),
}


def licence_of(name: str) -> Licence:
    """Return the licence of the weights that are published for a row of `variants`."""
    return LICENCES.get(name, UNPUBLISHED)


def condition_of_id(model: str) -> str:
    """Return the condition of a Hugging Face model's weights; empty for none that we know."""
    name = model.partition("@")[0].rsplit("/", 1)[-1].lower()
    return _NON_COMMERCIAL if name.startswith(_DERIS) else ""


def condition_of(config: EvfSamConfig | None) -> str:
    """Return the condition of the weights that are published for such a model; empty for none."""
    segmenter = None if config is None else config.segmenter
    return _NON_COMMERCIAL if isinstance(segmenter, DerisConfig) else ""
