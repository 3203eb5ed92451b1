"""Triangle surfaces with texture coordinates: lathes, prisms, sweeps, ellipsoids, boxes, panels.

Metres; faces look outwards. Shape suffixes are not used: vertices are (N, 3), texture
coordinates (N, 2), triangles (M, 3).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Profile = Sequence[tuple[float, float]]
TURN = 2 * math.pi


@dataclass(frozen=True)
class Surface:
    """Triangles with texture coordinates."""

    vertices: Array  # (N, 3), metres
    triangles: NDArray[np.int64]  # (M, 3)
    uv: Array  # (N, 2), 0..1 over a whole texture

    def moved(self, x: float = 0, y: float = 0, z: float = 0) -> "Surface":
        """Return the surface, shifted."""
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def turned(self, axis: str, degrees: float) -> "Surface":
        """Return the surface, turned about an axis through the origin."""
        first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        vertices = self.vertices.copy()
        a, b = self.vertices[:, first], self.vertices[:, second]
        vertices[:, first], vertices[:, second] = cos * a - sin * b, sin * a + cos * b
        return replace(self, vertices=vertices)

    def scaled(self, x: float = 1, y: float = 1, z: float = 1) -> "Surface":
        """Return the surface, stretched; factors are positive."""
        return replace(self, vertices=self.vertices * [x, y, z])

    def wavefront(self) -> bytes:
        """Return the surface as the text of an OBJ file."""
        lines = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in self.vertices.tolist()]
        lines += [f"vt {u:.4f} {v:.4f}" for u, v in self.uv.tolist()]
        lines += [f"f {a}/{a} {b}/{b} {c}/{c}" for a, b, c in (self.triangles + 1).tolist()]
        return "\n".join(lines).encode()


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Return several surfaces as one."""
    starts = np.cumsum([0] + [len(each.vertices) for each in surfaces[:-1]])
    return Surface(
        np.concatenate([each.vertices for each in surfaces]),
        np.concatenate([s.triangles + start for s, start in zip(surfaces, starts, strict=True)]),
        np.concatenate([each.uv for each in surfaces]),
    )


def lathe(profile: Profile, segments: int = 28) -> Surface:
    """Turn a profile of (radius, height) pairs about the z axis, from the foot to the top."""
    radius, height = np.array(profile, float).T
    angles = np.linspace(0, TURN, segments + 1) + TURN / 4  # the seam is at the back
    rings = np.stack(
        [
            np.outer(radius, np.cos(angles)),
            np.outer(radius, np.sin(angles)),
            np.outer(height, np.ones(segments + 1)),
        ],
        -1,
    )
    length = np.concatenate([[0], np.hypot(np.diff(radius), np.diff(height)).cumsum()])
    along = length / max(length[-1], 1e-9)
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, segments + 1), along[:, None]), -1)
    return Surface(rings.reshape(-1, 3), _mesh(len(profile), segments + 1), uv.reshape(-1, 2))


def cylinder(radius: float, height: float, top: float | None = None) -> Surface:
    """A closed cylinder on the plane z = 0; a frustum with another radius at its top."""
    upper = radius if top is None else top
    return lathe([(0, 0), (radius, 0), (upper, height), (0, height)])


def ellipsoid(x: float, y: float, z: float) -> Surface:
    """An ellipsoid of these half axes around the origin."""
    small = max(x, y, z) < 0.015  # a berry, a button: nobody sees its corners
    angles = np.linspace(-np.pi / 2, np.pi / 2, 6 if small else 12)
    profile = list(zip(np.cos(angles), np.sin(angles), strict=True))
    return lathe(profile, 8 if small else 20).scaled(x, y, z)


def box(x: float, y: float, z: float) -> Surface:
    """A box of these full sizes, on the plane z = 0, centred otherwise."""
    faces = []
    for axis, sizes in (("x", (x, y, z)), ("z", (x, y, z))):
        for degrees in (0, 90, 180, 270)[:: 1 if axis == "z" else 2]:
            faces.append(_face(axis, degrees, sizes))
    return joined(faces).moved(z=z / 2)


def _face(axis: str, degrees: int, sizes: tuple[float, float, float]) -> Surface:
    """One face of a box around the origin: a side for axis z, top or bottom for axis x."""
    unit = panel(1, 1).moved(y=-0.5) if axis == "z" else panel(1, 1).turned("x", -90).moved(z=0.5)
    return unit.turned(axis, degrees).scaled(*sizes)


def panel(width: float, height: float) -> Surface:
    """A rectangle in the plane y = 0 that looks towards -y, centred; its texture is upright."""
    x, z = width / 2, height / 2
    vertices = np.array([[-x, 0, -z], [x, 0, -z], [x, 0, z], [-x, 0, z]])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return Surface(vertices, np.array([[0, 1, 2], [0, 2, 3]]), uv)


def band(radius: float, low: float, high: float, degrees: float = 360) -> Surface:
    """Part of a cylinder's wall, around the front (-y); its texture is upright."""
    count = 25
    angles = math.radians(270) + np.radians(np.linspace(-degrees / 2, degrees / 2, count))
    ring = np.stack([radius * np.cos(angles), radius * np.sin(angles)], -1)
    vertices = np.concatenate([np.column_stack([ring, np.full(count, z)]) for z in (low, high)])
    across = np.linspace(0, 1, count)
    uv = np.concatenate([np.column_stack([across, np.full(count, v)]) for v in (0.0, 1.0)])
    return Surface(vertices, _mesh(2, count), uv)


def prism(outline: ArrayLike, height: float, center: tuple[float, float] = (0, 0)) -> Surface:
    """Raise an outline (N, 2), anticlockwise; all of it is visible from its `center`."""
    points = np.asarray(outline, float)
    points = np.concatenate([points, points[:1]])
    middle = np.broadcast_to(np.array(center, float), points.shape)
    rings = [(middle, 0.0), (points, 0.0), (points, 0.0)]
    rings += [(points, height), (points, height), (middle, height)]
    vertices = np.concatenate([np.column_stack([r, np.full(len(r), z)]) for r, z in rings])
    low, high = points.min(0), points.max(0)
    uv = (vertices[:, :2] - low) / np.maximum(high - low, 1e-9)
    return Surface(vertices, _mesh(len(rings), len(points)), uv)


def sweep(
    path: ArrayLike, radius: float | ArrayLike, flat: float = 1.0, sides: int = 10
) -> Surface:
    """A closed tube along a path (N, 3); `flat` is its thickness over its width.

    The width lies as level as the path allows, so that a flat band along x or y lies flat.
    """
    points = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), len(points))
    tangents = np.gradient(points, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True) + 1e-12
    level = np.cross([0, 0, 1.0], tangents)
    upright = np.linalg.norm(level, axis=1) < 0.2
    level[upright] = np.cross([0, 1.0, 0], tangents[upright])
    level /= np.linalg.norm(level, axis=1, keepdims=True)
    up = np.cross(tangents, level)
    angles = np.linspace(0, TURN, sides + 1)
    offsets = (
        np.cos(angles)[None, :, None] * level[:, None]
        + flat * np.sin(angles)[None, :, None] * up[:, None]
    )
    rings = points[:, None] + radii[:, None, None] * offsets
    ends = [np.repeat(points[i][None, None], sides + 1, 1) for i in (0, -1)]
    vertices = np.concatenate([ends[0], rings, ends[1]])
    across, along = np.meshgrid(np.linspace(0, 1, sides + 1), np.linspace(0, 1, len(vertices)))
    uv = np.stack([across, along], -1).reshape(-1, 2)
    return Surface(vertices.reshape(-1, 3), _mesh(len(vertices), sides + 1), uv)


def sheet(rings: ArrayLike) -> Surface:
    """Cover rows of points (R, C, 3); each row runs anticlockwise seen from where they lead."""
    rows = np.asarray(rings, float)
    count, columns = rows.shape[:2]
    uv = np.stack(np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, count)), -1)
    return Surface(rows.reshape(-1, 3), _mesh(count, columns), uv.reshape(-1, 2))


def closed_sheet(rings: ArrayLike) -> Surface:
    """Cover rows of points as `sheet` does, and close both ends."""
    rows = np.asarray(rings, float)
    ends = [np.broadcast_to(rows[i].mean(0), rows[0].shape) for i in (0, -1)]
    return sheet(np.stack([ends[0], *rows, ends[1]]))


def arc(radius: float, start: float, end: float, count: int = 17) -> Array:
    """Points on a circle around the origin in the x-z plane, (count, 3); degrees from +x."""
    angles = np.radians(np.linspace(start, end, count))
    return np.stack([radius * np.cos(angles), np.zeros(count), radius * np.sin(angles)], -1)


def rounded(x: float, y: float, corner: float) -> Array:
    """Outline of a rectangle of full sizes x and y with round corners, anticlockwise."""
    corner = min(corner, x / 2, y / 2)
    turns = np.radians(np.arange(0, 360, 15)).reshape(4, 6)
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return np.concatenate(
        [
            np.column_stack(
                [
                    sx * (x / 2 - corner) + corner * np.cos(np.append(turn, turn[-1] + 0.2618)),
                    sy * (y / 2 - corner) + corner * np.sin(np.append(turn, turn[-1] + 0.2618)),
                ]
            )
            for (sx, sy), turn in zip(signs, turns, strict=True)
        ]
    )


def _mesh(rings: int, columns: int) -> NDArray[np.int64]:
    """Triangles between neighbouring rows of vertices, outwards for anticlockwise rings."""
    ring, step = np.mgrid[: rings - 1, : columns - 1]
    a = (ring * columns + step).ravel()
    b, c = a + 1, a + columns
    d = c + 1
    return np.concatenate([np.stack([a, b, d], -1), np.stack([a, d, c], -1)])
