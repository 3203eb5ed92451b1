"""Measure places and boxes against the simulator's truth, with noisy depth and wrong masks.

    python benchmarks/geometry.py [--scenes N] [--seed FIRST] [--size WxH] [--json FILE]

Depth has noise that grows with distance, flying pixels at edges and holes. The truth is taken from
the depth image without them and the exact mask; an object's height is the simulator's own.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evf_sam_ros.perception.boxes import Box
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.geometry import Location, Mask, deproject, locate
from evf_sam_ros.sim.depth_noise import realistic_depth
from evf_sam_ros.sim.scene import Scene, render_scene

Rng = np.random.Generator
WHOLE = 0.97  # visible share from which the box's height is compared with the object's
LONG = 1.5  # ratio of the level sides from which an object has a direction
FIGURES = ("mean", "centroid", "size", "height", "yaw")
HEADINGS = ("plain mean, mm", "centroid, mm", "box side, mm", "height, mm", "yaw, degrees")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=920_000, help="of the first (%(default)s)")
    parser.add_argument("--size", default="640x480", help="of the camera's image (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args(argv)
    width, height = map(int, arguments.size.split("x"))
    errors: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in MASKS}
    objects = 0
    for seed in tqdm(range(arguments.seed, arguments.seed + arguments.scenes), unit="scene"):
        objects += measure(render_scene(seed, width, height), errors)
    figures = {
        name: {figure: summary(values[figure]) for figure in (*FIGURES, "lost")}
        for name, values in errors.items()
    }
    print(f"{arguments.scenes} scenes, {objects} objects; median / 95th percentile\n")
    print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(scene: Scene, errors: dict[str, dict[str, list[float]]]) -> int:
    """Add the errors of every object of a scene; returns how many there are."""
    depth_m = realistic_depth(scene.depth_m, np.random.default_rng(scene.seed))
    camera = Intrinsics.from_matrix(scene.camera_matrix)
    for number, item in enumerate(scene.objects):
        mask = scene.mask([number])
        truth = scene.surface_centroid([number])
        size_m, direction = footprint(deproject(scene.depth_m, mask, camera), scene.up)
        for name, spoil in MASKS.items():
            spoiled = spoil(mask, np.random.default_rng([scene.seed, number]))
            kept = errors[name]
            place = locate(spoiled, depth_m, camera, up=scene.up)
            kept["lost"].append(float(not isinstance(place, Location)))
            if not isinstance(place, Location):
                continue
            plain = deproject(depth_m, spoiled, camera).mean(axis=0)
            kept["mean"].append(1e3 * float(np.linalg.norm(plain - truth)))
            kept["centroid"].append(1e3 * float(np.linalg.norm(place.position_m - truth)))
            kept["size"].extend(1e3 * np.abs(place.box.size_m - size_m))
            if item.visible >= WHOLE:
                kept["height"].append(1e3 * abs(float(place.box.size_m[2]) - item.height))
            if size_m[0] >= LONG * size_m[1]:
                kept["yaw"].append(turned(place.box, direction))
    return len(scene.objects)


def footprint(points: NDArray, up: NDArray) -> tuple[NDArray, NDArray]:
    """Return a surface's true (long, short, up) size and long direction, by OpenCV's rectangle."""
    level = np.cross(up, [0.0, 0.0, 1.0])
    level /= np.linalg.norm(level)
    ground = np.stack([level, np.cross(up, level)])
    corners = cv2.boxPoints(cv2.minAreaRect((points @ ground.T).astype(np.float32)))
    sides = corners[1] - corners[0], corners[2] - corners[1]
    short, long = sorted(sides, key=lambda side: float(np.linalg.norm(side)))
    size_m = [np.linalg.norm(long), np.linalg.norm(short), np.ptp(points @ up)]
    return np.array(size_m), long @ ground / np.linalg.norm(long)


def turned(box: Box, direction: NDArray) -> float:
    """Return the angle between a box's long side and a direction, degrees, at most 90."""
    x, y, z, w = box.orientation_xyzw
    long = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)])
    return float(np.degrees(np.arccos(min(abs(float(long @ direction)), 1.0))))


def grown(mask: Mask, pixels: int) -> Mask:
    """Dilate, or erode where negative; what would vanish stays."""
    kernel = np.ones((2 * abs(pixels) + 1, 2 * abs(pixels) + 1), np.uint8)
    change = cv2.dilate if pixels > 0 else cv2.erode
    changed = change(mask.astype(np.uint8), kernel).astype(bool)
    return changed if changed.any() else mask


def leaking(mask: Mask, rng: Rng) -> Mask:
    """Let a quarter of the area run out at some place of the rim, over whatever is there."""
    rows, columns = np.nonzero(mask & ~grown(mask, -1)) if mask.sum() > 9 else np.nonzero(mask)
    place = int(rng.integers(len(rows)))
    return disc(mask, int(columns[place]), int(rows[place]), 0.25)


def with_stray_blobs(mask: Mask, rng: Rng) -> Mask:
    """Add two blobs of a fifth of the area each, anywhere in the picture."""
    for _ in range(2):
        v, u = rng.integers(mask.shape[0]), rng.integers(mask.shape[1])
        mask = disc(mask, int(u), int(v), 0.2)
    return mask


def disc(mask: Mask, u: int, v: int, share: float) -> Mask:
    """Add a disc with that share of the mask's area."""
    drawn = mask.astype(np.uint8)
    cv2.circle(drawn, (u, v), int(np.sqrt(mask.sum() * share / np.pi)) + 1, 1, cv2.FILLED)
    return drawn.astype(bool)


MASKS: dict[str, Callable[[Mask, Rng], Mask]] = {
    "true mask": lambda mask, _: mask,
    "1 px too wide": lambda mask, _: grown(mask, 1),
    "2 px too wide": lambda mask, _: grown(mask, 2),
    "2 px too narrow": lambda mask, _: grown(mask, -2),
    "leak of 25 %": leaking,
    "1 px too wide, leak of 25 %": lambda mask, rng: leaking(grown(mask, 1), rng),
    "two stray blobs of 20 %": with_stray_blobs,
}


def summary(values: list[float]) -> dict[str, float]:
    """Return count, mean, median and 95th percentile."""
    if not values:
        return {"count": 0}
    return {
        "count": len(values),
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
    }


def table(figures: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return Markdown: a row per kind of mask."""
    rows = [f"| mask | {' | '.join(HEADINGS)} | without a place |"]
    rows.append("|---" * (len(HEADINGS) + 2) + "|")
    for name, values in figures.items():
        cells = [f"{values[f]['median']:.1f} / {values[f]['p95']:.1f}" for f in FIGURES]
        rows.append(f"| {name} | {' | '.join(cells)} | {values['lost']['mean']:.1%} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
