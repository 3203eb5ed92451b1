"""Random household scenes with their ground truth; the seed determines the scene."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.household.household_words import HOUSEHOLD
from evf_sam_ros.sim.household.household_world import STREAM, HouseholdWorld, Piece, usual_kinds
from evf_sam_ros.sim.household.placing import Placed, place_things
from evf_sam_ros.sim.household.room import ARM, furnish, light
from evf_sam_ros.sim.layout import Pose, Viewpoints, camera_pose
from evf_sam_ros.sim.scene import ATTEMPTS, CHECK, Scene, SceneObject, check_size
from evf_sam_ros.sim.words import Lexicon
from evf_sam_ros.sim.world import SHOWN

SCENES_PER_WORLD = 32
LEAST_PIXELS = 60  # of a thing, at CHECK size
LEAST_VISIBLE = 0.45  # share of a thing that nothing hides
COARSE = (160, 120)  # pixels, where shares are measured
NEAR = Viewpoints(elevation=(25, 60), azimuth=35, distance=(0.6, 0.9))
MIDDLE = Viewpoints(elevation=(20, 65), azimuth=45, distance=(0.85, 1.25))
FAR = Viewpoints(elevation=(18, 60), azimuth=45, distance=(1.2, 1.8))
LOW = Viewpoints(elevation=(9, 22), azimuth=40, distance=(0.7, 1.2))
TOP = Viewpoints(elevation=(66, 88), azimuth=60, distance=(0.7, 1.2))
VIEWS = {NEAR: 0.35, MIDDLE: 0.25, FAR: 0.15, LOW: 0.12, TOP: 0.13}  # shares of the scenes


@dataclass(frozen=True)
class HouseholdObject(SceneObject):
    """A thing in a scene, and what carries it: "" for the table or the floor."""

    lexicon: ClassVar[Lexicon] = HOUSEHOLD
    name: str = ""  # its own, by which others say that they stand on it
    on: str = ""
    inside: str = ""

    @property
    def carried(self) -> bool:
        """Tell whether it stands on or in another thing."""
        return bool(self.on or self.inside)

    def rests_on(self, other: SceneObject) -> bool:
        """Tell whether it stands on or in this thing."""
        name = other.name if isinstance(other, HouseholdObject) else ""
        return name != "" and name in (self.on, self.inside)


def render_household(
    seed: int, width: int = 640, height: int = 480, wanted: str | None = None
) -> Scene:
    """Draw the household scene of a seed; the same seed shows the same scene in every size.

    Args:
        seed: 0 or more.
        width: pixels.
        height: pixels.
        wanted: a kind that must be in view.

    Raises:
        ValueError: a negative seed, a size beyond the largest, or an unknown kind.
    """
    check_size(seed, width, height)
    world = _world(seed // SCENES_PER_WORLD, wanted)
    pieces, camera, objects = _arrange(world, seed, wanted)
    return Scene(
        seed=seed,
        rgb=world.rgb(width, height),
        depth_m=world.depth(width, height),
        instances=world.instances(pieces, width, height),
        camera_matrix=camera.matrix(width, height),
        up=np.array([camera.right[2], camera.down[2], camera.forward[2]]),
        objects=objects,
    )


@lru_cache(maxsize=2)
def _world(number: int, wanted: str | None) -> HouseholdWorld:
    return HouseholdWorld(number, usual_kinds(number, wanted))


def _arrange(
    world: HouseholdWorld, seed: int, wanted: str | None
) -> tuple[list[Piece], Pose, tuple[HouseholdObject, ...]]:
    """Draw arrangements until enough things can be seen; what cannot be is taken away."""
    shares = np.array(list(VIEWS.values()))
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, attempt, STREAM])
        view = list(VIEWS)[int(rng.choice(len(VIEWS), p=shares / shares.sum()))]
        camera = camera_pose(world, rng, view)
        furnish(world, rng)
        light(world, rng)
        placed = _visible(world, place_things(world, camera, rng, wanted))
        if len(placed) < 2 or (wanted and all(p.piece.shape != wanted for p in placed)):
            continue
        pieces = [each.piece for each in placed]
        return pieces, camera, _look(world, camera, placed)
    raise RuntimeError(f"seed {seed} gave no scene with two things in view")


def _visible(world: HouseholdWorld, placed: list[Placed]) -> list[Placed]:
    """Show only the things that can be seen well, and what stands on or in these."""
    while placed:
        pieces = [each.piece for each in placed]
        shares, pixels = visibility(world, pieces)
        seen = (shares >= LEAST_VISIBLE) & (pixels >= LEAST_PIXELS)
        names = {each.piece.name for each, good in zip(placed, seen, strict=True) if good}
        kept = [
            p
            for p in placed
            if p.piece.name in names and (p.on or p.inside or "") in (names | {""})
        ]
        world.show_only([each.piece for each in kept])
        if len(kept) == len(placed):
            return kept
        placed = kept
    return placed


def visibility(
    world: HouseholdWorld, pieces: list[Piece]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what share of each thing nothing hides, and its visible pixels at CHECK size.

    The things are all shown afterwards.
    """
    world.show_only(pieces)
    world.settle()
    count = len(pieces) + 1
    pixels = np.bincount(world.instances(pieces, *CHECK).ravel(), minlength=count)[1:]
    together = np.bincount(world.instances(pieces, *COARSE).ravel(), minlength=count)[1:]
    arm = [world.room[name] for name in ARM]
    arm_shown = [geom for geom in arm if world.model.geom_group[geom] == SHOWN]
    world.show(arm_shown, shown=False)
    alone = []
    for piece in pieces:
        world.show_only([piece])
        alone.append(np.count_nonzero(world.instances([piece], *COARSE)))
    world.show(arm_shown)
    world.show_only(pieces)
    return together / np.maximum(alone, 1), pixels


def _look(
    world: HouseholdWorld, camera: Pose, placed: list[Placed]
) -> tuple[HouseholdObject, ...]:
    pieces = [each.piece for each in placed]
    shares, _ = visibility(world, pieces)
    instances = world.instances(pieces, *CHECK)
    return tuple(
        _describe(camera, each, instances == number, float(share))
        for number, (each, share) in enumerate(zip(placed, shares, strict=True), 1)
    )


def _describe(
    camera: Pose, each: Placed, mask: NDArray[np.bool_], visible: float
) -> HouseholdObject:
    rows, columns = np.nonzero(mask)
    right, away = camera.on_ground(each.center)
    return HouseholdObject(
        shape=each.piece.shape,
        color=each.color,
        radius=float(each.size[:2].mean() / 2),
        height=float(each.size[2]),
        volume=float(each.size.prod()),
        right=right,
        away=away,
        distance=float(np.linalg.norm(each.center - camera.position)),
        u=float(columns.mean()) / CHECK[0],
        v=float(rows.mean()) / CHECK[1],
        pixels=len(rows),
        visible=visible,
        name=each.piece.name,
        on=each.on,
        inside=each.inside,
    )
