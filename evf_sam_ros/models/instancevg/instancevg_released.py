"""Recognition of a released InstanceVG by its names and shapes.

A released file has no config.json. Its threshold and the length of a sentence are the same for
all published models that may say "not there".
"""

from collections.abc import Mapping

from torch import Tensor

from evf_sam_ros.models.instancevg.instancevg_names import QUERIES

SIZE = "instancevg_b"  # row of `variants`
_CANDIDATES = 10
_WIDTH, _PATCHES = 768, 400  # of BEIT-3; patches of 320 x 320 pixels
_BEFORE = 3  # rows of the position table that no patch reads
_TEXTS = "vis_enc.beit3.text_embed.weight"
_POSITIONS = "vis_enc.beit3.encoder.embed_positions.A.weight"
_TRAINED_FOR_NONE = "gRefCOCO, Ref-ZOM or R-RefCOCO"


def released_size(state: Mapping[str, Tensor], source: str) -> str:
    """Return which row of `variants` released tensors are of.

    Raises:
        ValueError: a tensor is missing, or the model is not one that may say "not there", or
            its size is not a published one.
    """
    candidates = _rows(state, QUERIES, source)
    if candidates == 1:
        raise ValueError(
            f"{source} is an InstanceVG with 1 query, as those trained on RefCOCO: it answers "
            f"every sentence; need one trained on {_TRAINED_FOR_NONE} ({_CANDIDATES} queries)"
        )
    if candidates != _CANDIDATES:
        raise ValueError(
            f"{source} is an InstanceVG with {candidates} queries, published ones that may say "
            f"'not there' have {_CANDIDATES} ({_TRAINED_FOR_NONE})"
        )
    patches = _rows(state, _POSITIONS, source) - _BEFORE
    _rows(state, _TEXTS, source)
    width = state[_TEXTS].shape[1]
    if (width, patches) != (_WIDTH, _PATCHES):
        raise ValueError(
            f"{source} is an InstanceVG with a BEIT-3 of width {width} and {patches} patches, "
            f"published ones have {_WIDTH} and {_PATCHES}; config.json can describe another one "
            "under 'evf_sam_ros'"
        )
    return SIZE


def _rows(state: Mapping[str, Tensor], name: str, source: str) -> int:
    if name not in state or state[name].ndim != 2:
        raise ValueError(f"{source} looks like an InstanceVG, but {name} is not there as a matrix")
    return state[name].shape[0]
