"""The parts of a thing: surfaces with paints, and the places where others stand on or in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evf_sam_ros.sim.household.surfaces import Surface, joined

Rng = np.random.Generator

# Paints that a scene does not choose: RGB and opacity, 0..1.
FIXED = {
    "metal": (0.66, 0.67, 0.69, 1.0),
    "wood": (0.62, 0.42, 0.24, 1.0),
    "dark": (0.07, 0.07, 0.08, 1.0),
    "white": (0.93, 0.92, 0.90, 1.0),
    "cream": (0.90, 0.82, 0.66, 1.0),
    "green": (0.20, 0.45, 0.16, 1.0),
    "soil": (0.20, 0.13, 0.09, 1.0),
    "stalk": (0.35, 0.28, 0.12, 1.0),
    "red": (0.75, 0.10, 0.10, 1.0),
    "yellow": (0.95, 0.80, 0.15, 1.0),
    "glass": (0.80, 0.88, 0.92, 0.42),
    "coffee": (0.22, 0.12, 0.06, 1.0),
    "label": (1.0, 1.0, 1.0, 1.0),  # its own print
}
CHOSEN = ("main", "second", "pattern", "wrap")  # main: the colour that people name
PRINTED = ("label", "pattern", "wrap")  # have a texture
PAINTS = (*FIXED, *CHOSEN)


@dataclass(frozen=True)
class Part:
    """One painted surface of a thing."""

    surface: Surface
    paint: str

    def __post_init__(self) -> None:
        if self.paint not in PAINTS:
            raise ValueError(f"paint is {self.paint!r}, need one of {', '.join(PAINTS)}")


@dataclass(frozen=True)
class Rest:
    """A level disc of a thing where another can stand, around its axis."""

    radius: float  # metres
    height: float  # metres above the thing's foot


@dataclass(frozen=True)
class Thing:
    """One specimen of a kind, standing at the origin."""

    parts: tuple[Part, ...]
    top: Rest | None = None  # others stand on it
    inside: Rest | None = None  # others stand in it

    @property
    def bounds(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Return the lowest and highest x, y and z, metres."""
        points = np.concatenate([part.surface.vertices for part in self.parts])
        low, high = points.min(0).tolist(), points.max(0).tolist()
        return tuple(low), tuple(high)

    @property
    def radius(self) -> float:
        """Return the radius around the vertical axis through the origin, metres."""
        return float(max(np.hypot(*part.surface.vertices[:, :2].T).max() for part in self.parts))

    def stretched(self, x: float, y: float, z: float) -> "Thing":
        """Return the thing with its three axes scaled."""
        parts = tuple(Part(part.surface.scaled(x, y, z), part.paint) for part in self.parts)
        top, inside = (
            rest and Rest(rest.radius * min(x, y), rest.height * z)
            for rest in (self.top, self.inside)
        )
        return Thing(parts, top, inside)


Make = Callable[[Rng], Thing]


def thing(
    *painted: tuple[str, Surface], top: Rest | None = None, inside: Rest | None = None
) -> Thing:
    """Assemble a thing, one part for each paint, its foot on z = 0."""
    by_paint: dict[str, list[Surface]] = {}
    for paint, surface in painted:
        by_paint.setdefault(paint, []).append(surface)
    foot = min(float(surface.vertices[:, 2].min()) for _, surface in painted)
    parts = (Part(joined(some).moved(z=-foot), paint) for paint, some in by_paint.items())
    return Thing(tuple(parts), top, inside)


def pick(rng: Rng, choices: Sequence[str]) -> str:
    """Choose one."""
    return choices[int(rng.integers(len(choices)))]
