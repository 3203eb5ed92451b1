"""Toys. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.surfaces import (
    box,
    cylinder,
    ellipsoid,
    lathe,
)
from evf_sam_ros.sim.household.things import Rng, Thing, pick, thing


def car(rng: Rng) -> Thing:
    """A car with windows and four wheels."""
    length, width = rng.uniform(0.09, 0.14), rng.uniform(0.045, 0.06)
    body = box(length, width, 0.024).moved(z=0.012)
    cabin = box(0.5 * length, 0.85 * width, 0.024)
    cabin = type(cabin)(
        cabin.vertices * np.where(cabin.vertices[:, 2:] > 0.01, [0.75, 0.9, 1], [1, 1, 1]),
        cabin.triangles,
        cabin.uv,
    )
    glass = cabin.scaled(0.99, 1.01, 0.7).moved(-0.03 * length, 0, 0.038)
    pane = cabin.scaled(1.02, 0.9, 0.7).moved(-0.03 * length, 0, 0.038)
    wheels = [
        cylinder(0.014, 0.01).turned("x", 90).moved(x, s * width / 2 + 0.005, 0.014)
        for x in (-0.3 * length, 0.3 * length)
        for s in (-1, 1)
    ]
    lights = [
        ellipsoid(0.003, 0.005, 0.004).moved(length / 2, s * 0.3 * width, 0.026) for s in (-1, 1)
    ]
    return thing(
        ("main", body),
        ("main", cabin.moved(-0.03 * length, 0, 0.036)),
        ("dark", glass),
        ("dark", pane),
        *(("dark", w) for w in wheels),
        *(("yellow", each) for each in lights),
    )


def teddy_bear(rng: Rng) -> Thing:
    """A sitting bear."""
    s = rng.uniform(0.9, 1.25)
    coat = [
        ellipsoid(0.04, 0.034, 0.045).moved(z=0.045),
        ellipsoid(0.034, 0.031, 0.031).moved(z=0.112),
    ]
    coat += [ellipsoid(0.013, 0.008, 0.013).moved(x, 0, 0.141) for x in (-0.026, 0.026)]
    coat += [
        ellipsoid(0.014, 0.016, 0.032).turned("y", -35 * d).moved(0.045 * d, -0.008, 0.062)
        for d in (-1, 1)
    ]
    coat += [
        ellipsoid(0.018, 0.036, 0.017).turned("z", 22 * d).moved(0.03 * d, -0.04, 0.017)
        for d in (-1, 1)
    ]
    snout = [
        ellipsoid(0.015, 0.012, 0.012).moved(0, -0.03, 0.105),
        ellipsoid(0.022, 0.006, 0.026).moved(0, -0.031, 0.045),
    ]
    face = [ellipsoid(0.0045, 0.004, 0.0045).moved(x, -0.0285, 0.119) for x in (-0.012, 0.012)]
    face.append(ellipsoid(0.006, 0.004, 0.004).moved(0, -0.0415, 0.108))
    return thing(
        *(
            (paint, each.scaled(s, s, s))
            for paint, some in (("main", coat), ("cream", snout), ("dark", face))
            for each in some
        )
    )


def duck(rng: Rng) -> Thing:
    """A toy duck."""
    s = rng.uniform(0.9, 1.3)
    body = [
        ellipsoid(0.042, 0.032, 0.026).moved(z=0.026),
        ellipsoid(0.023, 0.022, 0.022).moved(-0.026, 0, 0.066),
        ellipsoid(0.02, 0.012, 0.012).turned("y", 40).moved(0.04, 0, 0.042),
    ]
    wings = [ellipsoid(0.024, 0.007, 0.015).moved(0.006, y, 0.032) for y in (-0.03, 0.03)]
    beak = ellipsoid(0.013, 0.011, 0.005).moved(-0.052, 0, 0.062)
    eyes = [ellipsoid(0.003, 0.003, 0.004).moved(-0.042, y, 0.074) for y in (-0.013, 0.013)]
    return thing(
        *(
            (paint, each.scaled(s, s, s))
            for paint, some in (("main", body + wings), ("red", [beak]), ("dark", eyes))
            for each in some
        )
    )


def train(rng: Rng) -> Thing:
    """A wooden train engine: a boiler, a cab, a chimney and wheels."""
    base = box(0.13, 0.045, 0.012).moved(z=0.014)
    boiler = cylinder(0.021, 0.075).turned("y", 90).moved(-0.062, 0, 0.047)
    cab = box(0.045, 0.045, 0.06).moved(0.04, 0, 0.026)
    roof = box(0.06, 0.055, 0.007).moved(0.04, 0, 0.086)
    window = box(0.022, 0.047, 0.02).moved(0.042, 0, 0.056)
    chimney = cylinder(0.008, 0.028, 0.012).moved(-0.042, 0, 0.064)
    wheels = [
        cylinder(0.014, 0.01).turned("x", 90).moved(x, s * 0.024 + 0.005, 0.014)
        for x in (-0.042, 0, 0.042)
        for s in (-1, 1)
    ]
    return thing(
        ("main", boiler),
        ("main", cab),
        ("second", base),
        ("dark", roof),
        ("dark", window),
        ("dark", chimney),
        *((pick(rng, ("red", "dark")), w) for w in wheels),
    )


def ball(rng: Rng) -> Thing:
    """A ball with stripes."""
    radius = rng.uniform(0.035, 0.06)
    stripe = [
        lathe(
            [
                (1.004 * radius * np.cos(a), 1.004 * radius * np.sin(a))
                for a in np.linspace(lo, lo + 0.28, 5)
            ]
        )
        for lo in (-0.14,)
    ]
    tilt = rng.uniform(20, 70)
    return thing(
        ("main", ellipsoid(radius, radius, radius)),
        *((pick(rng, ("white", "second")), each.turned("x", tilt)) for each in stripe),
    )
