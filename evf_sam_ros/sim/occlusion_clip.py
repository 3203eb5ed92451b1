"""A short film of a simulated scene in which an object slides and is hidden for a while.

Every frame has the true mask of what is visible of the target, which the tracker is measured by.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.expressions import sample_expressions
from evf_sam_ros.sim.palette import SHAPES
from evf_sam_ros.sim.scene import SCENES_PER_WORLD, Scene, _world, render_scene
from evf_sam_ros.sim.world import HIDDEN, SHOWN, Body, World

SLIDE_M = 0.05  # from one end of the target's way to the other
SCREEN_HALF_M = (0.07, 0.10)  # half its width and height, at HALFWAY between camera and target
SCREEN_DEPTH_M = 0.004  # half
HALFWAY = 0.4  # of the way from the target to the camera
SWEEP_M = 0.32  # the screen passes from so far left of the target to so far right
SCREEN_RGBA = (0.45, 0.45, 0.47, 1.0)


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a film, with its truth."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    target: NDArray[np.bool_]  # (H, W), where the target is visible


@dataclass(frozen=True)
class Clip:
    """A film of one scene: what to follow, and the frames, drawn as they are asked for.

    Scenes share their worlds: draw no other scene before the last frame.
    """

    expression: str
    frames: Iterator[ClipFrame]


def occlusion_clip(seed: int, count: int = 120, width: int = 640, height: int = 480) -> Clip:
    """Draw a scene in which a screen passes in front of a sliding target.

    Args:
        seed: of the scene; the same seed gives the same film.
        count: frames; the screen is in front of the target in the middle of them.

    Raises:
        ValueError: the scene has no object that one noun phrase names.
    """
    scene = render_scene(seed, width, height)
    said = sample_expressions(scene.objects, np.random.default_rng(seed), 8, {"attribute": 1.0})
    for expression in said:
        if len(expression.targets) == 1:
            # The world of the cache still holds the scene that was drawn last.
            world = _world(seed // SCENES_PER_WORLD, SHAPES)
            frames = _frames(world, scene, expression.targets[0], count)
            return Clip(expression.text, frames)
    raise ValueError(f"seed {seed}: no object of the scene has a name of its own")


def _frames(world: World, scene: Scene, target: int, count: int) -> Iterator[ClipFrame]:
    height, width = scene.instances.shape
    body = _body_of(world, scene, target)
    screen = next(
        each for each in world.bodies
        if each.shape == "box" and world.model.geom_group[each.geoms[0]] == HIDDEN
    )  # fmt: skip
    camera = world.model.camera("camera").id
    eye = world.data.cam_xpos[camera].copy()
    axes = world.data.cam_xmat[camera].reshape(3, 3).copy()  # columns: right, up, backward
    start = world.data.mocap_pos[body.mocap].copy()
    along = axes[:, 0] * [1, 1, 0]
    along /= np.linalg.norm(along)
    _make_screen(world, screen, camera)
    try:
        for number in range(count):
            share = number / max(1, count - 1)
            middle = start + along * SLIDE_M * (share - 0.5) * math.copysign(1, -start @ along)
            world.data.mocap_pos[body.mocap] = middle
            sweep = axes[:, 0] * SWEEP_M * (2 * share - 1)
            world.data.mocap_pos[screen.mocap] = middle + HALFWAY * (eye - middle) + sweep
            world.settle()
            yield ClipFrame(
                rgb=world.rgb(width, height),
                target=world.instances([body], width, height) == 1,
            )
    finally:
        world.model.geom_group[list(screen.geoms)] = HIDDEN


def _body_of(world: World, scene: Scene, target: int) -> Body:
    """Find the body of the pool that shows an object of the scene."""
    height, width = scene.instances.shape
    shown = [each for each in world.bodies if world.model.geom_group[each.geoms[0]] == SHOWN]
    drawn = world.instances(shown, width, height)[scene.mask([target])]
    return shown[int(np.bincount(drawn, minlength=len(shown) + 1)[1:].argmax())]


def _make_screen(world: World, screen: Body, camera: int) -> None:
    """Turn a hidden box into a plate that faces the camera."""
    geoms = list(screen.geoms)
    world.model.geom_group[geoms] = SHOWN
    world.model.geom_size[geoms] = [*SCREEN_HALF_M, SCREEN_DEPTH_M]
    world.model.geom_rgba[geoms] = SCREEN_RGBA
    world.data.mocap_quat[screen.mocap] = world.model.cam_quat[camera]
