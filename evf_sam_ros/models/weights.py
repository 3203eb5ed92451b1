"""Tensors of a model folder by name, memory-mapped from its weight files.

What a file stores as the model takes it is the file itself: it is read when it is first used, and
the system may drop it again, as it may any file that it has read. The map is private: whoever
changes such a tensor gets a copy of the page, and the file stays as it is.

While a model runs, put another in its place by renaming, as `mv` and all of this package do.
`cp` writes into the file that is mapped: the weights change at once, or the program is killed.
"""

import json
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from torch.serialization import safe_globals

WEIGHTS = "model.safetensors"
PICKLED = "pytorch_model.bin"
LONELY_SUFFIX = ".pth"  # of a checkpoint that is released as one file, without config.json

_POINTER = b"version https://git-lfs.github.com"  # what git leaves of a large file without LFS
# What of a file is in memory beside the copies of it: so many bytes, or one part of so many.
_AT_ONCE, _PARTS = 16 * 2**20, 8
_LARGEST_JSON = 64 * 2**20  # bytes; a config has kilobytes, an index of shards megabytes
_NAMED = 8  # how many names an error lists
# Entries under which training tools nest the weights, beside an epoch or an optimizer.
_NESTED = ("state_dict", "model_state_dict", "model", "module", "model_state")
# What wrappers put before every name: DataParallel, torch.compile, PEFT, Lightning.
_WRAPPERS = ("module.", "_orig_mod.", "base_model.model.", "model.")
_UNNAMED = ("*.pt", "*.pth", "*.ckpt", "*.bin")  # files of weights under names of their own
# What training tools keep beside the weights, such as the best score: numbers, which run no code.
# They carry the name of the module that NumPy had them in.
_SCALAR: Callable[..., Any] = np.float64(0).__reduce__()[0]
_NUMPY_NUMBERS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_SCALAR, "numpy._core.multiarray.scalar"),
    (_SCALAR, "numpy.core.multiarray.scalar"),  # before NumPy 2
    np.dtype,
    *(type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.int32, np.bool_)),
]

Format = Callable[[str], torch.dtype]  # of a tensor by the name that a file stores it under


def _float32(_: str) -> torch.dtype:
    return torch.float32


def read_weights(
    folder: Path, device: torch.device | str = "cpu", format_of: Format = _float32
) -> dict[str, Tensor]:
    """Return every tensor of a folder, under the names it stores them by, floats as float32.

    On the CPU, float32 tensors are mapped, others converted one by one: half-precision files
    never lie in memory beside their float32 copy. Another device gets each straight from the
    file, and converts it itself.

    Args:
        format_of: the format of floats on another device than the CPU; whole models that are to
            be rounded are never there in float32.
    """
    state: dict[str, Tensor] = {}
    for path in weight_files(folder):
        part = _read_tensors(path, torch.device(device), format_of)
        if repeated := part.keys() & state.keys():
            raise ValueError(f"{path} repeats tensors of another file: {listed(repeated)}")
        state |= part
    return unwrapped(state)


def unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors without the prefixes that a wrapper of the model gave to all of them."""
    names = list(state)
    while names and (
        found := [each for each in _WRAPPERS if all(name.startswith(each) for name in names)]
    ):
        names = [name.removeprefix(found[0]) for name in names]
    return dict(zip(names, state.values(), strict=True))


def bare_name(name: str) -> str:
    """Return the name of a tensor without the prefixes of wrappers."""
    while found := next((each for each in _WRAPPERS if name.startswith(each)), None):
        name = name.removeprefix(found)
    return name


def refuse_not_finite(state: Mapping[str, Tensor], source: str) -> None:
    """Raise ValueError that names the tensors which hold NaN or infinity."""
    if broken := [name for name, tensor in state.items() if not _is_finite(tensor)]:
        raise ValueError(
            f"the weights of {source} are not finite, need numbers: {listed(broken)}; "
            "the training diverged, take an earlier checkpoint"
        )


def _is_finite(tensor: Tensor) -> bool:
    if tensor.is_meta or not tensor.is_floating_point() or not tensor.numel():
        return True
    return all(bool(end.isfinite()) for end in tensor.aminmax())  # without a copy


def weight_files(folder: Path) -> list[Path]:
    """Find the weights; of several formats the safest is used."""
    for name in (WEIGHTS, PICKLED):
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _indexed_files(index)
        if (folder / name).exists():
            return [folder / name]
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        if found := sorted(folder.glob(pattern)):
            return found
    if (lonely := lonely_checkpoint(folder)) is not None:
        return [lonely]
    raise ValueError(f"{folder} holds no weights: {_cure(folder)}")


def lonely_checkpoint(folder: Path) -> Path | None:
    """Return the only .pth of a folder whose config.json, if any, describes no model.

    So models of other groups are released; a decision or a behaviour may have been added since.

    Raises:
        ValueError: there are several.
    """
    found = sorted(folder.glob(f"*{LONELY_SUFFIX}"))
    if not found or _describes_a_model(folder / "config.json"):
        return None
    if len(found) > 1:
        raise ValueError(
            f"{folder} holds several checkpoints, need one per folder: "
            f"{listed(path.name for path in found)}"
        )
    return found[0]


def _describes_a_model(config: Path) -> bool:
    return config.exists() and bool(read_json(config).keys() & {"model_type", "evf_sam_ros"})


def _cure(folder: Path) -> str:
    needed = "need *.safetensors or pytorch_model*.bin"
    others = sorted(path for pattern in _UNNAMED for path in folder.glob(pattern))
    return f"{needed}; rename {others[0].name} to {PICKLED}" if others else needed


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raise ValueError, naming the file, if it does not hold one."""
    refuse_irregular(path)
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(f"more than {_LARGEST_JSON // 2**20} MiB")
        content = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a mark
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return content


def refuse_irregular(path: Path) -> None:
    """Raise ValueError for a pipe, a device or a folder.

    Opening a pipe waits for a writer, reading a device may never end.
    """
    try:
        kind = path.stat().st_mode
    except OSError as error:  # missing, not to be reached, a loop of links
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in its name
        raise ValueError(f"{str(path)!r} cannot be the name of a file: {error}") from error
    if not stat.S_ISREG(kind):
        raise ValueError(f"{path} is not a regular file, need one")


def refuse_pointer(path: Path) -> None:
    """Raise ValueError where git left a note in place of a large file, or it cannot be read."""
    refuse_irregular(path)
    try:
        with path.open("rb") as file:
            start = file.read(len(_POINTER))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if start == _POINTER:
        raise ValueError(f"{path} is only a Git LFS pointer: run `git lfs pull` beside it")


def listed(names: Iterable[str]) -> str:
    """Join names for an error, at most a few."""
    ordered = sorted(names)
    rest = len(ordered) - _NAMED
    return ", ".join(ordered[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _indexed_files(index: Path) -> list[Path]:
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ValueError(f"{index} lists no shards under 'weight_map'")
    names = sorted({str(name) for name in shards.values()})
    for name in names:
        if Path(name).name != name:
            raise ValueError(f"{index} names {name!r}, which is not a file beside it")
        refuse_irregular(index.parent / name)
    return [index.parent / name for name in names]


def _read_tensors(path: Path, device: torch.device, format_of: Format) -> dict[str, Tensor]:
    refuse_pointer(path)
    try:
        if path.suffix == ".safetensors":
            return _taken_from(partial(_mapped_safetensors, path), device, format_of)
        if is_zipfile(path):
            return _taken_from(partial(_unpickled, path, mmap=True), device, format_of)
        # As torch wrote before version 1.6; cannot be mapped.
        content = _unpickled(path)
        return {name: _placed(each, device, format_of(name)) for name, each in content.items()}
    except _NotTensorsError as error:
        raise ValueError(
            f"{path} holds something else than tensors by name: "
            "write it by torch.save(model.state_dict(), ...)"
        ) from error
    except UnpicklingError as error:
        # Not torch's own message, which tells how to run what the file contains.
        raise ValueError(
            f"{path} is refused: it holds something else than tensors, which could run code; "
            "write it by torch.save(model.state_dict(), ...)"
        ) from error
    except Exception as error:  # a broken file can raise anything
        raise ValueError(
            f"{path} cannot be read: it is cut short or damaged ({error!r})"
        ) from error


class _NotTensorsError(Exception):
    pass


def _taken_from(
    mapped: Callable[..., dict[str, Tensor]], device: torch.device, format_of: Format
) -> dict[str, Tensor]:
    """Keep what can stay in its file, convert the rest.

    Args:
        mapped: maps the file anew, and returns all of its tensors or those of some names.
    """
    everything = mapped()
    state = _ready(everything, device)
    sizes = {name: each.nbytes for name, each in everything.items() if name not in state}
    del everything  # a map, and what was read of it, leaves with the last of its tensors
    for names in _groups(sizes):
        group = mapped(names)
        state |= {name: _copied(each, device, format_of(name)) for name, each in group.items()}
    return state


def _mapped_safetensors(path: Path, names: Sequence[str] | None = None) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}


def _unpickled(
    path: Path, names: Sequence[str] | None = None, *, mmap: bool = False
) -> dict[str, Tensor]:
    with safe_globals(_NUMPY_NUMBERS):
        read = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    content = _tensors(read)
    return content if names is None else {name: content[name] for name in names}


def _tensors(content: Any) -> dict[str, Tensor]:
    """Return the tensors of a file, which a training tool may have nested under a name."""
    if not isinstance(content, dict):
        raise _NotTensorsError
    if content and all(isinstance(value, Tensor) for value in content.values()):
        return {str(name): value for name, value in content.items()}
    nested = [content[name] for name in _NESTED if isinstance(content.get(name), dict)]
    if len(nested) != 1:
        raise _NotTensorsError
    return _tensors(nested[0])


def _ready(mapped: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Return what can stay in their file: as the model takes them, each for itself."""
    if device.type != "cpu":
        return {}
    taken: set[int] = set()  # two names of one place would be trained as one
    ready = {}
    for name, tensor in mapped.items():
        place = tensor.untyped_storage().data_ptr()
        if place not in taken and _is_as_needed(tensor):
            ready[name] = tensor
        taken.add(place)
    return ready


def _is_as_needed(tensor: Tensor) -> bool:
    is_float32 = tensor.dtype == torch.float32 or not tensor.is_floating_point()
    is_aligned = tensor.data_ptr() % tensor.element_size() == 0  # the format does not ask for it
    return is_float32 and is_aligned and tensor.untyped_storage().nbytes() == tensor.nbytes


def _groups(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Split names so that each group holds as many bytes as may be read at once, or one tensor."""
    most = max(_AT_ONCE, sum(sizes.values()) // _PARTS)  # a pickle takes long to map anew
    group: list[str] = []
    for name, size in sizes.items():
        if group and sum(sizes[each] for each in group) + size > most:
            yield group
            group = []
        group.append(name)
    if group:
        yield group


def _placed(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    moved = tensor.to(device)  # first: in one call, a CPU would convert for a GPU
    return moved.to(dtype) if moved.is_floating_point() else moved


def _copied(mapped: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    placed = _placed(mapped, device, dtype)
    return placed.clone() if placed is mapped else placed
