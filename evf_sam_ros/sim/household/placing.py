"""Random placement of things on the table or the floor, and on or in each other."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.household.household_words import CLEAR, SILVER
from evf_sam_ros.sim.household.household_world import HouseholdWorld, Piece
from evf_sam_ros.sim.household.kinds import SORTS, UNNAMED
from evf_sam_ros.sim.household.things import CHOSEN, Rest, Rng
from evf_sam_ros.sim.layout import Pose
from evf_sam_ros.sim.palette import COLORS, shade

Vector = NDArray[np.float64]

MOST = 9  # things in a scene
GAP = 0.01  # metres between things
REACH = (0.46, 0.34)  # metres from the middle that things may stand at
WITH_CARRIER = 0.5  # share of the scenes with a thing that others can stand on or in
STACKED = 0.45  # share of the things for which a place on or in another is tried first
LYING = 0.2  # share of the things that may lie
ATTEMPTS = 30


@dataclass(frozen=True)
class Placed:
    """A thing in the scene."""

    piece: Piece
    color: str
    center: Vector  # (3,), metres
    size: Vector  # (3,), full sizes along its own axes, metres
    yaw: float  # radians
    lies: bool = False
    on: str = ""
    inside: str = ""

    @property
    def foot(self) -> float:
        """Return the height of its lowest point, metres."""
        return float(self.center[2] - self.size[2] / 2)


def place_things(
    world: HouseholdWorld, camera: Pose, rng: Rng, wanted: str | None = None
) -> list[Placed]:
    """Put things in view: few kinds at a time so that alike ones meet, and some strange ones.

    Args:
        world: its pieces are moved and painted.
        camera: what stands outside its view is moved elsewhere.
        rng: the source of every choice.
        wanted: a kind to begin with.
    """
    kinds = rng.choice(world.kinds, int(rng.integers(3, 8)), replace=False)
    colors = rng.choice(list(COLORS), int(rng.integers(2, 6)), replace=False)
    chosen = [wanted] if wanted else []
    carriers = sorted({p.shape for p in world.pieces if p.thing.top or p.thing.inside})
    if carriers and rng.random() < WITH_CARRIER:
        chosen.append(carriers[int(rng.integers(len(carriers)))])
    chosen += [str(kind) for kind in rng.choice(kinds, int(rng.integers(3, MOST)))]
    chosen += [UNNAMED] * int(rng.integers(0, 3))
    placed: list[Placed] = []
    for kind in sorted(chosen[:MOST], key=lambda kind: -_reach(world, kind)):  # carriers first
        used = {other.piece.name for other in placed}
        free = [p for p in world.pieces if p.shape == kind and p.name not in used]
        if free:
            color = _color(kind, [str(c) for c in colors], rng)
            each = _place(free[int(rng.integers(len(free)))], color, camera, placed, rng)
            if each is not None:
                placed.append(each)
                set_piece(world, each, rng)
    return placed


def _reach(world: HouseholdWorld, kind: str) -> float:
    return max(piece.radius for piece in world.pieces if piece.shape == kind)


def _color(kind: str, favoured: list[str], rng: Rng) -> str:
    allowed = SORTS[kind].colors if kind in SORTS else tuple(COLORS)
    common = [color for color in favoured if color in allowed]
    choices = common if common and rng.random() < 0.8 else allowed
    return choices[int(rng.integers(len(choices)))]


def _place(
    piece: Piece, color: str, camera: Pose, others: list[Placed], rng: Rng
) -> Placed | None:
    lies = piece.shape in SORTS and SORTS[piece.shape].lies and rng.random() < LYING
    low, high = (np.array(corner) for corner in piece.thing.bounds)
    size = (high - low)[[0, 2, 1]] if lies else high - low
    if rng.random() < STACKED:
        stacked = _stacked(piece, color, size, others, rng)
        if stacked is not None:
            return stacked
    for _ in range(ATTEMPTS):
        place = rng.uniform(np.negative(REACH), REACH)
        center = np.array([*place, size[2] / 2])
        each = Placed(piece, color, center, size, rng.uniform(0, 2 * math.pi), bool(lies))
        if camera.sees(center) and not any(collide(each, other) for other in others):
            return each
    return None


def _stacked(
    piece: Piece, color: str, size: Vector, others: list[Placed], rng: Rng
) -> Placed | None:
    """Stand a small thing upright on or in one that carries nothing yet."""
    carrying = {other.on or other.inside for other in others}
    reach = math.hypot(*np.diff(piece.thing.bounds, axis=0)[0, :2]) / 2
    for other in others:
        top, inside = other.piece.thing.top, other.piece.thing.inside
        rest: Rest | None = top or inside
        taken = other.piece.name in carrying or other.on or other.inside or other.lies
        if rest is None or taken or reach > rest.radius:
            continue
        size = np.diff(piece.thing.bounds, axis=0)[0]
        slack = rest.radius - reach
        shift = rng.uniform(-slack, slack, 2) / math.sqrt(2)
        center = np.array([*(other.center[:2] + shift), other.foot + rest.height + size[2] / 2])
        on, inside_of = (other.piece.name, "") if top else ("", other.piece.name)
        yaw = rng.uniform(0, 2 * math.pi)
        return Placed(piece, color, center, size, yaw, on=on, inside=inside_of)
    return None


def collide(one: Placed, other: Placed) -> bool:
    """Tell whether the rectangles around two footprints come closer than `GAP`."""
    corners = [_corners(each) for each in (one, other)]
    for yaw in (one.yaw, other.yaw):
        for axis in ((math.cos(yaw), math.sin(yaw)), (-math.sin(yaw), math.cos(yaw))):
            first, second = (points @ np.array(axis) for points in corners)
            if first.min() > second.max() + GAP or second.min() > first.max() + GAP:
                return False
    return True


def _corners(each: Placed) -> Vector:
    """Return the corners of a footprint, (4, 2), metres."""
    half = each.size[:2] / 2
    local = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half
    cos, sin = math.cos(each.yaw), math.sin(each.yaw)
    return local @ np.array([[cos, sin], [-sin, cos]]) + each.center[:2]


def set_piece(world: HouseholdWorld, each: Placed, rng: Rng) -> None:
    """Move and paint a piece."""
    paint(world, each.piece, each.color, rng)
    low, high = (np.array(corner) for corner in each.piece.thing.bounds)
    middle = (low + high) / 2
    turn = _rotation(each)
    world.data.mocap_pos[each.piece.mocap] = each.center - turn @ middle
    world.data.mocap_quat[each.piece.mocap] = _quaternion(each)


def _rotation(each: Placed) -> Vector:
    """Return the rotation matrix of a placed thing, (3, 3)."""
    cos, sin = math.cos(each.yaw), math.sin(each.yaw)
    yaw = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    lying = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]) if each.lies else np.eye(3)
    return yaw @ lying


def _quaternion(each: Placed) -> Vector:
    half = each.yaw / 2
    w, z = math.cos(half), math.sin(half)
    if not each.lies:
        return np.array([w, 0, 0, z])
    return math.sqrt(0.5) * np.array([w, w, z, z])  # yaw after a quarter turn about x


def paint(world: HouseholdWorld, piece: Piece, color: str, rng: Rng) -> None:
    """Give a thing shades of a colour, and a second colour where it has one."""
    second = list(COLORS)[int(rng.integers(len(COLORS)))]
    shades = {name: rgba(color, rng) for name in CHOSEN}
    shades["second"] = rgba(second, rng)
    for geom, name in zip(piece.geoms, piece.paints, strict=True):
        if name in shades:
            world.model.geom_rgba[geom] = shades[name]


def rgba(color: str, rng: Rng) -> tuple[float, float, float, float]:
    """Draw a shade of a colour word of the household."""
    if color == SILVER:
        return (
            *colorsys.hsv_to_rgb(rng.random(), rng.uniform(0, 0.05), rng.uniform(0.55, 0.75)),
            1,
        )
    if color == CLEAR:
        return (0.85, 0.9, 0.93, 0.4)
    return (*shade(color, rng), 1)
