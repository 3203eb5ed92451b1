"""A compiled MuJoCo world and its pool of objects, which scenes move, size, paint and hide.

Compiling takes longer than rendering, so one world serves many scenes.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.meshes import MAKERS
from evf_sam_ros.sim.palette import SHAPES
from evf_sam_ros.sim.textures import texture_png
from evf_sam_ros.sim.unseen_meshes import UNSEEN_MAKERS

POOL = 6  # bodies of each shape
TEXTURES = 8
PRIMITIVES = {"box": "box", "ball": "sphere", "cylinder": "cylinder", "capsule": "capsule"}
HIDDEN, SHOWN = 5, 0  # geometry groups
LARGEST = (1920, 1080)  # pixels
SURFACES = ("floor", "wall", "table")
LIGHTS = ("key", "fill")


@dataclass(frozen=True)
class Body:
    """An object of the pool; radius and height are zero if the scene chooses the size."""

    name: str
    shape: str
    geoms: tuple[int, ...]
    mocap: int
    radius: float  # metres
    height: float  # metres


class Stage:
    """A compiled world with a pool of hidden objects, drawn off screen."""

    def __init__(self, xml: str, assets: dict[str, bytes]) -> None:
        """Compile a world from MJCF.

        Args:
            xml: the world; it has a camera named "camera".
            assets: the files that it names.

        Raises:
            RuntimeError: nothing can draw without a screen here.
        """
        if "MUJOCO_GL" not in os.environ:
            raise RuntimeError(
                "the simulator draws through EGL or OSMesa and found neither: "
                "sudo apt-get install libegl1 libgl1-mesa-dri"
            )
        self.model = mujoco.MjModel.from_xml_string(xml, assets)
        self.data = mujoco.MjData(self.model)
        self._renderers: dict[tuple[int, int], Any] = {}
        self._options = mujoco.MjvOption()
        self._options.geomgroup[:] = [1, 1, 1, 1, 1, 0]

    def show(self, geoms: Iterable[int], *, shown: bool = True) -> None:
        """Show or hide geometries."""
        self.model.geom_group[list(geoms)] = SHOWN if shown else HIDDEN

    def settle(self) -> None:
        """Apply the poses of moved bodies, cameras and lights."""
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def rgb(self, width: int, height: int) -> NDArray[np.uint8]:
        """Draw the colour picture, (height, width, 3)."""
        return self._draw(width, height, shadows=True)

    def depth(self, width: int, height: int) -> NDArray[np.float32]:
        """Draw distance along the optical axis, metres, (height, width)."""
        renderer = self._renderer(width, height)
        renderer.enable_depth_rendering()
        try:
            return self._draw(width, height, shadows=False)
        finally:
            renderer.disable_depth_rendering()

    def instances(self, bodies: Sequence[Body], width: int, height: int) -> NDArray[np.uint8]:
        """Draw which body each pixel shows: 0 for none, i + 1 for bodies[i]."""
        renderer = self._renderer(width, height)
        renderer.enable_segmentation_rendering()
        try:
            ids, kinds = np.moveaxis(self._draw(width, height, shadows=False), -1, 0)
        finally:
            renderer.disable_segmentation_rendering()
        table = np.zeros(self.model.ngeom, np.uint8)
        for number, body in enumerate(bodies, 1):
            table[list(body.geoms)] = number
        is_geom = kinds == int(mujoco.mjtObj.mjOBJ_GEOM)
        return np.where(is_geom, table[np.clip(ids, 0, None)], 0).astype(np.uint8)

    def _draw(self, width: int, height: int, *, shadows: bool) -> NDArray[Any]:
        renderer = self._renderer(width, height)
        renderer.update_scene(self.data, "camera", self._options)
        # The shadow map costs more than the rest, and only the colours show it.
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
        return renderer.render().copy()

    def _renderer(self, width: int, height: int) -> Any:
        if (width, height) not in self._renderers:
            # A buffer of just this size: clearing a larger one takes longer than drawing.
            self.model.vis.global_.offwidth = width
            self.model.vis.global_.offheight = height
            self._renderers[width, height] = mujoco.Renderer(self.model, height, width)
        return self._renderers[width, height]


class World(Stage):
    """A table with a pool of hidden objects."""

    def __init__(self, seed: int, shapes: tuple[str, ...] = SHAPES) -> None:
        rng = np.random.default_rng([seed, 0x7AB1E])
        self.shapes = shapes
        xml, assets, sizes = _describe(rng, shapes)
        super().__init__(xml, assets)
        self.bodies = [self._body(name, *row) for name, row in sizes.items()]

    def _body(self, name: str, shape: str, parts: int, radius: float, height: float) -> Body:
        geoms = tuple(self.model.geom(f"{name}.{part}").id for part in range(parts))
        mocap = int(self.model.body(name).mocapid[0])
        return Body(name, shape, geoms, mocap, radius, height)

    def show_only(self, bodies: list[Body]) -> None:
        """Hide every object of the pool but these."""
        for body in self.bodies:
            self.show(body.geoms, shown=False)
        for body in bodies:
            self.show(body.geoms)


Sizes = dict[str, tuple[str, int, float, float]]  # name: shape, parts, radius, height


def _describe(
    rng: np.random.Generator, shapes: tuple[str, ...]
) -> tuple[str, dict[str, bytes], Sizes]:
    """Write the world as MJCF, with its files in memory."""
    assets: dict[str, bytes] = {}
    materials = [_material(number, rng, assets) for number in range(TEXTURES)]
    materials += [
        f'<material name="finish{i}" specular="{specular}" shininess="{0.2 + 0.3 * i}"/>'
        for i, specular in enumerate((0.1, 0.5, 0.9))
    ]
    bodies, sizes = [], {}
    for shape in shapes:
        for number in range(POOL):
            name = f"{shape}{number}"
            xml, sizes[name] = _pool_body(name, shape, number, rng, assets)
            bodies.append(xml)
    meshes = [f'<mesh file="{name}" inertia="shell"/>' for name in assets if name.endswith("obj")]
    sky = " ".join(f"{value:.2f}" for value in rng.uniform(0.3, 0.9, 3))
    return _mjcf("".join(materials + meshes), "".join(bodies), sky), assets, sizes


def _mjcf(assets: str, bodies: str, sky: str) -> str:
    return f"""<mujoco>
  <visual>
    <quality shadowsize="1024" offsamples="4"/>
    <map znear=".02" zfar="12"/>
    <headlight specular="0 0 0"/>
  </visual>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1="{sky}" rgb2=".2 .2 .2"
             width="64" height="64"/>
    {assets}
  </asset>
  <worldbody>
    <light name="key" pos="0 0 2" castshadow="true" type="spot" cutoff="75" exponent="1"/>
    <light name="fill" pos="1 0 2" castshadow="false" type="spot" cutoff="80" exponent="1"/>
    <geom name="floor" type="plane" size="4 4 .1" pos="0 0 -.75" material="surface0"/>
    <geom name="wall" type="box" size="4 .05 2" pos="0 1.6 .5" material="surface1"/>
    <geom name="table" type="box" size=".62 .48 .02" pos="0 0 -.02" material="surface2"/>
    <camera name="camera" mode="fixed" pos="0 -.8 .6"/>
    {bodies}
  </worldbody>
</mujoco>"""


def _material(number: int, rng: np.random.Generator, assets: dict[str, bytes]) -> str:
    assets[f"texture{number}.png"] = texture_png(rng)
    across, down = rng.uniform(1, 3, 2)
    return (
        f'<texture name="texture{number}" type="2d" file="texture{number}.png"/>'
        f'<material name="surface{number}" texture="texture{number}" '
        f'texrepeat="{across:.2f} {down:.2f}" specular="{rng.uniform(0, 0.4):.2f}" '
        f'shininess=".3" reflectance="{rng.choice([0, 0, 0, 0.08])}"/>'
    )


def _pool_body(
    name: str, shape: str, number: int, rng: np.random.Generator, assets: dict[str, bytes]
) -> tuple[str, tuple[str, int, float, float]]:
    rest = f'material="finish{number % 3}" contype="0" conaffinity="0" group="{HIDDEN}"'
    if shape in PRIMITIVES:
        kind = PRIMITIVES[shape]
        geoms = f'<geom name="{name}.0" type="{kind}" size=".04 .04 .04" {rest}/>'
        size = (shape, 1, 0.0, 0.0)
    else:
        mesh = {**MAKERS, **UNSEEN_MAKERS}[shape](rng)
        geoms = ""
        for part, content in enumerate(mesh.parts):
            assets[f"{name}.{part}.obj"] = content
            geoms += f'<geom name="{name}.{part}" type="mesh" mesh="{name}.{part}" {rest}/>'
        size = (shape, len(mesh.parts), mesh.radius, mesh.height)
    return f'<body name="{name}" mocap="true">{geoms}</body>', size
