"""Writing of an exported model: three graphs, the recorded answers, and their description."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from evf_sam_ros.engines.exported.folder import (
    ANSWERS,
    DESCRIPTION,
    FORMAT,
    UNFINISHED,
    Description,
    FileMark,
    check_files,
    mark_of_file,
    read_description,
    tolerances_of,
    weights_digest,
    write_description,
)
from evf_sam_ros.engines.exported.onnx_graphs import (
    GRAPHS,
    OPSET,
    GraphSource,
    check_installed,
    shapes,
    sources,
    write_graph,
)
from evf_sam_ros.engines.exported.recorded_answers import grid, record
from evf_sam_ros.models.config_document import FAMILIES
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig, prompts_by_one_token
from evf_sam_ros.whole_files import named

EXPORT_PRECISIONS = ("fp32", "fp16")
WRITERS = ("torch", "onnx", "onnxscript")
_SPARE = 1.1  # of the weights: the graphs themselves
_PICTURE_COPIES = 30  # float32 copies of the pictures that the answers amount to, at most
_PARTIAL = ".writing-"

Report = Callable[[str], None]  # takes the name of what is done next


def steps(config: EvfSamConfig) -> int:
    """Return how many steps an export reports."""
    return len(GRAPHS) + len(grid(config.encoder.max_tokens))


def export(
    model: EvfSam,
    config: EvfSamConfig,
    folder: Path,
    precision: str = "fp32",
    report: Report = lambda _: None,
    *,
    with_answers: bool = True,
) -> Description:
    """Write a float32 model on the CPU to a folder, or finish what an interrupted export began.

    Takes seconds for the default model and minutes for large ones.

    Args:
        precision: fp32, or fp16, which halves the files.
        report: called after each of `steps` with what was done.
        with_answers: whether to record answers, which `check-engine` needs.

    Raises:
        ValueError: there is no such precision, no room on the disk, another model in the folder,
            or a package is missing.
    """
    _check(config, precision)
    started = _described(model, config, precision)
    description = _continued(folder, started)
    if (folder / DESCRIPTION).is_file():
        for _ in range(steps(config)):
            report("present")
        return description
    _check_room(model, config, folder, precision, description)
    with named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    _remove_partial(folder)
    for graph, source in sources(model, config, precision).items():
        if f"{graph}.onnx" not in description.files:
            description = _with_graph(folder, description, graph, source)
            write_description(folder, description, UNFINISHED)
        report(graph)
    if with_answers:
        record(model, config, folder / ANSWERS, lambda: report("answers"))
        description = description.with_file(ANSWERS, mark_of_file(folder / ANSWERS))
    write_description(folder, description)
    with suppress(FileNotFoundError):
        (folder / UNFINISHED).unlink()
    return description


def _check(config: EvfSamConfig, precision: str) -> None:
    if precision not in EXPORT_PRECISIONS:
        raise ValueError(
            f"precision of an export is {precision!r}, need {' or '.join(EXPORT_PRECISIONS)}"
        )
    if not prompts_by_one_token(config):
        raise ValueError("only models that prompt by one token can be exported, as EVF-SAM does")
    check_installed()


def _described(model: EvfSam, config: EvfSamConfig, precision: str) -> Description:
    family = next(name for name, kind in FAMILIES.items() if isinstance(config.segmenter, kind))
    return Description(
        format=FORMAT,
        family=family,
        precision=precision,
        opset=OPSET,
        weights=weights_digest(model),
        max_tokens=config.encoder.max_tokens,
        inputs={},
        outputs={},
        tolerances=tolerances_of(precision),
        versions={name: version(name) for name in WRITERS},
        files={},
    )


def _continued(folder: Path, started: Description) -> Description:
    """Return what is in a folder, if it is of the same model and export; else the beginning."""
    for name in (DESCRIPTION, UNFINISHED):
        if not (folder / name).is_file():
            continue
        found = read_description(folder, name)
        if found.weights != started.weights:
            raise ValueError(
                f"{str(folder)!r} holds an export of other weights: give another folder, or "
                "remove this one"
            )
        if found.key() != started.key():
            raise ValueError(
                f"{str(folder)!r} holds an export in {found.precision} by torch "
                f"{found.versions.get('torch')}, this is {started.precision} by torch "
                f"{started.versions['torch']}: give another folder, or remove this one"
            )
        check_files(folder, found)
        return found
    if folder.is_dir() and any(_foreign(folder)):
        raise ValueError(f"{str(folder)!r} is not empty: give a new or an empty folder")
    return started


def _foreign(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith(_PARTIAL))


def _check_room(
    model: EvfSam, config: EvfSamConfig, folder: Path, precision: str, known: Description
) -> None:
    weights = sum(each.nbytes for each in model.parameters())
    height, width = config.image_input.size
    answers = _PICTURE_COPIES * 3 * height * width * 4
    share = {"fp32": 1.0, "fp16": 0.6}[precision]  # tables of words and places stay float32
    needed = int(_SPARE * share * weights) + answers
    needed -= sum(mark.size for mark in known.files.values())
    present = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(present).free
    if free < needed:
        raise ValueError(
            f"the export takes {needed / 1e6:.0f} MB, but {str(present)!r} has "
            f"{free / 1e6:.0f} MB left: give a folder on another disk"
        )


def _with_graph(
    folder: Path, description: Description, graph: str, source: GraphSource
) -> Description:
    """Write a graph under its own names once it is whole; return the description with it."""
    with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=folder) as partial:
        files = write_graph(source, Path(partial) / f"{graph}.onnx")
        inputs, outputs = shapes(files[0])
        marks: dict[str, FileMark] = {each.name: mark_of_file(each) for each in files}
        for each in files:
            each.replace(folder / each.name)
    for name, mark in marks.items():
        description = description.with_file(name, mark)
    return description.with_shapes(graph, inputs, outputs)


def _remove_partial(folder: Path) -> None:
    """Remove what a killed export left."""
    for path in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(path, ignore_errors=True)
