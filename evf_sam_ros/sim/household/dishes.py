"""Dishes and glasses. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.surfaces import Profile, Surface, arc, band, cylinder, lathe, sweep
from evf_sam_ros.sim.household.things import Rest, Rng, Thing, pick, thing

WALL = 0.003


def hollow(outside: Profile, wall: float = WALL, floor: float = 0.006) -> Surface:
    """Turn an open vessel: its outside from the foot to the rim, then its inside back down."""
    inside = [(max(r - wall, 0), max(z, floor)) for r, z in reversed(outside) if r > wall]
    return lathe([(0, 0), *outside, *inside, (0, floor)])


def handle(reach: float, height: float, thickness: float) -> Surface:
    """A handle in the x-z plane that bulges towards +x, centred at its two ends."""
    path = arc(height / 2, -90, 90) * [2 * reach / height, 1, 1]
    return sweep(path, thickness, sides=8)


def mug(rng: Rng) -> Thing:
    """A mug with a handle."""
    radius, height = rng.uniform(0.036, 0.048), rng.uniform(0.08, 0.11)
    foot = radius * rng.uniform(0.8, 1.0)
    ear = handle(rng.uniform(0.028, 0.04), 0.62 * height, 0.0055).moved(
        radius * 0.95, 0, height / 2
    )
    parts = [(pick(rng, ("main", "main", "pattern")), hollow([(foot, 0), (radius, height)]))]
    if rng.random() < 0.3:
        parts.append(("label", band(radius + 0.001, 0.25 * height, 0.75 * height, 90)))
    if rng.random() < 0.4:
        parts.append(("coffee", cylinder(0.85 * radius, 0.001).moved(z=0.75 * height)))
    return thing(*parts, (pick(rng, ("main", "main", "second")), ear))


def teacup(rng: Rng) -> Thing:
    """A low round cup on a saucer."""
    radius, height = rng.uniform(0.04, 0.05), rng.uniform(0.045, 0.06)
    wall = [(0.45 * radius, 0.006), (0.8 * radius, 0.3 * height), (radius, height)]
    saucer = lathe(
        [(0, 0), (0.9 * radius, 0), (1.6 * radius, 0.012), (0.8 * radius, 0.006), (0, 0.006)]
    )
    ear = handle(0.022, 0.5 * height, 0.004).moved(0.9 * radius, 0, 0.6 * height)
    tea = cylinder(0.85 * radius, 0.001).moved(z=0.75 * height)
    look = pick(rng, ("main", "pattern"))
    return thing((look, hollow(wall)), ("main", ear), (look, saucer), ("coffee", tea))


def paper_cup(rng: Rng) -> Thing:
    """A takeaway cup with a lid and a sleeve."""
    radius, height = rng.uniform(0.034, 0.042), rng.uniform(0.10, 0.14)
    body = cylinder(0.75 * radius, height, radius)
    lid = lathe(
        [
            (0, 0),
            (1.06 * radius, 0),
            (1.06 * radius, 0.006),
            (0.95 * radius, 0.008),
            (0.9 * radius, 0.016),
            (0, 0.016),
        ]
    )
    low, high = 0.3, 0.7
    sleeve = cylinder(
        (0.76 + 0.25 * low) * radius, (high - low) * height, (0.76 + 0.25 * high) * radius
    )
    return thing(
        ("main", body),
        (pick(rng, ("white", "dark")), lid.moved(z=height)),
        ("wood", sleeve.scaled(1.02, 1.02).moved(z=low * height)),
    )


def glass(rng: Rng) -> Thing:
    """A straight drinking glass, often with a drink in it."""
    radius, height = rng.uniform(0.03, 0.04), rng.uniform(0.09, 0.14)
    wall = hollow([(0.8 * radius, 0), (radius, height)], floor=0.012)
    level = height * rng.uniform(0.3, 0.7)
    drink = cylinder(0.79 * radius, level, 0.88 * radius).moved(z=0.013)
    rim = lathe(
        [
            (radius - 0.002, height - 0.003),
            (radius + 0.0005, height - 0.003),
            (radius + 0.0005, height),
            (radius - 0.002, height),
        ]
    )
    parts = [("glass", wall), ("white", rim)]
    return thing(*parts, ("coffee", drink)) if rng.random() < 0.3 else thing(*parts)


def wine_glass(rng: Rng) -> Thing:
    """A glass on a stem, often with wine in it."""
    radius, height = rng.uniform(0.034, 0.045), rng.uniform(0.17, 0.22)
    stem, bowl = 0.45 * height, 0.55 * height
    foot = lathe(
        [
            (0, 0),
            (0.9 * radius, 0),
            (0.9 * radius, 0.003),
            (0.006, 0.010),
            (0.004, stem),
            (0, stem),
        ]
    )
    angles = np.linspace(0.2, 2.0, 8)
    wall = [(radius * np.sin(a), stem + bowl * (0.5 - 0.5 * np.cos(a)) * 1.35) for a in angles]
    parts = [("glass", hollow(wall, 0.002, stem + 0.003)), ("white", foot)]
    if rng.random() < 0.6:
        wine = [(0, stem + 0.004), *((0.93 * r, z) for r, z in wall[:5]), (0, wall[4][1])]
        parts.append((pick(rng, ("red", "yellow")), lathe(wine)))
    return thing(*parts)


def bowl(rng: Rng) -> Thing:
    """An open bowl, deep or shallow."""
    radius, height = rng.uniform(0.055, 0.09), rng.uniform(0.04, 0.075)
    angles = np.linspace(0, np.pi / 2, 8)
    foot = rng.uniform(0.35, 0.5)
    wall = [(radius * (foot + (1 - foot) * np.sin(a)), height * (1 - np.cos(a))) for a in angles]
    look = pick(rng, ("main", "main", "pattern"))
    return thing((look, hollow(wall)), inside=Rest(0.6 * radius, 0.012))


def plate(rng: Rng) -> Thing:
    """A flat plate with a rim."""
    radius = rng.uniform(0.085, 0.13)
    height = rng.uniform(0.012, 0.022)
    inner = 0.64 * radius
    profile = [
        (0, 0),
        (inner, 0),
        (radius, height),
        (radius, height + 0.003),
        (inner, 0.006),
        (0, 0.006),
    ]
    parts = [(pick(rng, ("main", "main", "pattern")), lathe(profile))]
    if rng.random() < 0.4:
        ring = lathe(
            [
                (0.97 * radius, height + 0.001),
                (radius + 0.001, height + 0.001),
                (radius + 0.001, height + 0.004),
                (0.97 * radius, height + 0.004),
            ]
        )
        parts.append(("second", ring))
    return thing(*parts, top=Rest(inner, 0.006))


def jug(rng: Rng) -> Thing:
    """A pitcher with a belly, a wide mouth and a tall handle."""
    radius, height = rng.uniform(0.045, 0.058), rng.uniform(0.16, 0.21)
    shape = [(0.7, 0), (1, 0.25), (0.95, 0.45), (0.6, 0.75), (0.62, 0.88), (0.78, 1)]
    wall = [(radius * r, height * z) for r, z in shape]
    lip = cylinder(0.3 * radius, 0.14 * height, 0.42 * radius).turned("y", -25)
    ear = handle(0.055, 0.55 * height, 0.006).moved(0.72 * radius, 0, 0.6 * height)
    look = pick(rng, ("main", "pattern"))
    return thing(
        (look, hollow(wall)), ("main", ear), ("main", lip.moved(-0.62 * radius, 0, 0.86 * height))
    )
