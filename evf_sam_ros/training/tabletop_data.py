"""Rendered scenes on disk, so that training does not wait for the renderer."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.sim.household.household_scene import HouseholdObject
from evf_sam_ros.sim.scene import Scene, SceneObject, render_scene
from evf_sam_ros.whole_files import whole_file

SHARD = 128  # scenes
SIZE = (320, 240)  # pixels, width and height
Draw = Callable[[int, int, int], Scene]  # seed, width, height


@dataclass(frozen=True)
class TrainingScenes:
    """Many scenes in memory."""

    rgb: NDArray[np.uint8]  # (N, 240, 320, 3)
    instances: NDArray[np.uint8]  # (N, 240, 320): 0 background, i + 1 shows objects[n][i]
    objects: list[list[SceneObject]]  # of one world

    def __len__(self) -> int:
        return len(self.objects)


def render_scenes(
    folder: Path,
    first_seed: int,
    count: int,
    draw: Draw = render_scene,
    processes: int | None = None,
) -> list[Path]:
    """Render scenes into shard files; shards that are there already are kept.

    Args:
        folder: for the shards of one world.
        first_seed: of the first scene.
        count: scenes.
        draw: renders one; a function that can be pickled.
        processes: that render; None: as many as there are CPUs.

    Returns:
        The shard files, in the order of their seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(first_seed, first_seed + count, SHARD)
    paths = {start: folder / f"scenes_{start:08d}.npz" for start in starts}
    missing = [start for start in starts if not paths[start].exists()]
    if missing:
        # Each process owns a drawing context; these do not survive a fork.
        with ProcessPoolExecutor(
            processes or os.cpu_count(), mp_context=get_context("spawn")
        ) as pool:
            jobs = [pool.submit(_render_shard, paths[start], start, draw) for start in missing]
            for job in progress_bar(as_completed(jobs), "rendering", len(jobs), unit="shard"):
                job.result()
    return list(paths.values())


def load_scenes(paths: list[Path]) -> TrainingScenes:
    """Read shards that `render_scenes` wrote."""
    rgb, instances, objects = [], [], []
    for path in paths:
        with np.load(path) as shard:
            rgb.append(shard["rgb"])
            instances.append(shard["instances"])
            objects += list(_objects(str(shard["objects"])))
    return TrainingScenes(np.concatenate(rgb), np.concatenate(instances), objects)


def _render_shard(path: Path, first_seed: int, draw: Draw = render_scene) -> None:
    seeds = range(first_seed, first_seed + SHARD)
    scenes = [draw(seed, *SIZE) for seed in seeds]
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            rgb=np.stack([scene.rgb for scene in scenes]),
            instances=np.stack([scene.instances for scene in scenes]),
            objects=json.dumps([[asdict(o) for o in scene.objects] for scene in scenes]),
        )


def _objects(text: str) -> Iterator[list[SceneObject]]:
    for scene in json.loads(text):
        yield [
            HouseholdObject(**values) if "name" in values else SceneObject(**values)
            for values in scene
        ]
