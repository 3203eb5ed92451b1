"""A compiled household: a room, a robot arm, and a pool of things of some kinds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evf_sam_ros.sim.household.kinds import SORTS, UNNAMED, specimen
from evf_sam_ros.sim.household.prints import label_png, pattern_png
from evf_sam_ros.sim.household.room import ROOM, room_xml
from evf_sam_ros.sim.household.strange import strange_thing
from evf_sam_ros.sim.household.things import FIXED, Rng, Thing
from evf_sam_ros.sim.textures import texture_png
from evf_sam_ros.sim.world import HIDDEN, TEXTURES, Body, Stage

KINDS = 18  # of a usual world
STREAM = 0x40C5E
PIECES = 3  # of each kind
STRANGERS = 5  # things that nobody names
LABELS, PATTERNS, FINISHES = 14, 6, (0.1, 0.4, 0.8)


@dataclass(frozen=True)
class Piece(Body):
    """A thing of the pool."""

    thing: Thing
    paints: tuple[str, ...]  # of each of its geometries


class HouseholdWorld(Stage):
    """A room with hidden things of some kinds, and unnamed ones."""

    def __init__(self, seed: int, kinds: Sequence[str]) -> None:
        """Compile a world; `seed` is the source of every choice."""
        rng = np.random.default_rng([seed, STREAM])
        self.kinds = list(kinds)
        things = {
            f"{kind} {number}": (kind, specimen(kind, rng))
            for kind in self.kinds
            for number in range(PIECES)
        }
        things |= {f"{UNNAMED} {i}": (UNNAMED, strange_thing(rng)) for i in range(STRANGERS)}
        assets: dict[str, bytes] = {}
        materials = _materials(rng, assets)
        bodies = [_body(name, each, rng, assets) for name, (_, each) in things.items()]
        super().__init__(_mjcf(materials, "".join(bodies), assets, rng), assets)
        self.pieces = [self._piece(name, kind, each) for name, (kind, each) in things.items()]
        self.room = {name: self.model.geom(name).id for name in ROOM}

    def _piece(self, name: str, kind: str, thing: Thing) -> Piece:
        return Piece(
            name=name,
            shape=kind,
            geoms=tuple(self.model.geom(f"{name}.{i}").id for i in range(len(thing.parts))),
            mocap=int(self.model.body(name).mocapid[0]),
            radius=thing.radius,
            height=thing.bounds[1][2],
            thing=thing,
            paints=tuple(part.paint for part in thing.parts),
        )

    def show_only(self, pieces: list[Piece]) -> None:
        """Hide every thing but these."""
        for piece in self.pieces:
            self.show(piece.geoms, shown=piece in pieces)


def usual_kinds(seed: int, wanted: str | None = None) -> list[str]:
    """Choose the kinds of a world; one that is wanted comes first."""
    shuffled = np.random.default_rng([seed, STREAM, 1]).permutation(list(SORTS))
    others = [str(name) for name in shuffled if name != wanted]
    return [*([wanted] if wanted else []), *others][:KINDS]


def _materials(rng: Rng, assets: dict[str, bytes]) -> str:
    """Write surfaces of the room, prints and finishes; their pictures go to `assets`."""
    written = []
    for kind, count, draw in (
        ("surface", TEXTURES, texture_png),
        ("label", LABELS, label_png),
        ("pattern", PATTERNS, pattern_png),
    ):
        for number in range(count):
            name = f"{kind}{number}"
            assets[f"{name}.png"] = draw(rng)
            repeat = rng.uniform(1, 3) if kind == "surface" else 1
            shine = rng.uniform(0, 0.4)
            written.append(
                f'<texture name="{name}" type="2d" file="{name}.png"/><material name="{name}" '
                f'texture="{name}" texrepeat="{repeat:.2f} {repeat:.2f}" '
                f'specular="{shine:.2f}" shininess=".3"/>'
            )
    written += [
        f'<material name="finish{i}" specular="{specular}" shininess="{0.2 + 0.3 * i}"/>'
        for i, specular in enumerate(FINISHES)
    ]
    return "".join(written)


def _body(name: str, thing: Thing, rng: Rng, assets: dict[str, bytes]) -> str:
    finish, label, pattern = (int(rng.integers(n)) for n in (len(FINISHES), LABELS, PATTERNS))
    geoms = []
    for number, part in enumerate(thing.parts):
        assets[f"{name}.{number}.obj"] = part.surface.wavefront()
        material = {"label": f"label{label}", "wrap": f"label{(label + 1) % LABELS}",
                    "pattern": f"pattern{pattern}"}.get(part.paint, f"finish{finish}")  # fmt: skip
        rgba = " ".join(f"{value:.3f}" for value in FIXED.get(part.paint, (1, 1, 1, 1)))
        geoms.append(
            f'<geom name="{name}.{number}" type="mesh" mesh="{name}.{number}" rgba="{rgba}" '
            f'material="{material}" contype="0" conaffinity="0" group="{HIDDEN}"/>'
        )
    return f'<body name="{name}" mocap="true">{"".join(geoms)}</body>'


def _mjcf(materials: str, bodies: str, assets: dict[str, bytes], rng: Rng) -> str:
    meshes = "".join(
        f'<mesh name="{file.removesuffix(".obj")}" file="{file}" inertia="shell"/>'
        for file in assets
        if file.endswith(".obj")
    )
    sky = " ".join(f"{value:.2f}" for value in rng.uniform(0.3, 0.9, 3))
    return f"""<mujoco>
  <visual>
    <quality shadowsize="1024" offsamples="4"/>
    <map znear=".02" zfar="12"/>
    <headlight specular="0 0 0"/>
  </visual>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1="{sky}" rgb2=".2 .2 .2"
             width="64" height="64"/>
    {materials}{meshes}
  </asset>
  <worldbody>
    <light name="key" pos="0 0 2" castshadow="true" type="spot" cutoff="75" exponent="1"/>
    <light name="fill" pos="1 0 2" castshadow="false" type="spot" cutoff="80" exponent="1"/>
    <camera name="camera" mode="fixed" pos="0 -.8 .6"/>
    {room_xml()}{bodies}
  </worldbody>
</mujoco>"""
