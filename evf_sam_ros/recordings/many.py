"""Several recordings, one after the other or in several processes, with one summary.

A recording that is done leaves a file that says by what: a second run goes on after it. Every
recording is answered by itself, so that who answers it changes no byte.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.pictures.document import Document, Table, Text
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.recordings.job import Job, Outcome, run_job
from evf_sam_ros.recordings.opening import METADATA
from evf_sam_ros.recordings.parts import ENDINGS
from evf_sam_ros.whole_files import sentence, write_text

DONE = "done.json"
TRIES = 2  # for a recording whose process dies
Result = Outcome | str  # a sentence: why there is no outcome
Results = Iterator[tuple[Job, Result]]


@dataclass(frozen=True)
class Model:
    """A model to load in each process: the arguments of `load_predictor`."""

    arguments: Mapping[str, Any]
    seeks_rivals: bool = True

    def load(self) -> Predictor:
        """Return the model, ready to answer."""
        predictor = load_predictor(**self.arguments)
        predictor.seeks_rivals = self.seeks_rivals
        return predictor


def recordings_in(path: Path) -> list[Path]:
    """Return a recording itself, or every recording in a folder and the folders below it.

    Raises:
        ValueError: the path does not exist, or holds no recording.
    """
    if not path.exists():
        raise ValueError(f"no recording {str(path)!r}")
    if path.is_file() or _is_recording(path):
        return [path]
    found = [each for each in sorted(path.rglob("*")) if _starts_recording(each)]
    if not found:
        raise ValueError(
            f"{str(path)!r} holds no recording, need a rosbag2 folder, or a folder with "
            "rosbag2 folders or ROS 1 .bag files below it"
        )
    return found


def _starts_recording(path: Path) -> bool:
    return path.suffix == ".bag" if path.is_file() else _is_recording(path)


def _is_recording(folder: Path) -> bool:
    files = (each.name for each in folder.iterdir() if each.is_file())
    return any(name == METADATA or name.endswith(ENDINGS) for name in files)


def output_names(recordings: Sequence[Path]) -> list[str]:
    """Return a folder name for each recording; those of one name get their parents' in front."""
    names = [path.stem if path.is_file() else path.name for path in recordings]
    return [
        name if names.count(name) == 1 else "-".join([*path.absolute().parent.parts[1:], name])
        for name, path in zip(names, recordings, strict=True)
    ]


def answer_all(
    jobs: Sequence[Job],
    model: Model,
    *,
    workers: int = 1,
    spread: Callable[[Sequence[Job], Model], Results] | None = None,
) -> dict[Path, Result]:
    """Answer on every recording that is not done; return the results by recording.

    Args:
        jobs: the recordings; each has a folder of its own.
        model: loaded once in each process.
        workers: number of processes.
        spread: yields results in place of these processes, such as those of a cluster.
    """
    results: dict[Path, Result] = {}
    waiting = []
    for job in jobs:
        outcome = stored(job, model)
        if outcome is None:
            waiting.append(job)
        else:
            results[job.recording] = outcome
    bar = progress_bar(total=len(jobs), desc="recordings", unit="recording", initial=len(results))
    with bar:
        for job, result in (spread or _by(workers))(waiting, model):
            results[job.recording] = result
            bar.update()
    return {job.recording: results[job.recording] for job in jobs}


def _by(workers: int) -> Callable[[Sequence[Job], Model], Results]:
    return _in_turn if workers == 1 else lambda jobs, model: _in_processes(jobs, model, workers)


def _in_turn(jobs: Sequence[Job], model: Model) -> Results:
    for job in jobs:
        yield job, answer_one(job, model)


def _in_processes(jobs: Sequence[Job], model: Model, workers: int) -> Results:
    """Yield results as they come; a process that dies costs its recording another try."""
    tries = {job.recording: TRIES for job in jobs}
    while tries:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            left = [job for job in jobs if job.recording in tries]
            waiting = {pool.submit(answer_one, job, model): job for job in left}
            yield from _finished(waiting, tries)


def _finished(waiting: dict[Future[Result], Job], tries: dict[Path, int]) -> Results:
    """Yield the results until all are there or a process dies; `tries` keeps what is left."""
    while waiting:
        ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in ended:
            job = waiting.pop(future)
            if not isinstance(future.exception(), BrokenProcessPool):
                del tries[job.recording]
                yield job, future.result()
            elif job.output.is_dir():  # begun, or tried before: it may be what kills processes
                tries[job.recording] -= 1
                if not tries[job.recording]:
                    del tries[job.recording]
                    yield job, f"its process died {TRIES} times"


_loaded: dict[str, Predictor] = {}  # of this process


def answer_one(job: Job, model: Model) -> Result:
    """Answer on one recording; return its outcome, or the sentence that says why there is none."""

    def load() -> Predictor:
        key = repr(model)
        if key not in _loaded:
            _loaded[key] = model.load()
        return _loaded[key]

    with suppress(OSError):
        (job.output / DONE).unlink(missing_ok=True)
    try:
        outcome = run_job(job, load)
    except OSError as error:
        return sentence(error)
    except ValueError as error:
        return " ".join(str(error).split())
    document = {"key": _key(job, model), "outcome": asdict(outcome)}
    write_text(job.output / DONE, json.dumps(document, indent=2) + "\n")
    return outcome


def stored(job: Job, model: Model) -> Outcome | None:
    """Return the outcome of an earlier run with the same recording, question and model."""
    path = job.output / DONE
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["key"] != _key(job, model):
            return None
        values = document["outcome"]
        return Outcome(**{**values, "notes": tuple(values["notes"])})
    except (KeyError, TypeError, ValueError):
        return None


def _key(job: Job, model: Model) -> str:
    """Return a digest of all that decides the answers; of files, name, size and time."""
    paths = [job.recording]
    if job.recording.is_dir():
        paths = sorted(job.recording.iterdir())
    files = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in paths]
    asked = replace(job, recording=Path(), output=Path())
    return hashlib.sha256(repr((asked, model, files)).encode()).hexdigest()[:32]


def write_summary(folder: Path, results: Mapping[Path, Result], model: str) -> Path:
    """Write summary.md and summary.html of all recordings; return the page's path."""
    outcomes = {path: each for path, each in results.items() if isinstance(each, Outcome)}
    expressions = list(dict.fromkeys(text for each in outcomes.values() for text in each.found))
    rows = tuple(_row(path, each, expressions) for path, each in results.items())
    report = Document("What was found in several recordings")
    report.add(
        Text(f"model: {model}"),
        Text(f"recordings: {len(results)}, {len(results) - len(outcomes)} not readable"),
        Table(("recording", "frames", *expressions, "report"), rows),
        Text("Of each expression: the frames in which it was FOUND.", note=True),
    )
    return report.write(folder, markdown="summary.md", page="summary.html")


def _row(path: Path, result: Result, expressions: Sequence[str]) -> tuple[str, ...]:
    if isinstance(result, str):
        return (path.name, "-", *("-" for _ in expressions), result)
    counts = (str(result.found.get(each, 0)) for each in expressions)
    page = Path(result.page)
    return (path.name, str(result.frames), *counts, f"{page.parent.name}/{page.name}")
