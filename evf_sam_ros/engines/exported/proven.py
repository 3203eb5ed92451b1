"""Exported files of a model, made once and cached, and an engine of them that was proved.

The name of a folder in the cache is a digest of all that the graphs depend on: the weights, the
sizes, our code and the exporters' versions. Whatever changes, the graphs are made anew. The digest
of the weights of a large model takes many seconds: it is noted for the files they were read from.

Files that lie in the model's own folder, under `exported` or `exported-fp16`, come before those of
the cache: so a device without the exporters runs what was exported elsewhere.
"""

import copy
import hashlib
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from evf_sam_ros import models
from evf_sam_ros.engines.cache import cache_of, key_of, mark_of, note, noted
from evf_sam_ros.engines.exported.folder import (
    DESCRIPTION,
    Description,
    check_files,
    read_description,
    weights_digest,
)
from evf_sam_ros.engines.exported.graph_engine import ExportedEngine
from evf_sam_ros.engines.exported.runtimes import RUNTIMES, check_runtime, engine_from
from evf_sam_ros.engines.exported.writing import WRITERS, export
from evf_sam_ros.engines.measured import processor
from evf_sam_ros.engines.proof import Disagreement, disagreement
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

OWN_FOLDERS = {"fp32": "exported", "fp16": "exported-fp16"}  # of a model's folder
_SOURCES = (Path(models.__file__).parent, *Path(__file__).parents[:2])
_UNFINISHED = "unfinished-"  # and the number of the process that makes it

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportRequest:
    """A model, and the runtime that is to run it.

    The model is float32, on its device; `source` is the folder that its weights were read from.
    """

    runtime: str
    model: EvfSam
    config: EvfSamConfig
    device: torch.device
    precision: str
    source: Path | None = None

    @property
    def file_precision(self) -> str:
        """Return the number format of the files: CPUs run float32 files in any precision."""
        return self.precision if RUNTIMES[self.runtime].device == "cuda" else "fp32"


def proven_engine(asked: ExportRequest, *, make: bool) -> ExportedEngine | None:
    """Return an engine that gave the model's answers; None: it gave others, or is not ready.

    Args:
        make: whether to export the model and to prove the engine where neither was done.

    Raises:
        ValueError: the runtime is not installed or not for this device or precision, or the
            model's own exported folder is of other weights.
    """
    check_runtime(asked.runtime, asked.device, asked.precision)
    if not make and asked.source is not None and _noted_weights(asked.source) is None:
        return None  # never made of these files: not worth reading all weights
    folder = _own_folder(asked) or _cached_folder(asked)
    if not (folder / DESCRIPTION).is_file():
        if not make:
            return None
        _make(asked, folder)
    key = _proof_key(asked, read_description(folder))
    known = noted("proof", key)
    if known is None and not make:
        return None
    engine = None
    if known is None:
        engine = engine_from(asked.runtime, folder, asked.device, asked.precision)
        found = disagreement(asked.model, asked.config, engine, asked.precision)
        note("proof", key, asdict(found))
    else:
        found = Disagreement(**known)
    if not found.agrees(asked.precision):
        _log.warning(
            "falling back from %s to torch: its answers differ from the model's by %.0e in %s",
            asked.runtime, found.error, asked.precision,
        )  # fmt: skip
        return None
    return engine or engine_from(asked.runtime, folder, asked.device, asked.precision)


def _proof_key(asked: ExportRequest, found: Description) -> str:
    """Return what a proof holds for: these files, by this version, in this format, here."""
    on_gpu = asked.device.type == "cuda"
    machine = torch.cuda.get_device_name(asked.device) if on_gpu else processor()
    files = sorted((name, mark.sha256) for name, mark in found.files.items())
    runtime = (asked.runtime, RUNTIMES[asked.runtime].version(), asked.precision)
    return key_of(found.weights, files, runtime, machine)


def _own_folder(asked: ExportRequest) -> Path | None:
    """Return the exported folder inside the model's, None if there is none in the format."""
    if asked.source is None:
        return None
    folder = asked.source / OWN_FOLDERS.get(asked.file_precision, "")
    if not (folder / DESCRIPTION).is_file():
        return None
    found = read_description(folder)
    if found.weights != _weights(asked):
        raise ValueError(
            f"{str(folder)!r} was exported from other weights than {str(asked.source)!r} holds: "
            "export the model again, or remove that folder"
        )
    _check_once(folder, found)
    return folder


def _check_once(folder: Path, found: Description) -> None:
    """Read files for their digests unless they were read since they last changed."""
    states = [(name, (folder / name).stat()) for name in found.files if (folder / name).exists()]
    seen = [(name, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for name, each in states]
    key = key_of(str(folder), seen, sorted(asdict(found)["files"].items()))
    if noted("files", key) is None:
        check_files(folder, found)
        note("files", key, True)


def _cached_folder(asked: ExportRequest) -> Path:
    digest = hashlib.sha256(_program(asked).encode())
    digest.update(_weights(asked).encode())
    return cache_of("exported") / digest.hexdigest()[:32]


def _weights(asked: ExportRequest) -> str:
    """Return the digest of the weights, which is noted for the files they were read from."""
    known = None if asked.source is None else _noted_weights(asked.source)
    if known is not None:
        return known
    digest = weights_digest(asked.model)
    if asked.source is not None:
        note("weights", _weights_key(asked.source), digest)
    return digest


def _noted_weights(source: Path) -> str | None:
    known: Any = noted("weights", _weights_key(source))
    return known if isinstance(known, str) else None


def _weights_key(source: Path) -> str:
    return key_of(mark_of(source))


def _program(asked: ExportRequest) -> str:
    """Return a digest of all but the weights."""
    versions = [_version(name) for name in WRITERS]
    digest = hashlib.sha256(f"{asked.file_precision} {asked.config!r} {versions}".encode())
    for path in sorted(path for folder in _SOURCES for path in folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _make(asked: ExportRequest, folder: Path) -> None:
    """Export to the cache; the folder appears at once or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder.parent)
    prefix = f"{_UNFINISHED}{os.getpid()}-"
    unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    model = asked.model
    if asked.device.type != "cpu":
        model = copy.deepcopy(model).cpu()
    try:
        export(model, asked.config, unfinished, asked.file_precision, with_answers=False)
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_unfinished(cache: Path) -> None:
    """Remove files of killed programs; exports in progress are kept."""
    for folder in cache.glob(f"{_UNFINISHED}*"):
        process = folder.name.removeprefix(_UNFINISHED).partition("-")[0]
        if not process.isdecimal() or not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
