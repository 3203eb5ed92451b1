"""Run the predictor on every sentence of a data set, in one or several processes, resumable."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data.records import Dataset, Expression, Record
from evf_sam_ros.evaluation.judged import (
    HEAD,
    Judged,
    JudgedImage,
    encode,
    judge_at_own_size,
    judge_mask,
    read_lines,
    to_line,
)
from evf_sam_ros.evaluation.processes import Share
from evf_sam_ros.evaluation.robot_metrics import Lifting, lifting_of, spot
from evf_sam_ros.language.sentence import parse_command
from evf_sam_ros.models.variants import own_measuring_size
from evf_sam_ros.perception.predictor import Segmentation
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.whole_files import named, whole_file

RESULTS = "judged.jsonl"
PARTS = "judged.part*.jsonl"
READ_AHEAD = 2  # pictures decoded while the model works


class Predict(Protocol):
    """The predictor under evaluation."""

    def __call__(self, image_rgb: NDArray[np.uint8], prompts: Sequence[str]) -> Segmentation: ...


def run(
    predict: Predict,
    dataset: Dataset,
    folder: Path,
    head: Mapping[str, Any],
    *,
    share: Share | None = None,
    resume: bool = False,
    progress: bool = True,
) -> list[JudgedImage]:
    """Answer every sentence and keep the answers in `folder`.

    Args:
        head: what the results are of; going on with results of something else is refused.
        share: this process's part of the work; all must call this with the same arguments.

    Returns:
        All pictures in the data set's order, in the first process; in the others, nothing.
    """
    share = share or Share()
    done = _prepare(folder, head, share, resume)
    missing = [number for number in range(len(dataset.records)) if number not in done]
    mine = share.of(missing)
    if mine:
        _work(predict, dataset, mine, _part(folder, share), head, progress and share.rank == 0)
    share.wait()
    images = _merge(folder, head, len(dataset.records)) if share.rank == 0 else []
    share.wait()
    return images


def judge(predict: Predict, record: Record, number: int) -> JudgedImage:
    """Answer all sentences about one picture, which is encoded once."""
    return _judge(predict, record, number, record.read_rgb())


def _work(
    predict: Predict,
    dataset: Dataset,
    mine: list[int],
    path: Path,
    head: Mapping[str, Any],
    progress: bool,
) -> None:
    new = not path.exists()
    with named(path), path.open("a", encoding="utf-8") as file:
        if new:
            file.write(json.dumps({HEAD: head}) + "\n")
        bar = progress_bar(
            _pictures(dataset, mine), dataset.label, len(mine), disable=not progress
        )
        for number, image_rgb in bar:
            file.write(to_line(_judge(predict, dataset.records[number], number, image_rgb)))
            file.flush()


def _pictures(dataset: Dataset, numbers: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    with ThreadPoolExecutor(1) as reader:
        ahead = [reader.submit(dataset.records[n].read_rgb) for n in numbers[:READ_AHEAD]]
        for position, number in enumerate(numbers):
            image_rgb = ahead.pop(0).result()
            if position + READ_AHEAD < len(numbers):
                following = dataset.records[numbers[position + READ_AHEAD]]
                ahead.append(reader.submit(following.read_rgb))
            yield number, image_rgb


def _judge(
    predict: Predict, record: Record, number: int, image_rgb: NDArray[np.uint8]
) -> JudgedImage:
    texts, refused = _asked(record)
    answers: dict[int, tuple[Segmentation, int]] = {}
    try:
        together = predict(image_rgb, list(texts.values())) if texts else None
        if together is not None:
            answers = {position: (together, own) for own, position in enumerate(texts)}
    except ValueError:  # one sentence that a model cannot take must not stop the others
        for position, text in texts.items():
            try:
                answers[position] = (predict(image_rgb, [text]), 0)
            except ValueError as error:
                refused[position] = str(error)
    lifting = lifting_of(record)
    config = getattr(predict, "config", None)
    own_size = None if config is None else own_measuring_size(config)
    times = {id(answer): answer.times for answer, _ in answers.values()}.values()
    stages = ("preprocess", "encode_image", "fuse_and_decode", "postprocess")
    return JudgedImage(
        number=number,
        image=str(record.image),
        height=record.height,
        width=record.width,
        seconds={stage: sum(getattr(time, stage) for time in times) for stage in stages},
        sentences=tuple(
            replace(
                _sentence(record, expression, answers.get(position), lifting, own_size=own_size),
                rejected=refused.get(position, ""),
                asked=texts.get(position, "") if expression.command else "",
            )
            for position, expression in enumerate(record.expressions)
        ),
    )


def _asked(record: Record) -> tuple[dict[int, str], dict[int, str]]:
    """Return what the model is asked for each sentence, and why it is not asked for the others.

    A command is read as the node reads it; of one that names several things, the first is asked.
    """
    texts: dict[int, str] = {}
    refused: dict[int, str] = {}
    for position, expression in enumerate(record.expressions):
        if not expression.command:
            texts[position] = expression.text
            continue
        command = parse_command(expression.text)
        if command.kind == "find" and command.expressions:
            texts[position] = command.expressions[0]
        else:
            refused[position] = f"read as {command.kind!r}, which asks for no object"
    return texts, refused


def _sentence(
    record: Record,
    expression: Expression,
    answered: tuple[Segmentation, int] | None,
    lifting: Lifting | None,
    *,
    own_size: tuple[int, int] | None,
) -> Judged:
    size = (record.height, record.width)
    target = expression.mask(*size)
    ignored = None if expression.ignored is None else expression.ignored.mask(*size)
    predicted, found, score, predicted_iou = np.zeros(size, bool), False, 0.0, 0.0
    logits = np.full(own_size or (1, 1), -1, np.float32)
    if answered is not None:
        answer, position = answered
        proposed = answer.masks if answer.proposed is None else answer.proposed
        predicted, found = proposed[position], bool(answer.found[position])
        score = float(answer.scores[position])
        predicted_iou = float(answer.predicted_iou[position])
        logits = answer.logits[position]
    native, square = judge_mask(predicted, target, ignored)
    where = spot(predicted, target, ignored, lifting=lifting, center_m=expression.center_m)
    return Judged(
        key=expression.key,
        text=expression.text,
        kind=expression.kind,
        has_target=expression.region is not None,
        found=found,
        score=score,
        predicted_iou=predicted_iou,
        native=native,
        square=square,
        own=judge_at_own_size(logits, target, ignored) if own_size else None,
        runs=encode(predicted),
        truth=encode(target),
        **asdict(where),
    )


def _prepare(folder: Path, head: Mapping[str, Any], share: Share, resume: bool) -> set[int]:
    """Return what was done before; the same in all processes: none writes before all have read."""
    folder.mkdir(parents=True, exist_ok=True)
    if not resume:
        share.wait()
        if share.rank == 0:
            for path in (folder / RESULTS, *folder.glob(PARTS)):
                path.unlink(missing_ok=True)
        share.wait()
        return set()
    done = {image.number for image in _read(folder, head)}
    share.wait()
    _trim(_part(folder, share))
    return done


def _read(folder: Path, head: Mapping[str, Any]) -> list[JudgedImage]:
    found: dict[int, JudgedImage] = {}
    for path in sorted([*folder.glob(PARTS), *folder.glob(RESULTS)]):
        if not path.read_text(encoding="utf-8").count("\n"):
            continue  # stopped before its first line was whole
        theirs, images = read_lines(path)
        _check_same(theirs, json.loads(json.dumps(head)), path)
        found.update({image.number: image for image in images})
    return [found[number] for number in sorted(found)]


def _check_same(theirs: Mapping[str, Any], ours: Mapping[str, Any], path: Path) -> None:
    for name in sorted({*theirs, *ours}):
        if theirs.get(name) != ours.get(name):
            raise ValueError(
                f"cannot go on with {str(path)!r}: it was made with {name} "
                f"{theirs.get(name)!r}, now it is {ours.get(name)!r}; start anew without --resume"
            )


def _trim(path: Path) -> None:
    """Cut off a last line that was not written to its end."""
    if path.exists():
        content = path.read_bytes()
        path.write_bytes(content[: content.rfind(b"\n") + 1])
        if not path.stat().st_size:
            path.unlink()


def _part(folder: Path, share: Share) -> Path:
    return folder / f"judged.part{share.rank}.jsonl"


def _merge(folder: Path, head: Mapping[str, Any], count: int) -> list[JudgedImage]:
    images = _read(folder, head)
    lost = sorted(set(range(count)) - {image.number for image in images})
    if lost:
        raise RuntimeError(f"{len(lost)} pictures were not answered, the first is {lost[0]}")
    with whole_file(folder / RESULTS) as whole, whole.open("w", encoding="utf-8") as file:
        file.write(json.dumps({HEAD: head}) + "\n")
        file.writelines(map(to_line, images))
    for path in folder.glob(PARTS):
        path.unlink()
    return images
