"""Random tabletop scenes with their ground truth; the seed determines the scene.

World frame: metres, z up, table top at z = 0, the camera looks roughly along +y.
Optical frame: x right, y down, z forward; pixel (0, 0) is the centre of the top left pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.layout import (
    USUAL,
    Layout,
    Pose,
    Viewpoints,
    camera_pose,
    place_objects,
    set_lights,
)
from evf_sam_ros.sim.palette import SHAPES
from evf_sam_ros.sim.words import TABLETOP, Lexicon
from evf_sam_ros.sim.world import LARGEST, Body, World

SCENES_PER_WORLD = 32
ATTEMPTS = 100
CHECK = (320, 240)  # pixels: acceptance does not depend on the size asked for
LEAST_PIXELS = 110  # of an object, at CHECK size
LEAST_VISIBLE = 0.5  # share of an object that nothing hides


@dataclass(frozen=True)
class SceneObject:
    """An object on the table, with the attributes that sentences mention."""

    lexicon: ClassVar[Lexicon] = TABLETOP  # the words for its shape, colour and relations
    shape: str
    color: str
    radius: float  # metres, around the vertical axis
    height: float  # metres
    volume: float  # cubic metres, of the solid shape
    right: float  # metres, on the ground, to the right of the camera
    away: float  # metres, on the ground, away from the camera
    distance: float  # metres, camera to centre
    u: float  # mean column of its visible pixels, 0 (left) .. 1
    v: float  # mean row, 0 (top) .. 1
    pixels: int  # visible, in a picture of 320x240
    visible: float  # share of it that nothing hides

    @property
    def carried(self) -> bool:
        """Tell whether it stands on or in another object."""
        return False

    def rests_on(self, other: "SceneObject") -> bool:
        """Tell whether it stands on or in this object."""
        return False


@dataclass(frozen=True)
class Scene:
    """The simulated camera's image and depth, and their ground truth."""

    seed: int
    rgb: NDArray[np.uint8]  # (H, W, 3)
    depth_m: NDArray[np.float32]  # (H, W), along the optical axis, without noise
    instances: NDArray[np.uint8]  # (H, W): 0 background, i + 1 shows objects[i]
    camera_matrix: NDArray[np.float64]  # (3, 3), pixels
    up: NDArray[np.float64]  # (3,), unit vector against gravity, optical frame
    objects: tuple[SceneObject, ...]

    def mask(self, targets: Sequence[int]) -> NDArray[np.bool_]:
        """Return where these objects are visible, (H, W)."""
        return np.isin(self.instances, [target + 1 for target in targets])

    def surface_centroid(self, targets: Sequence[int]) -> NDArray[np.float64]:
        """Return the mean of the visible surface, (3,), metres, optical frame."""
        rows, columns = np.nonzero(self.mask(targets))
        if not len(rows):
            raise ValueError(f"no pixel shows the objects {list(targets)}")
        z = self.depth_m[rows, columns].astype(np.float64)
        pixels = np.stack([columns, rows, np.ones(len(rows))])
        rays = np.linalg.solve(self.camera_matrix, pixels)
        return (rays * z).mean(1)


def render_scene(
    seed: int,
    width: int = 640,
    height: int = 480,
    viewpoints: Viewpoints = USUAL,
    shapes: tuple[str, ...] = SHAPES,
) -> Scene:
    """Draw the scene of a seed; the same seed shows the same scene in every size.

    `shapes` are what may stand on the table; `sim.unseen` has more than the usual ones.

    Raises:
        ValueError: a negative seed, or a size beyond the largest.
    """
    check_size(seed, width, height)
    world = _world(seed // SCENES_PER_WORLD, shapes)
    bodies, camera, objects = _arrange(world, seed, viewpoints)
    return Scene(
        seed=seed,
        rgb=world.rgb(width, height),
        depth_m=world.depth(width, height),
        instances=world.instances(bodies, width, height),
        camera_matrix=camera.matrix(width, height),
        up=np.array([camera.right[2], camera.down[2], camera.forward[2]]),
        objects=objects,
    )


def check_size(seed: int, width: int, height: int) -> None:
    """Raise ValueError for a negative seed or a size that cannot be drawn."""
    if seed < 0:
        raise ValueError(f"seed is {seed}, need 0 or more")
    if not (0 < width <= LARGEST[0] and 0 < height <= LARGEST[1]):
        raise ValueError(f"size is {width}x{height}, need 1x1 to {LARGEST[0]}x{LARGEST[1]}")


@lru_cache(maxsize=2)
def _world(number: int, shapes: tuple[str, ...]) -> World:
    return World(number, shapes)


def _arrange(
    world: World, seed: int, viewpoints: Viewpoints
) -> tuple[list[Body], Pose, tuple[SceneObject, ...]]:
    """Draw arrangements until every object can be seen and told apart."""
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        camera = camera_pose(world, rng, viewpoints)
        set_lights(world, rng)
        layouts = place_objects(world, camera, rng)
        bodies = [layout.body for layout in layouts]
        world.show_only(bodies)
        world.settle()
        objects = _look(world, camera, layouts) if len(layouts) > 1 else None
        world.show_only(bodies)
        if objects is not None:
            return bodies, camera, objects
    raise RuntimeError(f"seed {seed} gave no scene with all objects visible")


def _look(world: World, camera: Pose, layouts: list[Layout]) -> tuple[SceneObject, ...] | None:
    """Measure what is visible of each object; None where one is too small or too hidden."""
    bodies = [layout.body for layout in layouts]
    instances = world.instances(bodies, *CHECK)
    counts = np.bincount(instances.ravel(), minlength=len(bodies) + 1)[1:]
    if counts.min() < LEAST_PIXELS:
        return None
    objects = []
    for number, layout in enumerate(layouts):
        world.show_only([layout.body])
        alone = int(np.count_nonzero(world.instances([layout.body], *CHECK)))
        visible = counts[number] / max(alone, 1)
        if visible < LEAST_VISIBLE:
            return None
        objects.append(_describe(camera, layout, instances == number + 1, float(visible)))
    return tuple(objects)


def _describe(
    camera: Pose, layout: Layout, mask: NDArray[np.bool_], visible: float
) -> SceneObject:
    rows, columns = np.nonzero(mask)
    right, away = camera.on_ground(layout.center)
    return SceneObject(
        shape=layout.body.shape,
        color=layout.color,
        radius=layout.radius,
        height=layout.height,
        volume=layout.volume,
        right=right,
        away=away,
        distance=float(np.linalg.norm(layout.center - camera.position)),
        u=float(columns.mean()) / CHECK[0],
        v=float(rows.mean()) / CHECK[1],
        pixels=len(rows),
        visible=visible,
    )
