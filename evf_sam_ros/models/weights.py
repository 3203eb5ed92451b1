"""Tensors by name, read from the weight files of a model folder, one copy in memory."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch
from safetensors import safe_open
from torch import Tensor

WEIGHTS = "model.safetensors"

_POINTER = b"version https://git-lfs.github.com"  # what git leaves of a large file without LFS
_AT_ONCE = 16 * 2**20  # bytes of a file that are in memory beside the copies of them
_NAMED = 8  # how many names an error lists


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read every tensor of a folder, under the names it stores them by, floats as float32.

    Tensors are copied out of the files, one by one: a file may be replaced while its model
    runs, and half-precision files never lie in memory beside their float32 copy.
    """
    state: dict[str, Tensor] = {}
    for path in weight_files(folder):
        part = _read_tensors(path)
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


def _read_tensors(path: Path) -> dict[str, Tensor]:
    refuse_pointer(path)
    try:
        return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
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


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    # "pread" copies; the default maps the file, which counts twice once it is converted.
    with safe_open(path, framework="pt", backend="pread") as file:
        return {name: _float32(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118


def _read_pickle(path: Path) -> dict[str, Tensor]:
    if not is_zipfile(path):  # as torch wrote before version 1.6; cannot be mapped
        return {name: _float32(tensor) for name, tensor in _unpickled(path, mmap=False).items()}
    sizes = {name: tensor.nbytes for name, tensor in _unpickled(path, mmap=True).items()}
    state: dict[str, Tensor] = {}
    for names in _groups(sizes):
        mapped = _unpickled(path, mmap=True)  # anew: the last map leaves with what was read of it
        state |= {name: _copied(mapped[name]) for name in names}
    return state


def _unpickled(path: Path, *, mmap: bool) -> dict[str, Tensor]:
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    if not isinstance(content, dict) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise _NotTensorsError
    return content


def _groups(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Split names so that each group holds about `_AT_ONCE` bytes, or one larger tensor."""
    group: list[str] = []
    for name, size in sizes.items():
        if group and sum(sizes[each] for each in group) + size > _AT_ONCE:
            yield group
            group = []
        group.append(name)
    yield group


def _float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _copied(mapped: Tensor) -> Tensor:
    return _float32(mapped) if mapped.dtype != torch.float32 else mapped.clone()
