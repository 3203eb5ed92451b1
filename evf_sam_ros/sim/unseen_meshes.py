"""Shapes unknown to the default model: stars, rings, pyramids, spools. Metres, base at z = 0."""

import numpy as np

from evf_sam_ros.sim.meshes import Mesh, Surface, _grid, _obj, _revolve

SIZES = (0.75, 1.3)


def star(rng: np.random.Generator) -> Mesh:
    """A five-pointed star, standing thick on the table."""
    radius, height = 0.055 * rng.uniform(*SIZES), 0.035 * rng.uniform(0.8, 1.4)
    angles = 2 * np.pi * np.arange(10) / 10
    reach = np.where(np.arange(10) % 2 == 0, radius, 0.42 * radius)
    outline = np.stack([reach * np.cos(angles), reach * np.sin(angles)], -1)
    return Mesh((_obj(*_prism(outline, height)),), radius, height)


def donut(rng: np.random.Generator) -> Mesh:
    """A lying ring with a hole."""
    radius = 0.055 * rng.uniform(*SIZES)
    tube = radius * rng.uniform(0.26, 0.36)
    around = np.linspace(0, 2 * np.pi, 17)
    profile = [
        (radius - tube + tube * np.cos(angle), tube + tube * np.sin(angle)) for angle in around
    ]
    return Mesh((_obj(*_revolve(profile)),), radius, 2 * tube)


def pyramid(rng: np.random.Generator) -> Mesh:
    """A four-sided pyramid with steps."""
    radius, height = 0.058 * rng.uniform(*SIZES), 0.075 * rng.uniform(0.8, 1.3)
    steps = []
    for level in range(4):
        outer = radius * (1 - level / 4)
        steps += [(outer, height * level / 4), (outer, height * (level + 1) / 4)]
    profile = [(0.0, 0.0), *steps, (0.0, height)]
    return Mesh((_obj(*_revolve(profile, segments=4)),), radius, height)


def spool(rng: np.random.Generator) -> Mesh:
    """Two discs on a thin axle."""
    radius, height = 0.045 * rng.uniform(*SIZES), 0.085 * rng.uniform(0.8, 1.3)
    thin, disc = 0.35 * radius, 0.18 * height
    profile = [
        (0, 0), (radius, 0), (radius, disc), (thin, disc), (thin, height - disc),
        (radius, height - disc), (radius, height), (0, height),
    ]  # fmt: skip
    return Mesh((_obj(*_revolve(profile)),), radius, height)


UNSEEN_MAKERS = {"star": star, "donut": donut, "pyramid": pyramid, "spool": spool}


def _prism(outline: np.ndarray, height: float) -> Surface:
    """Raise an outline (N, 2) around the origin; every point of it is seen from there."""
    count = len(outline)
    rings = [np.zeros_like(outline), outline, outline, np.zeros_like(outline)]
    levels = [0.0, 0.0, height, height]
    vertices = np.concatenate(
        [np.column_stack([ring, np.full(count, z)]) for ring, z in zip(rings, levels, strict=True)]
    )
    return vertices, _grid(4, count)
