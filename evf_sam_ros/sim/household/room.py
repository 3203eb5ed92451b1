"""The room around the things: floor, walls, table, furniture, a robot arm, and the light."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import mujoco
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.layout import unit
from evf_sam_ros.sim.world import HIDDEN, LIGHTS, TEXTURES

if TYPE_CHECKING:
    from evf_sam_ros.sim.household.household_world import HouseholdWorld
    from evf_sam_ros.sim.household.things import Rng

FURNITURE, LINKS = 4, 6
ROOM = (
    "floor", "back", "side", "table",
    *(f"furniture{i}" for i in range(FURNITURE)),
    *(f"link{i}" for i in range(LINKS)), "finger0", "finger1",
)  # fmt: skip
ARM = tuple(name for name in ROOM if name.startswith(("link", "finger")))
TABLE_HEIGHT = 0.75  # metres
ON_FLOOR, WITH_ARM = 0.2, 0.35  # shares of the scenes
ARM_COLORS = ((0.9, 0.9, 0.9), (0.15, 0.15, 0.16), (0.85, 0.45, 0.1), (0.55, 0.57, 0.6))


def room_xml() -> str:
    """Write the room's geometries; `furnish` sizes and moves them for each scene."""
    plain = f'contype="0" conaffinity="0" group="{HIDDEN}" pos="0.3 0.2 0.1" euler="10 20 30"'
    geoms = ['<geom name="floor" type="plane" size="5 5 .1" pos="0 0 -.75" material="surface0"/>',
             '<geom name="back" type="box" size="5 .05 2.5" pos="0 1.6 1" material="surface1"/>',
             '<geom name="side" type="box" size=".05 5 2.5" pos="2 0 1" material="surface1"/>',
             '<geom name="table" type="box" size=".62 .48 .02" pos="0 0 -.02" '
             'material="surface2"/>']  # fmt: skip
    geoms += [f'<geom name="furniture{i}" type="box" size=".1 .1 .1" {plain}/>'
              for i in range(FURNITURE)]  # fmt: skip
    geoms += [f'<geom name="link{i}" type="capsule" size=".05 .1" {plain} material="finish1"/>'
              for i in range(LINKS)]  # fmt: skip
    geoms += [f'<geom name="finger{i}" type="box" size=".008 .012 .03" {plain} '
              'material="finish1"/>' for i in (0, 1)]  # fmt: skip
    return "".join(geoms)


def furnish(world: HouseholdWorld, rng: Rng) -> None:
    """Choose table or floor, walls, furniture and an arm for a scene."""
    model, room = world.model, world.room
    on_floor = rng.random() < ON_FLOOR
    floor = 0.0 if on_floor else -TABLE_HEIGHT
    model.geom_pos[room["floor"]] = [0, 0, floor]
    wall = rng.uniform(0.75, 2.2)
    model.geom_pos[room["back"]] = [0, wall, floor + 2.5]
    model.geom_pos[room["side"]] = [rng.choice([-1, 1]) * rng.uniform(1.2, 2.6), 0, floor + 2.5]
    half = [rng.uniform(0.5, 0.9), rng.uniform(0.42, 0.6), rng.uniform(0.012, 0.03)]
    model.geom_size[room["table"]] = half
    model.geom_pos[room["table"]] = [0, 0, -half[2]]
    world.show([room["table"]], shown=not on_floor)
    for name in ("floor", "back", "side", "table"):
        material = model.material(f"surface{rng.integers(TEXTURES)}").id
        model.geom_matid[room[name]] = material
    for number in range(FURNITURE):
        _place_furniture(world, room[f"furniture{number}"], wall, floor, rng)
    world.show([room[name] for name in ARM], shown=False)
    if rng.random() < WITH_ARM:
        _place_arm(world, rng)


def _place_furniture(
    world: HouseholdWorld, geom: int, wall: float, floor: float, rng: Rng
) -> None:
    """A cupboard, shelf, door or picture before the back wall."""
    model = world.model
    shown = rng.random() < 0.5
    world.show([geom], shown=shown)
    if not shown:
        return
    half = np.array([rng.uniform(0.1, 0.5), rng.uniform(0.01, 0.2), rng.uniform(0.1, 0.6)])
    high = 0.0 if rng.random() < 0.6 else rng.uniform(0.5, 1.2)
    model.geom_size[geom] = half
    model.geom_pos[geom] = [rng.uniform(-1.5, 1.5), wall - 0.05 - half[1], floor + high + half[2]]
    model.geom_quat[geom] = [1, 0, 0, 0]
    model.geom_matid[geom] = model.material(f"surface{rng.integers(TEXTURES)}").id


def _place_arm(world: HouseholdWorld, rng: Rng) -> None:
    """A chain of links from beside or behind the table to a gripper above it."""
    model, room = world.model, world.room
    side = rng.choice([-1.0, 1.0])
    base = np.array([side * rng.uniform(0.3, 0.55), rng.uniform(0.15, 0.45), 0.0])
    hand = np.array([rng.uniform(-0.3, 0.3), rng.uniform(0, 0.35), rng.uniform(0.18, 0.4)])
    elbow = (base + hand) / 2 + [side * 0.08, 0.05, rng.uniform(0.2, 0.35)]
    shoulder = base + np.array([0, 0, rng.uniform(0.14, 0.25)])
    wrist = hand + np.array([0, 0, 0.1])
    joints = [base, shoulder, elbow, (elbow + wrist) / 2 + [0, 0, 0.04], wrist, hand]
    color = [*ARM_COLORS[int(rng.integers(len(ARM_COLORS)))], 1]
    thick = rng.uniform(0.03, 0.05)
    for number, (start, end) in enumerate(pairwise(joints)):
        geom = room[f"link{number}"]
        model.geom_size[geom, :2] = [thick * (1 - 0.1 * number), np.linalg.norm(end - start) / 2]
        model.geom_pos[geom] = (start + end) / 2
        model.geom_quat[geom] = _along(end - start)
        model.geom_rgba[geom] = color
        world.show([geom])
    palm = room[f"link{LINKS - 1}"]
    model.geom_size[palm, :2] = [0.02, 0.035]
    model.geom_pos[palm] = hand
    model.geom_quat[palm] = _along(np.array([1.0, 0, 0]))
    model.geom_rgba[palm] = [0.1, 0.1, 0.1, 1]
    world.show([palm, room["finger0"], room["finger1"]])
    for sign, name in ((-1, "finger0"), (1, "finger1")):
        model.geom_pos[room[name]] = hand + np.array([sign * rng.uniform(0.015, 0.04), 0, -0.05])
        model.geom_quat[room[name]] = [1, 0, 0, 0]
        model.geom_rgba[room[name]] = [0.12, 0.12, 0.12, 1]


def _along(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation that turns the z axis along a direction, (4,)."""
    quaternion = np.zeros(4)
    mujoco.mju_quatZ2Vec(quaternion, unit(direction))
    return quaternion


def light(world: HouseholdWorld, rng: Rng) -> None:
    """Choose lights; a third of the rooms are dim."""
    model = world.model
    dim = rng.uniform(0.5, 0.8) if rng.random() < 1 / 3 else 1.0
    for name in LIGHTS:
        number = model.light(name).id
        position = rng.uniform([-1.2, -1.4, 1.2], [1.2, 0.6, 2.4])
        target = np.array([*rng.uniform(-0.2, 0.2, 2), 0])
        strength = rng.uniform(0.4, 0.75) if name == "key" else rng.uniform(0, 0.3)
        tint = np.array([1, rng.uniform(0.9, 1), rng.uniform(0.75, 1)])
        model.light_pos[number] = position
        model.light_dir[number] = unit(target - position)
        model.light_diffuse[number] = dim * strength * tint
        model.light_specular[number] = rng.uniform(0.1, 0.5)
    model.vis.headlight.ambient[:] = dim * rng.uniform(0.2, 0.38)
    model.vis.headlight.diffuse[:] = dim * rng.uniform(0.1, 0.3)
