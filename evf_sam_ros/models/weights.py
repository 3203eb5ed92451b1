"""Tensors by name, mapped from the weight files of a model folder.

What a file stores as the model takes it is the file itself: it is read when it is first used, and
the system may drop it again, as it may any file that it has read. The map is private: whoever
changes such a tensor gets a copy of the page, and the file stays as it is.

While a model runs, put another in its place by renaming, as `mv` and all of this package do.
`cp` writes into the file that is mapped: the weights change at once, or the program is killed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch
from safetensors import safe_open
from torch import Tensor

WEIGHTS = "model.safetensors"

_POINTER = b"version https://git-lfs.github.com"  # what git leaves of a large file without LFS
# What of a file is in memory beside the copies of it: so many bytes, or one part of so many.
_AT_ONCE, _PARTS = 16 * 2**20, 8
_NAMED = 8  # how many names an error lists


def read_weights(folder: Path, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Return every tensor of a folder, under the names it stores them by, floats as float32.

    On the CPU, float32 tensors are mapped, others converted one by one: half-precision files
    never lie in memory beside their float32 copy. Another device gets each straight from the
    file, and converts it itself.
    """
    state: dict[str, Tensor] = {}
    for path in weight_files(folder):
        part = _read_tensors(path, torch.device(device))
        if repeated := part.keys() & state.keys():
            raise ValueError(f"{path} repeats tensors of another file: {listed(repeated)}")
        state |= part
    return state


def weight_files(folder: Path) -> list[Path]:
    """Find the weights; where there are several formats, the safest one."""
    for name in (WEIGHTS, "pytorch_model.bin"):
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _indexed_files(index)
        if (folder / name).is_file():
            return [folder / name]
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        if found := sorted(folder.glob(pattern)):
            return found
    raise ValueError(f"{folder} holds no weights: need *.safetensors or pytorch_model*.bin")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raise ValueError, naming the file, where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object")
    return content


def refuse_pointer(path: Path) -> None:
    """Raise ValueError where git left a note in place of a large file."""
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
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
        if not (index.parent / name).is_file():
            raise ValueError(f"{index} names {name!r}, but there is no such file")
    return [index.parent / name for name in names]


def _read_tensors(path: Path, device: torch.device) -> dict[str, Tensor]:
    refuse_pointer(path)
    try:
        if path.suffix == ".safetensors":
            return _taken_from(partial(_mapped_safetensors, path), device)
        if is_zipfile(path):
            return _taken_from(partial(_unpickled, path, mmap=True), device)
        # As torch wrote before version 1.6; cannot be mapped.
        return {name: _placed(tensor, device) for name, tensor in _unpickled(path).items()}
    except _NotTensorsError as error:
        raise ValueError(f"{path} holds something else than tensors by name") from error
    except UnpicklingError as error:
        # Not torch's own message, which tells how to run what the file contains.
        raise ValueError(
            f"{path} is refused: it holds something else than tensors, which could run code"
        ) from error
    except Exception as error:  # a broken file can raise anything
        raise ValueError(
            f"{path} cannot be read: it is cut short or damaged ({error!r})"
        ) from error


class _NotTensorsError(Exception):
    pass


def _taken_from(
    mapped: Callable[..., dict[str, Tensor]], device: torch.device
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
        state |= {name: _copied(tensor, device) for name, tensor in mapped(names).items()}
    return state


def _mapped_safetensors(path: Path, names: Sequence[str] | None = None) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}


def _unpickled(
    path: Path, names: Sequence[str] | None = None, *, mmap: bool = False
) -> dict[str, Tensor]:
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    if not isinstance(content, dict) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise _NotTensorsError
    return content if names is None else {name: content[name] for name in names}


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


def _placed(tensor: Tensor, device: torch.device) -> Tensor:
    moved = tensor.to(device)  # first: in one call, a CPU would convert for a GPU
    return moved.float() if moved.is_floating_point() else moved


def _copied(mapped: Tensor, device: torch.device) -> Tensor:
    placed = _placed(mapped, device)
    return placed.clone() if placed is mapped else placed
