"""Calibrations in the user's cache, by the digest of the model, whose folder is not written to."""

import hashlib
import json
import os
from pathlib import Path

from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.perception.decision import Calibration

SAMPLE = 2**20  # bytes at either end of a weight file: what two models never share
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")


def path_of(folder: Path) -> Path:
    """Return the path of a model folder's calibration file."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _WEIGHTS and path.is_file():
            size = path.stat().st_size
            digest.update(f"{path.name} {size}".encode())
            with path.open("rb") as file:
                digest.update(file.read(SAMPLE))
                file.seek(max(0, size - SAMPLE))
                digest.update(file.read(SAMPLE))
    return cache_of("calibrations") / f"{digest.hexdigest()[:32]}.json"


def stored(folder: Path) -> Calibration | None:
    """Return the calibration of a model folder, None if the cache has none."""
    path = path_of(folder)
    if not path.is_file():
        return None
    return Calibration.from_config(json.loads(path.read_text(encoding="utf-8")))


def store(folder: Path, calibration: Calibration) -> Path:
    """Keep the calibration of a model folder, whole or not at all; returns the file."""
    path = path_of(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps({"decision": calibration.document()}, indent=2) + "\n")
    os.replace(part, path)
    return path
