"""Random placement of camera, lights and objects in a scene. Metres, world frame."""

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.palette import COLORS, shade
from evf_sam_ros.sim.world import LIGHTS, SURFACES, TEXTURES, Body, Stage, World

Vector = NDArray[np.float64]

MARGIN = 0.07  # of the picture, kept free of object centres
GAP = 0.012  # metres between objects
MUG_GAP = 0.035  # metres, where a handle sticks out
VOLUME_OF_CYLINDER = {"cone": 1 / 3, "mug": 1.0, "bowl": 0.7, "bottle": 0.75}


@dataclass(frozen=True)
class Pose:
    """A pinhole camera in the world; the three axes are unit vectors."""

    position: Vector  # (3,)
    right: Vector  # (3,)
    down: Vector  # (3,)
    forward: Vector  # (3,)
    fov_y: float  # radians

    def matrix(self, width: int, height: int) -> NDArray[np.float64]:
        """Return the (3, 3) intrinsics of a picture of this size, pixels."""
        focal = height / 2 / math.tan(self.fov_y / 2)
        return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])

    def on_ground(self, point: Vector) -> tuple[float, float]:
        """Return how far right and how far away a point is, along the ground."""
        offset = (point - self.position)[:2]
        return float(offset @ unit(self.right[:2])), float(offset @ unit(self.forward[:2]))

    def sees(self, point: Vector) -> bool:
        """Tell whether a point falls well inside a 4:3 picture."""
        x, y, z = (
            (point - self.position) @ axis for axis in (self.right, self.down, self.forward)
        )
        reach = math.tan(self.fov_y / 2) * z * (1 - 2 * MARGIN)
        return bool(abs(x) < reach * 4 / 3 and abs(y) < reach)


@dataclass(frozen=True, kw_only=True)
class Viewpoints:
    """Ranges of the camera's position and of its lens."""

    elevation: tuple[float, float] = (28, 62)  # degrees above the table top
    azimuth: float = 25  # degrees to either side
    fov_y: tuple[float, float] = (40, 56)  # degrees
    distance: tuple[float, float] = (0.60, 0.86)  # metres, for a lens of 48 degrees


USUAL = Viewpoints()


@dataclass(frozen=True)
class Layout:
    """One object, placed."""

    body: Body
    color: str
    center: Vector  # (3,)
    radius: float
    height: float
    volume: float


def camera_pose(
    world: Stage,
    rng: np.random.Generator,
    viewpoints: Viewpoints = USUAL,
    target: Vector | None = None,
) -> Pose:
    """Put the camera somewhere in front of the table; it looks at its middle or at `target`."""
    elevation = math.radians(rng.uniform(*viewpoints.elevation))
    azimuth = math.radians(-90 + rng.uniform(-viewpoints.azimuth, viewpoints.azimuth))
    roll = math.radians(rng.normal(0, 1.5))
    fov_y = rng.uniform(*viewpoints.fov_y)
    # What a longer lens enlarges, a larger distance makes up for, in part.
    enlarged = math.tan(math.radians(24)) / math.tan(math.radians(fov_y / 2))
    distance = rng.uniform(*viewpoints.distance) * enlarged
    middle = np.array([rng.uniform(-0.04, 0.04), rng.uniform(-0.04, 0.04), 0.03])
    target = middle if target is None else target
    flat = math.cos(elevation)
    direction = np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])
    forward = -direction
    level = unit(np.cross(forward, [0, 0, 1]))
    up = np.cross(level, forward)
    right = level * math.cos(roll) + up * math.sin(roll)
    up = up * math.cos(roll) - level * math.sin(roll)

    pose = Pose(target + distance * direction, right, -up, forward, math.radians(fov_y))
    set_camera(world, pose)
    return pose


def set_camera(stage: Stage, pose: Pose) -> None:
    """Move the camera of a world to a pose."""
    camera = stage.model.camera("camera").id
    quaternion = np.zeros(4)
    axes = np.stack([pose.right, -pose.down, -pose.forward], 1)
    mujoco.mju_mat2Quat(quaternion, axes.ravel())
    stage.model.cam_pos[camera] = pose.position
    stage.model.cam_quat[camera] = quaternion
    stage.model.cam_fovy[camera] = math.degrees(pose.fov_y)


def set_lights(world: World, rng: np.random.Generator) -> None:
    """Choose lights and the look of table, floor and wall."""
    model = world.model
    for name in SURFACES:
        material = model.material(f"surface{rng.integers(TEXTURES)}").id
        model.geom_matid[model.geom(name).id] = material
    for name in LIGHTS:
        light = model.light(name).id
        position = rng.uniform([-1, -1.2, 1.3], [1, 0.6, 2.4])
        target = np.array([*rng.uniform(-0.2, 0.2, 2), 0])
        strength = rng.uniform(0.45, 0.8) if name == "key" else rng.uniform(0, 0.3)
        tint = np.array([1, rng.uniform(0.94, 1), rng.uniform(0.88, 1)])
        model.light_pos[light] = position
        model.light_dir[light] = unit(target - position)
        model.light_diffuse[light] = strength * tint
        model.light_specular[light] = rng.uniform(0.1, 0.5)
    model.vis.headlight.ambient[:] = rng.uniform(0.22, 0.38)
    model.vis.headlight.diffuse[:] = rng.uniform(0.1, 0.3)


def place_objects(world: World, camera: Pose, rng: np.random.Generator) -> list[Layout]:
    """Put 3 to 8 objects on the table, few kinds at a time so that alike ones meet."""
    count = int(rng.integers(3, 9))
    shapes = rng.choice(world.shapes, int(rng.integers(2, 5)), replace=False)
    colors = rng.choice(list(COLORS), int(rng.integers(2, 6)), replace=False)
    layouts: list[Layout] = []
    for _ in range(count):
        shape = str(rng.choice(shapes if rng.random() < 0.8 else world.shapes))
        color = str(rng.choice(colors if rng.random() < 0.85 else list(COLORS)))
        layout = _place(world, camera, rng, layouts, shape=shape, color=color)
        if layout is not None:
            layouts.append(layout)
    return layouts


def _place(
    world: World,
    camera: Pose,
    rng: np.random.Generator,
    others: list[Layout],
    *,
    shape: str,
    color: str,
) -> Layout | None:
    used = {other.body.name for other in others}
    free = [body for body in world.bodies if body.shape == shape and body.name not in used]
    if not free:
        return None
    body = free[rng.integers(len(free))]
    size, radius, height, volume = _size(body, rng)
    for _ in range(40):
        x, y = rng.uniform(-0.32, 0.32), rng.uniform(-0.26, 0.26)
        center = np.array([x, y, height / 2])
        if camera.sees(center) and not any(_collide(shape, center, radius, o) for o in others):
            _set_body(world, body, size, center, _turn(camera, shape, rng), shade(color, rng))
            return Layout(body, color, center, radius, height, volume)
    return None


def _size(body: Body, rng: np.random.Generator) -> tuple[Vector | None, float, float, float]:
    """Return the geometry's size (None for a mesh), radius, height and volume."""
    match body.shape:
        case "box":
            half = 0.035 * rng.uniform(0.65, 1.35) * rng.uniform(0.8, 1.25, 3)
            return half, math.hypot(half[0], half[1]), 2 * half[2], 8 * float(half.prod())
        case "ball":
            r = 0.038 * rng.uniform(0.62, 1.4)
            return np.array([r, 0, 0]), r, 2 * r, 4 / 3 * math.pi * r**3
        case "cylinder":
            r = 0.032 * rng.uniform(0.7, 1.35)
            half_height = r * rng.uniform(0.9, 1.7)
            volume = 2 * math.pi * r**2 * half_height
            return np.array([r, half_height, 0]), r, 2 * half_height, volume
        case "capsule":  # lies on its side
            r = 0.022 * rng.uniform(0.75, 1.3)
            half_length = r * rng.uniform(1.3, 2.2)
            volume = math.pi * r**2 * (2 * half_length + 4 / 3 * r)
            return np.array([r, half_length, 0]), r + half_length, 2 * r, volume
        case shape:
            around = math.pi * body.radius**2 * body.height
            return None, body.radius, body.height, VOLUME_OF_CYLINDER.get(shape, 0.5) * around


def _collide(shape: str, center: Vector, radius: float, other: Layout) -> bool:
    gap = MUG_GAP if "mug" in (shape, other.body.shape) else GAP
    return bool(np.linalg.norm((center - other.center)[:2]) < radius + other.radius + gap)


def _turn(camera: Pose, shape: str, rng: np.random.Generator) -> float:
    """Choose a yaw, radians; a mug never hides its handle behind itself."""
    if shape != "mug":
        return float(rng.uniform(0, 2 * math.pi))
    towards_camera = math.atan2(-camera.forward[1], -camera.forward[0])
    return towards_camera + float(rng.uniform(-2.0, 2.0))


def _set_body(
    world: World,
    body: Body,
    size: Vector | None,
    center: Vector,
    yaw: float,
    rgb: tuple[float, float, float],
) -> None:
    geoms = list(body.geoms)
    world.model.geom_rgba[geoms] = [*rgb, 1]
    if size is not None:
        world.model.geom_size[geoms] = size
    quaternion = np.array([math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)])
    if body.shape == "capsule":
        lying = np.array([math.sqrt(0.5), math.sqrt(0.5), 0, 0])
        turned = np.zeros(4)
        mujoco.mju_mulQuat(turned, quaternion, lying)
        quaternion = turned
    base_at_zero = size is None  # meshes stand on their origin, primitives are centred
    world.data.mocap_pos[body.mocap] = [*center[:2], 0 if base_at_zero else center[2]]
    world.data.mocap_quat[body.mocap] = quaternion


def unit(vector: Vector) -> Vector:
    return vector / np.linalg.norm(vector)
