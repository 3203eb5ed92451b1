"""Pictures of one kind of thing with masks, and a contact sheet of all kinds.

`python -m evf_sam_ros.sim.household.portraits SHEET.jpg` draws the sheet.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.household.household_scene import render_household
from evf_sam_ros.sim.household.household_world import HouseholdWorld
from evf_sam_ros.sim.household.kinds import SORTS
from evf_sam_ros.sim.household.placing import Placed, set_piece
from evf_sam_ros.sim.household.room import furnish, light
from evf_sam_ros.sim.layout import Viewpoints, camera_pose
from evf_sam_ros.whole_files import write_bytes

TILE = 96  # pixels, of the sheet
CAPTION = 12
DISTANCE = 0.9  # metres
FILLS = 1.25  # the picture shows so many times the size of a thing
FIRST_SEED = 600_000


@dataclass(frozen=True)
class KindPicture:
    """One picture with at least one thing of a kind."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    masks: tuple[NDArray[np.bool_], ...]  # (H, W) each, one for every thing of the kind


def pictures_of(
    kind: str, count: int, seed: int = FIRST_SEED, width: int = 640, height: int = 480
) -> Iterator[KindPicture]:
    """Draw household scenes in which things of one kind are among others.

    Args:
        kind: a key of `SORTS`.
        count: how many pictures.
        seed: of the first scene; each scene takes the next.
        width: pixels.
        height: pixels.

    Raises:
        ValueError: an unknown kind.
    """
    for number in range(seed, seed + count):
        scene = render_household(number, width, height, kind)
        own = [i for i, each in enumerate(scene.objects) if each.shape == kind]
        yield KindPicture(scene.rgb, tuple(scene.mask([i]) for i in own))


def portrait(kind: str, seed: int, side: int) -> NDArray[np.uint8]:
    """Draw one thing alone, as large as it fits, (side, side, 3)."""
    world = HouseholdWorld(seed, [kind])
    rng = np.random.default_rng(seed)
    piece = world.pieces[0]
    low, high = (np.array(corner) for corner in piece.thing.bounds)
    size = high - low
    shown = FILLS * float(np.linalg.norm(size))
    lens = 2 * math.degrees(math.atan(shown / 2 / DISTANCE))
    enlarged = math.tan(math.radians(lens / 2)) / math.tan(math.radians(24))
    view = Viewpoints(
        elevation=(32, 40), azimuth=0, fov_y=(lens, lens), distance=(DISTANCE * enlarged,) * 2
    )
    center = np.array([0, 0, size[2] / 2])
    camera_pose(world, rng, view, center)
    furnish(world, rng)
    light(world, rng)
    color = SORTS[kind].colors[int(rng.integers(len(SORTS[kind].colors)))]
    set_piece(world, Placed(piece, color, center, size, float(rng.uniform(0.2, 0.7))), rng)
    world.show_only([piece])
    world.settle()
    return np.asarray(world.rgb(side, side), np.uint8)


def sheet(kinds: Sequence[str], columns: int = 11, seed: int = 0) -> NDArray[np.uint8]:
    """Draw one thing of each kind with its name below, (H, W, 3)."""
    tiles = []
    for number, kind in enumerate(kinds):
        tile = np.full((TILE + CAPTION, TILE, 3), 255, np.uint8)
        tile[:TILE] = portrait(kind, seed + number, TILE)
        place = (2, TILE + CAPTION - 3)
        cv2.putText(tile, kind, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows)


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the specimens (%(default)s)")
    arguments = parser.parse_args()
    picture = sheet(list(SORTS), seed=arguments.seed)
    encoded = cv2.imencode(arguments.file.suffix, picture[..., ::-1])[1]
    write_bytes(arguments.file, encoded.tobytes())


if __name__ == "__main__":
    main()
