"""Initial weights from published models: BEIT-3, SAM, EfficientSAM and SAM-2."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from evf_sam_ros.models.checkpoint import check_state, from_released
from evf_sam_ros.models.evf_sam import EvfSam

# What each half is called inside a released EVF-SAM, under whose names our loader knows it.
ENCODER, SEGMENTER = "mm_extractor.", "visual_model."
_BEIT3 = "beit3."


def load_encoder(model: EvfSam, path: Path) -> None:
    """Load BEIT-3 as Microsoft publishes it; its heads for other tasks are left out.

    Raises:
        ValueError: the file holds no BEIT-3, or one of other sizes.
    """
    state = {name: t for name, t in _tensors(path).items() if name.startswith(_BEIT3)}
    if not state:
        raise ValueError(f"{str(path)!r} holds no BEIT-3: no tensor is called {_BEIT3}...")
    _load(model.encoder, _renamed(state, ENCODER, "encoder."), path)


def load_segmenter(model: EvfSam, path: Path) -> None:
    """Load SAM, EfficientSAM or SAM-2 as their authors publish them.

    Raises:
        ValueError: the file holds another segmenter.
    """
    _load(model.segmenter, _renamed(_tensors(path), SEGMENTER, "segmenter."), path)


def _renamed(state: Mapping[str, Tensor], prefix: str, ours: str) -> dict[str, Tensor]:
    released = from_released({prefix + name: tensor for name, tensor in state.items()})
    return {name.removeprefix(ours): tensor.float() for name, tensor in released.items()}


def _load(half: torch.nn.Module, state: dict[str, Tensor], path: Path) -> None:
    check_state(half.state_dict(), state, str(path))
    half.load_state_dict(state)


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"no such file of weights: {str(path)!r}")
    if path.suffix == ".safetensors":
        return load_file(path)
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises several kinds
        raise ValueError(f"{str(path)!r} holds no weights: {error}") from error
    inner = content.get("model", content) if isinstance(content, Mapping) else None
    if not isinstance(inner, Mapping) or not all(isinstance(t, Tensor) for t in inner.values()):
        raise ValueError(f"{str(path)!r} holds no tensors by name")
    return dict(inner)
