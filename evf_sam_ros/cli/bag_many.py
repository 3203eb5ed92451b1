"""`evf-sam bag` on several recordings: its options and what it prints. Imports nothing slow."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.option_types import at_least
from evf_sam_ros.cli.wanted import WRONG_INPUT, exit_code


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add who does the work."""
    parser.add_argument(
        "--workers",
        type=at_least(1),
        default=1,
        metavar="N",
        help="processes for several recordings, each with the model in its memory (%(default)s)",
    )
    parser.add_argument(
        "--ray",
        default="",
        metavar="ADDRESS",
        help="spread the recordings over an existing Ray cluster that sees the same folders: "
        "auto, or HOST:PORT",
    )


def run(
    arguments: argparse.Namespace,
    recordings: Sequence[Path],
    job: Callable[[Path, Path], Any],
) -> int:
    """Answer on every recording that is not done, write one summary; return the exit code."""
    from evf_sam_ros.recordings import many

    folder: Path = arguments.output
    names = many.output_names(recordings)
    jobs = [job(each, folder / name) for each, name in zip(recordings, names, strict=True)]
    model = many.Model(
        {
            "model": arguments.model,
            "device": arguments.device,
            "precision": arguments.precision,
            "score_threshold": arguments.score_threshold,
            "behaviour": dict(arguments.behaviour),
            "engine": arguments.engine,
            "tokenizer": arguments.tokenizer,
        },
        seeks_rivals=not arguments.no_rivals,
    )
    spread = None
    if arguments.ray:
        from evf_sam_ros.recordings.cluster import on_ray

        spread = on_ray(arguments.ray)
    results = many.answer_all(jobs, model, workers=arguments.workers, spread=spread)
    page = many.write_summary(folder, results, str(arguments.model or "default"))
    return _told(results, jobs[0].expressions, page, as_json=arguments.json)


def record_of(recording: Path, outcome: Any) -> dict[str, Any]:
    """Return what came of a recording, or the reason why nothing did, as JSON has it."""
    if isinstance(outcome, str):
        return {"recording": str(recording), "error": outcome}
    return {"recording": str(recording), **vars(outcome), "found": dict(outcome.found)}


def _told(results: Any, expressions: Sequence[str], page: Path, *, as_json: bool) -> int:
    failed = {path: each for path, each in results.items() if isinstance(each, str)}
    outcomes = [each for each in results.values() if not isinstance(each, str)]
    _print(results, failed, page, as_json=as_json)
    if failed:
        return WRONG_INPUT
    return exit_code(any(each.found.get(text) for each in outcomes) for text in expressions)


def _print(results: Any, failed: dict[Any, str], page: Path, *, as_json: bool) -> None:
    if as_json:
        for path, each in results.items():
            print(json.dumps(record_of(path, each)))
        return
    for path, reason in failed.items():
        print(f"{path}: {reason}")
    done = [each for each in results.values() if not isinstance(each, str)]
    frames = sum(each.frames for each in done)
    print(f"{len(done)} of {len(results)} recordings, {frames} frames; {page}")
