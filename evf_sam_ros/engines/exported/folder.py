"""Folder of an exported model: the ONNX files, `graphs.json` about them, and recorded answers.

`graphs.json` is written last of all and whole, so a folder with it is complete. A folder that an
interrupted export left has `unfinished.json` in its place.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evf_sam_ros.engines.exported.onnx_graphs import DATA_SUFFIX, GRAPHS, Shapes
from evf_sam_ros.engines.measure import GATES
from evf_sam_ros.engines.proof import MOST_GATES
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.weights import read_json
from evf_sam_ros.whole_files import write_text

DESCRIPTION = "graphs.json"
UNFINISHED = "unfinished.json"
ANSWERS = "answers.npz"
FORMAT = 1
_BLOCK = 2**22  # bytes read at once for a digest


@dataclass(frozen=True)
class FileMark:
    """Size and digest of a file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Description:
    """Content of `graphs.json`.

    `inputs` and `outputs` map a graph to its tensors: shapes, in which a name stands for a
    dimension of any size. `tolerances` are relative L2 errors up to which answers count as the
    model's: `logits`, `scores` (predicted IoU and presence; relative to 1 where they are smaller)
    and `stages` (features and prompts).
    """

    format: int
    family: str
    precision: str
    opset: int
    weights: str  # SHA-256 of names, shapes and values of the float32 weights
    max_tokens: int
    inputs: Mapping[str, Shapes]
    outputs: Mapping[str, Shapes]
    tolerances: Mapping[str, float]
    versions: Mapping[str, str]  # of the packages that wrote the files
    files: Mapping[str, FileMark]

    def key(self) -> tuple[Any, ...]:
        """Return what an export can be continued by: the model, the format and the exporters."""
        return (self.format, self.precision, self.opset, self.weights, dict(self.versions))

    def with_file(self, name: str, mark: FileMark) -> "Description":
        """Return the same with one more file."""
        return replace(self, files={**self.files, name: mark})

    def with_shapes(self, graph: str, inputs: Shapes, outputs: Shapes) -> "Description":
        """Return the same with the shapes of one more graph."""
        return replace(
            self,
            inputs={**self.inputs, graph: inputs},
            outputs={**self.outputs, graph: outputs},
        )


def tolerances_of(precision: str) -> dict[str, float]:
    """Return the errors up to which answers in a precision count as the model's.

    Logits, of which masks are made, keep to the gate. In half precision features, prompts and
    scores of the model itself differ by more than that, from one machine to another.
    """
    gate = GATES[precision]
    rest = gate if precision == "fp32" else MOST_GATES * gate
    return {"logits": gate, "scores": rest, "stages": rest}


def weights_digest(model: EvfSam) -> str:
    """Return the SHA-256 of a model's weights: names, formats, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(memoryview(tensor.cpu().contiguous().numpy()).cast("B"))
    return digest.hexdigest()


def mark_of_file(path: Path) -> FileMark:
    """Return the size and the digest of a file, which is read whole."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return FileMark(path.stat().st_size, digest.hexdigest())


def read_description(folder: Path, name: str = DESCRIPTION) -> Description:
    """Read and check `graphs.json`; the files themselves are not read.

    Raises:
        ValueError: it is missing, damaged or of another version; one sentence says which.
    """
    path = folder / name
    if not path.is_file():
        unfinished = (folder / UNFINISHED).is_file()
        hint = "its export was interrupted, run it again" if unfinished else "evf-sam export"
        raise ValueError(f"{str(folder)!r} holds no exported model, need {DESCRIPTION}: {hint}")
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise ValueError(
            f"{path} has format {content.get('format')!r}, need {FORMAT}: export the model again"
        )
    try:
        files = {key: FileMark(**mark) for key, mark in content.pop("files").items()}
        return Description(**content, files=files)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): export the model again") from error


def write_description(folder: Path, description: Description, name: str = DESCRIPTION) -> None:
    """Write the description, whole or not at all."""
    write_text(folder / name, json.dumps(asdict(description), indent=1) + "\n")


def check_sizes(folder: Path, description: Description) -> None:
    """Raise ValueError unless every file is there in the size that it was written in."""
    for name, mark in description.files.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            raise ValueError(f"{path} is missing: export the model again")
        if size != mark.size:
            raise ValueError(
                f"{path} has {size} bytes, {DESCRIPTION} says {mark.size}: export the model again"
            )


def check_files(folder: Path, description: Description, names: Iterable[str] = ()) -> None:
    """Raise ValueError unless every file, or every named one, is the one that was written.

    Reads the files: gigabytes for a large model.
    """
    check_sizes(folder, description)
    for name in names or description.files:
        if mark_of_file(folder / name) != description.files[name]:
            raise ValueError(f"{folder / name} was changed since its export: export again")


def graph_files(graph: str) -> tuple[str, str]:
    """Return the names of a graph's own file and of the one with large weights."""
    return f"{graph}.onnx", f"{graph}.onnx{DATA_SUFFIX}"


def graph_path(folder: Path, graph: str) -> Path:
    """Return the file of a graph: encode, prompt or decode."""
    assert graph in GRAPHS
    return folder / graph_files(graph)[0]
