"""Model folders: reads released EVF-SAM weights and our own, and writes our own.

A folder holds config.json and weights, in one file or in shards. Our own config.json tells
every size under `CONFIG_KEY`; a released one names sizes that `variants` knows.
"""

import json
import re
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from evf_sam_ros.models.behaviour import Behaviour, applied, behaviour_of, names_of
from evf_sam_ros.models.config_document import config_from_document, document_from_config
from evf_sam_ros.models.deris import names as deris_names
from evf_sam_ros.models.deris.released import released_size, released_training
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.instancevg import instancevg_names, instancevg_released
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build, deris_trained_on
from evf_sam_ros.models.weights import (
    LONELY_SUFFIX,
    WEIGHTS,
    bare_name,
    listed,
    lonely_checkpoint,
    read_json,
    read_weights,
    refuse_not_finite,
    weight_files,
)
from evf_sam_ros.whole_files import whole_file

CONFIG = "config.json"
CONFIG_KEY = "evf_sam_ros"
_REASON = 200  # characters of a library's message that an error repeats

# Applied in order to every name; a name that no rule touches is one of ours already.
RENAMES = (
    (r"^mm_extractor\.beit3\.(encoder\.)?", "encoder."),
    (r"^text_hidden_fcs\.0\.", "projector."),
    (r"^visual_model\.", "segmenter."),
    # Only SAM-2 has names like these.
    (r"^(segmenter\.sam_mask_decoder\.transformer\..*\.mlp\.)layers\.0\.", r"\1lin1."),
    (r"^(segmenter\.sam_mask_decoder\.transformer\..*\.mlp\.)layers\.1\.", r"\1lin2."),
    (r"^segmenter\.sam_(mask_decoder|prompt_encoder)\.", r"segmenter.\1."),
    (r"^(segmenter\.image_encoder\.neck\.)convs\.(\d+)\.conv\.", r"\1lateral.\2."),
    (r"^segmenter\.maskmem_tpos_enc$", "segmenter.memory.frame_positions"),
    (r"^segmenter\.no_mem_pos_enc$", "segmenter.memory.no_memory_position"),
    (r"^segmenter\.no_obj_ptr$", "segmenter.memory.no_object_pointer"),
    (r"^segmenter\.obj_ptr_proj\.", "segmenter.memory.pointer."),
    (r"^segmenter\.mask_downsample\.", "segmenter.memory.mask_downsample."),
    (r"^segmenter\.memory_attention\.", "segmenter.memory.attention."),
    (r"^segmenter\.memory_encoder\.fuser\.layers\.", "segmenter.memory.encoder.fuser."),
    (r"^segmenter\.memory_encoder\.", "segmenter.memory.encoder."),
    *deris_names.RENAMES,
    *instancevg_names.RENAMES,
)

# What only one family has; SAM has neither.
_PREFIXES = {
    "sam2": "visual_model.image_encoder.trunk.",
    "efficient_sam": "visual_model.prompt_encoder.invalid_points.",
}


class _Uninitialised(TorchFunctionMode):
    """Skip the initial values of parameters: untouched memory costs neither time nor space.

    The meta device would do as well, but its first use imports torch's compiler: 1.4 s.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@dataclass(frozen=True)
class Rounding:
    """The weights to store in half precision, and the format."""

    dtype: torch.dtype
    names_of: Callable[[EvfSam], Collection[str]]


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run: float32, eval mode."""

    model: EvfSam
    config: EvfSamConfig
    folder: Path
    document: Mapping[str, Any]  # config.json as it is
    behaviour: Behaviour


def load(
    folder: str | Path,
    behaviour: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    rounding: Rounding | None = None,
) -> LoadedModel:
    """Load a model folder, released or our own; its files may be replaced, not written into.

    Args:
        behaviour: how to treat it, where that is not to be its own default; see `behaviour`.
        device: where its weights are to be. On the CPU, those that a file stores as float32 stay
            there: see `weights`.
        rounding: which weights another device than the CPU takes in which half-precision format,
            tensor by tensor: it never holds them in float32.

    Raises:
        ValueError: the folder does not hold exactly one whole model that we know; one
            sentence names what is wrong.
    """
    folder = Path(folder)
    document = _document(folder)
    half = _half_names(document, folder, rounding)

    def format_of(stored: str) -> torch.dtype:
        is_half = rounding is not None and renamed(bare_name(stored)) in half
        return rounding.dtype if rounding is not None and is_half else torch.float32

    state = read_weights(folder, device, format_of)
    refuse_not_finite(state, str(folder))
    config = _config(document, state, folder)
    names = [] if CONFIG_KEY in document else [*names_of(document, folder), *_stems(folder)]
    treatment = behaviour_of(config, document, names, behaviour)
    config = applied(treatment, config, str(folder))
    model = build_with(config, from_released(state, str(folder)), str(folder), half)
    return LoadedModel(model, config, folder, document, treatment)


def save(
    model: EvfSam,
    config: EvfSamConfig,
    folder: str | Path,
    *,
    extra: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a folder that `load` reads, each file at once or not at all.

    Args:
        extra: more entries of config.json, such as a calibration.
        dtype: what to store floating-point weights as; None: as they are.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: _stored(tensor, dtype) for name, tensor in model.state_dict().items()}
    document = {**(extra or {}), CONFIG_KEY: document_from_config(config)}
    with whole_file(folder / CONFIG) as written, whole_file(folder / WEIGHTS) as weights:
        save_file(state, weights)
        written.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        shutil.copymode(written, weights)  # safetensors lets nobody else read what it writes


def _document(folder: Path) -> dict[str, Any]:
    """Return config.json; empty where a checkpoint was released without one."""
    lonely = not (folder / CONFIG).exists() and lonely_checkpoint(folder)
    return {} if lonely else read_json(folder / CONFIG)


def _stems(folder: Path) -> list[str]:
    """Return the names of the weights' files, where they are released under their own."""
    return [path.stem for path in weight_files(folder) if path.suffix == LONELY_SUFFIX]


def _half_names(
    document: Mapping[str, Any], folder: Path, rounding: Rounding | None
) -> frozenset[str]:
    """Return our names of the weights to be rounded; no weight is read for it."""
    if rounding is None:
        return frozenset()
    config = _config(document, read_weights(folder, "meta"), folder)
    return frozenset(rounding.names_of(_built(config, str(folder))))


def build_with(
    config: EvfSamConfig,
    state: Mapping[str, Tensor],
    source: str,
    half: Collection[str] = (),
) -> EvfSam:
    """Build a model out of these tensors, under our names, without copying float32 ones.

    Args:
        half: names of tensors that keep their format; all others become float32.

    Raises:
        ValueError: tensors are missing, unexpected or of another shape.
    """
    model = _built(config, source)
    check_state(model.state_dict(), state, source)
    own = {
        name: t.float() if t.is_floating_point() and name not in half else t
        for name, t in state.items()
    }
    model.load_state_dict(own, strict=True, assign=True)
    return model.eval()


def _built(config: EvfSamConfig, source: str) -> EvfSam:
    try:
        with _Uninitialised():
            return build(config)
    except (ArithmeticError, IndexError, MemoryError, RuntimeError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"the model of {source} cannot be built: {reason[:_REASON]}") from error


def from_released(state: Mapping[str, Tensor], source: str = "a file") -> dict[str, Tensor]:
    """Rename released tensors to ours; values are untouched, known unused ones left out.

    Raises:
        ValueError: a table that we compute, or a copy of a head, is another one in the file.
    """
    if deris_names.is_deris(state):
        state = deris_names.used(state, source)
    if instancevg_names.is_instancevg(state):
        state = instancevg_names.used(state, source)
    return {renamed(name): tensor for name, tensor in state.items()}


def renamed(name: str) -> str:
    """Return our name of a released tensor."""
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def check_state(expected: Mapping[str, Tensor], state: Mapping[str, Tensor], source: str) -> None:
    """Raise one ValueError that names every kind of difference between two sets of tensors."""
    problems = []
    if missing := expected.keys() - state.keys():
        problems.append(f"missing {listed(missing)}")
    if unexpected := state.keys() - expected.keys():
        problems.append(f"unexpected {listed(unexpected)}")
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(expected[name].shape)}"
        for name in expected.keys() & state.keys()
        if state[name].shape != expected[name].shape
    ]
    if shapes:
        problems.append(f"wrong shape: {listed(shapes)}")
    integers = [
        f"{name} is {str(state[name].dtype).removeprefix('torch.')}"
        for name in expected.keys() & state.keys()
        if expected[name].is_floating_point() != state[name].is_floating_point()
    ]
    if integers:
        problems.append(f"wrong number format: {listed(integers)}")
    if problems:
        raise ValueError(f"the weights of {source} do not fit its model: {'; '.join(problems)}")


def _config(
    document: Mapping[str, Any], state: Mapping[str, Tensor], folder: Path
) -> EvfSamConfig:
    if CONFIG_KEY in document:
        return config_from_document(document[CONFIG_KEY], str(folder / CONFIG))
    if deris_names.is_deris(state):
        size = VARIANTS[released_size(state, str(folder))]
        return deris_trained_on(size, released_training(state, str(folder)))
    if instancevg_names.is_instancevg(state):
        return VARIANTS[instancevg_released.released_size(state, str(folder))]
    if document.get("model_type") != "evf":
        raise ValueError(
            f"{folder / CONFIG} describes no EVF-SAM: "
            f"need model_type 'evf' or a {CONFIG_KEY!r} entry"
        )
    return VARIANTS[_released_variant(document, state, folder)]


# (family, sam_scale, mm_extractor_scale) of a released checkpoint to its row in the table.
_RELEASED = {
    ("sam", "huge", "large"): "evf_sam",
    ("efficient_sam", "small", "large"): "evf_effisam_l",
    ("efficient_sam", "tiny", "base"): "evf_effisam_b",
    ("sam2", "large", "large"): "evf_sam2",
    ("sam2", "tiny", "large"): "evf_sam2_tiny",
}


def _released_variant(
    document: Mapping[str, Any], state: Mapping[str, Tensor], folder: Path
) -> str:
    # The family is not in config.json, and its "tiny" may be EfficientSAM's or SAM-2's.
    family = next((name for name, prefix in _PREFIXES.items() if _has(state, prefix)), "sam")
    key = (family, document.get("sam_scale"), document.get("mm_extractor_scale"))
    if key not in _RELEASED:
        known = ", ".join(str(scales) for scales in _RELEASED)
        raise ValueError(
            f"{folder} is {key} (family, sam_scale, mm_extractor_scale), need {known}"
        )
    return _RELEASED[key]


def _has(state: Mapping[str, Tensor], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in state)


def _stored(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    tensor = tensor.detach().cpu()
    if dtype is not None and tensor.is_floating_point():
        tensor = tensor.to(dtype)
    return tensor.contiguous()
