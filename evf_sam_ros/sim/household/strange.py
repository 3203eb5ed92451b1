"""Things without a name: distractors, which no noun means but "thing" and "object"."""

import numpy as np

from evf_sam_ros.sim.household.surfaces import Surface, box, cylinder, ellipsoid, lathe, prism
from evf_sam_ros.sim.household.things import Rng, Thing, pick, thing


def strange_thing(rng: Rng) -> Thing:
    """Pile up two to four random solids."""
    painted, level = [], 0.0
    for _ in range(int(rng.integers(2, 5))):
        solid = _solid(rng)
        low, high = solid.vertices[:, 2].min(), solid.vertices[:, 2].max()
        x, y = rng.uniform(-0.012, 0.012, 2).tolist()
        paint = pick(rng, ("main", "main", "main", "second"))
        painted.append((paint, solid.moved(x, y, level - float(low))))
        level += 0.85 * float(high - low)
    painted[0] = ("main", painted[0][1])
    return thing(*painted)


def _solid(rng: Rng) -> Surface:
    size = rng.uniform(0.018, 0.04)
    match int(rng.integers(6)):
        case 0:
            return box(*rng.uniform(0.7, 1.8, 3) * size).turned("z", rng.uniform(0, 90))
        case 1:
            return cylinder(size, rng.uniform(0.4, 2) * size, rng.uniform(0.2, 1.2) * size)
        case 2:
            return ellipsoid(*rng.uniform(0.6, 1.3, 3) * size)
        case 3:
            return _star(rng, size)
        case 4:  # a spool
            return lathe([(0, 0), (size, 0), (size, 0.3 * size), (0.4 * size, 0.4 * size),
                          (0.4 * size, size), (size, 1.1 * size), (0, 1.1 * size)])  # fmt: skip
        case _:  # a ring on its edge
            angles = np.linspace(0, 2 * np.pi, 11)
            profile = [(size * (1 + 0.3 * np.cos(a)), size * 0.3 * np.sin(a)) for a in angles]
            return lathe(profile).turned("x", rng.choice([0, 90]))


def _star(rng: Rng, size: float) -> Surface:
    points = int(rng.integers(4, 8))
    angles = np.pi * np.arange(2 * points) / points
    reach = np.where(np.arange(2 * points) % 2 == 0, 1.3 * size, rng.uniform(0.5, 0.8) * size)
    outline = np.stack([reach * np.cos(angles), reach * np.sin(angles)], -1)
    return prism(outline, rng.uniform(0.4, 1.2) * size)
