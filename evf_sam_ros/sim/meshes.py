"""Household shapes as procedural triangle meshes, without asset files. Metres, base at z = 0."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WALL = 0.004  # metres, of mugs and bowls


@dataclass(frozen=True)
class Mesh:
    """The parts of one object and the cylinder around it."""

    parts: tuple[bytes, ...]  # Wavefront OBJ
    radius: float
    height: float


def mug(rng: np.random.Generator) -> Mesh:
    """A cup with its handle towards +x."""
    scale = rng.uniform(0.72, 1.35)
    radius = 0.040 * scale * rng.uniform(0.9, 1.1)
    height = 0.085 * scale * rng.uniform(0.9, 1.2)
    foot = radius * rng.uniform(0.85, 1.0)
    outside = [(0, 0), (foot * 0.95, 0), (foot, WALL), (radius, height)]
    inside = [(radius - WALL, height), (foot - WALL, 0.007), (0, 0.007)]
    handle = _half_ring(height * 0.30, 0.0055 * scale, width=rng.uniform(0.8, 1.1))
    handle[0][:] += [radius * 0.95, 0, height * 0.5]
    return Mesh((_obj(*_revolve(outside + inside)), _obj(*handle)), radius, height)


def bowl(rng: np.random.Generator) -> Mesh:
    """An open bowl."""
    scale = rng.uniform(0.72, 1.35)
    radius = 0.062 * scale
    height = 0.045 * scale * rng.uniform(0.85, 1.25)
    angles = np.linspace(0, np.pi / 2, 9)[1:]
    radii = radius * (0.4 + 0.6 * np.sin(angles))
    heights = height * (1 - np.cos(angles))
    outside = [(0, 0), (radius * 0.4, 0), *zip(radii, heights, strict=True)]
    inside = zip(radii[::-1] - WALL, np.maximum(heights[::-1], 0.006), strict=True)
    return Mesh((_obj(*_revolve([*outside, *inside, (0, 0.006)])),), radius, height)


def bottle(rng: np.random.Generator) -> Mesh:
    """A bottle with a shoulder, a neck and a cap."""
    scale = rng.uniform(0.72, 1.35)
    radius = 0.032 * scale
    height = 0.17 * scale * rng.uniform(0.85, 1.15)
    neck = rng.uniform(0.35, 0.45)
    shoulder = [
        (radius * (neck + (1 - neck) * math.cos(x * math.pi / 2)), height * (0.55 + 0.2 * x))
        for x in (0.25, 0.5, 0.75)
    ]
    body = [(0, 0), (radius * 0.9, 0), (radius, 0.005), (radius, height * 0.55)]
    top = [(neck, 0.76), (neck, 0.93), (neck * 1.2, 0.93), (neck * 1.2, 1), (0, 1)]
    profile = [*body, *shoulder, *((radius * r, height * z) for r, z in top)]
    return Mesh((_obj(*_revolve(profile)),), radius, height)


def cone(rng: np.random.Generator) -> Mesh:
    """A plain cone."""
    scale = rng.uniform(0.72, 1.35)
    radius = 0.045 * scale
    height = 0.10 * scale * rng.uniform(0.9, 1.2)
    profile = [(0, 0), (radius, 0), (radius * 0.5, height * 0.5), (0.0005, height)]
    return Mesh((_obj(*_revolve(profile)),), radius, height)


MAKERS = {"mug": mug, "bowl": bowl, "bottle": bottle, "cone": cone}

Surface = tuple[NDArray[np.float64], NDArray[np.int64]]  # vertices (N, 3), triangles (M, 3)


def _revolve(profile: list[tuple[float, float]], segments: int = 36) -> Surface:
    """Turn a profile of (radius, height) pairs about the z axis."""
    angles = 2 * np.pi * np.arange(segments) / segments
    radius, height = np.array(profile, float).T
    vertices = np.stack(
        [
            np.outer(radius, np.cos(angles)),
            np.outer(radius, np.sin(angles)),
            np.outer(height, np.ones(segments)),
        ],
        -1,
    )
    return vertices.reshape(-1, 3), _grid(len(profile), segments)


def _half_ring(radius: float, thickness: float, width: float) -> Surface:
    """A handle: half a torus in the x-z plane, bulging towards +x."""
    along = np.linspace(-np.pi / 2, np.pi / 2, 19)
    around = 2 * np.pi * np.arange(10) / 10
    reach = radius + thickness * np.cos(around)
    vertices = np.stack(
        [
            width * np.outer(np.cos(along), reach),
            np.outer(np.ones(19), thickness * np.sin(around)),
            np.outer(np.sin(along), reach),
        ],
        -1,
    )
    # Turned inside out against a revolved profile, so that its faces look outwards.
    return vertices.reshape(-1, 3), _grid(19, 10)[:, ::-1]


def _grid(rings: int, segments: int) -> NDArray[np.int64]:
    """Triangles between neighbouring rings of vertices."""
    ring, step = np.mgrid[: rings - 1, :segments]
    a = (ring * segments + step).ravel()
    b = (ring * segments + (step + 1) % segments).ravel()
    c, d = a + segments, b + segments
    return np.concatenate([np.stack([a, b, d], -1), np.stack([a, d, c], -1)])


def _obj(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> bytes:
    lines = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in vertices]
    lines += [f"f {a} {b} {c}" for a, b, c in triangles + 1]
    return "\n".join(lines).encode()
