"""Before and after: what 50 labelled pictures of unseen shapes teach a model, and what it forgets.

`python -m benchmarks.fine_tuning out/` renders the pictures, measures the model, fine-tunes it and
measures again and keeps what is there. The table of docs/guides/fine_tuning.md is its output.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from evf_sam_ros.cli import main as evf_sam
from evf_sam_ros.sim import unseen

FIGURES = ("ciou", "miou", "pr@0.5", "n_acc", "t_acc")


def main() -> None:
    """Run all steps and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--pictures", type=int, default=50, help="to learn from (%(default)s)")
    parser.add_argument("--test", type=int, default=100, help="to measure with (%(default)s)")
    parser.add_argument("--scenes", type=int, default=60, help="of the usual table (%(default)s)")
    parser.add_argument("train", nargs="*", help="more options of the recipe, after --")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    _render(folder, arguments.pictures, arguments.test)
    tuned, seconds = folder / "run/model", 0.0
    if not (tuned / "config.json").exists():
        started = time.time()
        options = ["--model", arguments.model, "--data", folder / "train.json"]
        options += ["-o", folder / "run", "--resume", *arguments.train]
        _run("train", "--recipe", "fine_tune", *options)
        seconds = time.time() - started
    for data, size in (("unseen", ()), ("tabletop", ("--scenes", arguments.scenes))):
        rows = {
            name: _measured(folder, name, model, data, size)
            for name, model in (("before", arguments.model), ("after", tuned))
        }
        print(f"\n| {data} | {' | '.join(FIGURES)} |\n|---{'|---' * len(FIGURES)}|")
        for name, row in rows.items():
            print(f"| {name} | {' | '.join(_percent(row.get(f)) for f in FIGURES)} |")
    if seconds:
        print(f"\ntraining and choosing the threshold took {seconds / 60:.1f} minutes")


def _render(folder: Path, pictures: int, test: int) -> None:
    for name, first, count in (
        ("train", unseen.FIRST_SEED, pictures),
        ("test", unseen.FIRST_SEED + 10_000, test),
    ):
        if not (folder / f"{name}.json").exists():
            unseen.write(folder, name, range(first, first + count))


def _measured(folder: Path, name: str, model: Any, data: str, size: tuple[Any, ...]) -> Any:
    out = folder / f"{name}_{data}.json"
    source = folder / "test.json" if data == "unseen" else data
    if not out.exists():
        _run("evaluate", "--data", source, "--model", model, "--json", out, *size)
    return _flat(json.loads(out.read_text()))


def _flat(figures: Any) -> dict[str, float]:
    """Return the first figure of each name, wherever it is nested."""
    found: dict[str, float] = {}
    for key, value in figures.items() if isinstance(figures, dict) else ():
        if isinstance(value, int | float):
            found.setdefault(key, value)
        elif isinstance(value, dict):
            found = {**_flat(value), **found}
        elif isinstance(value, list):
            for item in value:
                found = {**_flat(item), **found}
    return found


def _run(*command: Any) -> None:
    if evf_sam([str(part) for part in command]) != 0:
        raise SystemExit(1)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


if __name__ == "__main__":
    main()
