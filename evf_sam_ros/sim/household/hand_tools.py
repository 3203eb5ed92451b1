"""Cutlery, tools and other things that lie flat. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.surfaces import (
    arc,
    box,
    cylinder,
    lathe,
    prism,
    rounded,
    sweep,
)
from evf_sam_ros.sim.household.things import Rng, Thing, pick, thing


def fork(rng: Rng) -> Thing:
    """A lying fork with four tines."""
    s = rng.uniform(0.9, 1.1)
    grip = sweep(
        [[0.11, 0, 0.004], [0.05, 0, 0.005], [-0.02, 0, 0.009]], [0.0095, 0.006, 0.004], 0.4
    )
    head = prism(
        [
            [-0.02, 0.005],
            [-0.035, 0.012],
            [-0.05, 0.012],
            [-0.05, -0.012],
            [-0.035, -0.012],
            [-0.02, -0.005],
        ],
        0.003,
        (-0.04, 0),
    ).moved(z=0.006)
    tines = [
        sweep(
            [[-0.048, y, 0.007], [-0.075, y, 0.004], [-0.095, y, 0.008]],
            [0.002, 0.002, 0.001],
            sides=6,
        )
        for y in (-0.0105, -0.0035, 0.0035, 0.0105)
    ]
    metal = [head, *tines]
    return thing(
        (pick(rng, ("main", "dark")), grip.scaled(s, s, s)),
        *(("main", each.scaled(s, s, s)) for each in metal),
    )


def spoon(rng: Rng) -> Thing:
    """A lying spoon."""
    s = rng.uniform(0.85, 1.15)
    grip = sweep(
        [[0.11, 0, 0.005], [0.05, 0, 0.006], [-0.035, 0, 0.009]], [0.009, 0.0055, 0.004], 0.4
    )
    dish = lathe([(0, 0), (0.7, 0.1), (1, 0.45), (0.96, 0.47), (0.65, 0.2), (0, 0.14)])
    dish = dish.scaled(0.032, 0.021, 0.02).moved(-0.062, 0, 0.001)
    return thing(("main", grip.scaled(s, s, s)), ("main", dish.scaled(s, s, s)))


def knife(rng: Rng) -> Thing:
    """A lying kitchen knife: a blade with a point and a handle with rivets."""
    s = rng.uniform(0.85, 1.15)
    blade = prism(
        np.array(
            [
                [0, 0.012],
                [-0.1, 0.012],
                [-0.15, -0.01],
                [-0.13, -0.015],
                [-0.07, -0.018],
                [0, -0.018],
            ]
        ),
        0.003,
        (-0.05, 0),
    ).moved(z=0.006)
    grip = prism(rounded(0.11, 0.024, 0.009), 0.015).moved(0.055)
    rivets = [cylinder(0.003, 0.0162).moved(x) for x in (0.025, 0.055, 0.085)]
    return thing(
        ("metal", blade.scaled(s, s, s)),
        ("main", grip.scaled(s, s, s)),
        *(("metal", rivet.scaled(s, s, s)) for rivet in rivets),
    )


def scissors(rng: Rng) -> Thing:
    """Lying scissors, a little open."""
    spread = rng.uniform(8, 16)
    parts = []
    for side, level in ((1, 0.0), (-1, 0.004)):
        blade = prism(
            np.array([[0.01, 0.006], [-0.1, 0.0015], [-0.1, -0.0015], [0.01, -0.006]]), 0.003
        )
        arm = sweep(
            [[0, 0, 0.002], [0.03, 0.008 * side, 0.002], [0.045, 0.012 * side, 0.002]], 0.006, 0.5
        )
        ring = sweep(arc(0.021, 0, 360, 21)[:, [0, 2, 1]] * [1.3, 1, 1], 0.006, 0.7)
        ring = ring.moved(0.068, 0.021 * side, 0.003)
        for paint, each in (("metal", blade), ("main", arm), ("main", ring)):
            parts.append((paint, each.turned("z", side * spread).moved(z=level)))
    return thing(*parts, ("dark", cylinder(0.0045, 0.01)))


def screwdriver(rng: Rng) -> Thing:
    """A lying screwdriver with a fluted grip."""
    length = rng.uniform(0.08, 0.13)
    grip = sweep(
        [[0, 0, 0.015], [0.008, 0, 0.015], [0.07, 0, 0.015], [0.09, 0, 0.015], [0.1, 0, 0.015]],
        [0.009, 0.015, 0.013, 0.016, 0.008],
        sides=6,
    )
    shaft = sweep([[0.005, 0, 0.015], [-length, 0, 0.015]], 0.0035, sides=8)
    tip = prism(
        np.array([[0, 0.003], [-0.012, 0.005], [-0.012, -0.005], [0, -0.003]]), 0.002, (-0.006, 0)
    )
    stripe = sweep([[0.072, 0, 0.015], [0.084, 0, 0.015]], 0.0165, sides=8)
    return thing(
        ("main", grip), ("metal", shaft), ("metal", tip.moved(-length, 0, 0.014)), ("dark", stripe)
    )


def hammer(rng: Rng) -> Thing:
    """A lying hammer."""
    length = rng.uniform(0.22, 0.28)
    shaft = sweep(
        [[0, 0, 0.016], [0.55 * length, 0, 0.016], [length, 0, 0.016]], [0.01, 0.011, 0.014], 0.8
    )
    head = box(0.028, 0.07, 0.028)
    face = cylinder(0.016, 0.02).turned("x", 90).moved(y=-0.033, z=0.014)
    claw = [
        sweep(
            [[x, 0.03, 0.014], [1.3 * x, 0.055, 0.012], [1.6 * x, 0.078, 0.004]],
            [0.009, 0.006, 0.003],
            0.8,
        )
        for x in (-0.009, 0.009)
    ]
    return thing(
        *(
            (paint, each.moved(-length / 2))
            for paint, each in (
                ("main", shaft),
                ("metal", head),
                ("metal", face),
                *(("metal", c) for c in claw),
            )
        )
    )


def wrench(rng: Rng) -> Thing:
    """A lying spanner: an open jaw at one end, a ring at the other."""
    length = rng.uniform(0.14, 0.2)
    bar = prism(rounded(length, 0.017, 0.004), 0.007)
    ring = sweep(arc(0.013, 0, 360, 21)[:, [0, 2, 1]], 0.006, 0.7).moved(
        length / 2 + 0.012, 0, 0.004
    )
    jaw = sweep(arc(0.016, 50, 310, 21)[:, [0, 2, 1]], 0.0075, 0.6).turned("z", 165)
    return thing(
        ("main", bar), ("main", ring), ("main", jaw.moved(-length / 2 - 0.014, 0, 0.0045))
    )


def pliers(rng: Rng) -> Thing:
    """Lying pliers with two coated grips."""
    parts = [("metal", cylinder(0.011, 0.014))]
    for side in (1, -1):
        grip = sweep(
            [
                [0.008, 0.004 * side, 0.008],
                [0.045, 0.024 * side, 0.008],
                [0.1, 0.024 * side, 0.008],
                [0.125, 0.017 * side, 0.008],
            ],
            [0.006, 0.008, 0.008, 0.006],
        )
        jaw = prism(
            np.array([[0, -0.001], [0, 0.012], [-0.03, 0.009], [-0.055, 0.003], [-0.055, -0.001]]),
            0.012,
            (-0.02, 0.003),
        )
        parts += [
            ("main", grip),
            ("metal", jaw.turned("x", 0 if side > 0 else 180).moved(z=0 if side > 0 else 0.012)),
        ]
    return thing(*parts)


def tape(rng: Rng) -> Thing:
    """A lying roll of tape with a wide hole."""
    radius, width = rng.uniform(0.04, 0.052), rng.uniform(0.02, 0.045)
    core = radius * rng.uniform(0.62, 0.75)
    roll = lathe([(core, 0), (radius, 0), (radius, width), (core, width)])
    inner = lathe([(core, width), (core - 0.003, width), (core - 0.003, 0), (core, 0)])
    return thing(("main", roll), ("cream", inner))


def brush(rng: Rng) -> Thing:
    """A lying scrubbing brush: bristles under a wooden or plastic back with a handle."""
    length = rng.uniform(0.09, 0.12)
    back = prism(rounded(length, 0.055, 0.026), 0.016).moved(z=0.03)
    grip = sweep(
        [[0.4 * length, 0, 0.04], [0.9 * length, 0, 0.05], [1.6 * length, 0, 0.05]],
        [0.014, 0.01, 0.012],
        0.7,
    )
    rows = [
        cylinder(0.005, 0.031).moved(x, y)
        for x in np.linspace(-0.42, 0.42, 7) * length
        for y in (-0.018, -0.006, 0.006, 0.018)
    ]
    return thing(
        ("main", back),
        ("main", grip),
        *((pick(rng, ("cream", "cream", "white")), r) for r in rows),
    )


def toothbrush(rng: Rng) -> Thing:
    """A lying toothbrush."""
    path = [[-0.075, 0, 0.008], [-0.04, 0, 0.006], [0, 0, 0.007], [0.09, 0, 0.007]]
    grip = sweep(path, [0.006, 0.004, 0.006, 0.007], 0.7)
    head = prism(rounded(0.03, 0.013, 0.006), 0.005).moved(-0.085, 0, 0.005)
    bristles = [box(0.0045, 0.01, 0.014).moved(-0.096 + 0.0055 * i, 0, 0.009) for i in range(5)]
    return thing(
        ("main", grip),
        ("main", head),
        *((("white", "second")[i % 2], b) for i, b in enumerate(bristles)),
    )


def paintbrush(rng: Rng) -> Thing:
    """A lying flat paintbrush."""
    wide = rng.uniform(0.02, 0.03)
    grip = sweep(
        [[0.03, 0, 0.008], [0.07, 0, 0.008], [0.15, 0, 0.008]], [0.8 * wide, 0.009, 0.012], 0.5
    )
    ferrule = prism(rounded(0.035, 2 * wide, 0.004), 0.014).moved(0.015)
    hair = prism(
        np.array(
            [
                [0, wide * 0.95],
                [-0.05, wide * 1.05],
                [-0.055, 0],
                [-0.05, -wide * 1.05],
                [0, -wide * 0.95],
            ]
        ),
        0.012,
        (-0.025, 0),
    ).moved(0, 0, 0.001)
    return thing(("main", grip), ("metal", ferrule), (pick(rng, ("cream", "dark")), hair))


def pen(rng: Rng) -> Thing:
    """A lying marker with a cap and a clip."""
    radius, length = rng.uniform(0.006, 0.009), rng.uniform(0.12, 0.14)
    body = sweep([[-0.2 * length, 0, radius], [length * 0.55, 0, radius]], radius)
    cap = sweep([[-0.45 * length, 0, radius], [-0.18 * length, 0, radius]], 1.08 * radius)
    end = sweep([[0.54 * length, 0, radius], [0.57 * length, 0, radius]], 0.8 * radius)
    clip = box(0.2 * length, 0.004, 0.0015).moved(-0.3 * length, 0, 2.25 * radius)
    return thing(
        (pick(rng, ("white", "main")), body), ("main", cap), ("main", end), ("dark", clip)
    )


def keys(rng: Rng) -> Thing:
    """A key ring with two or three keys and a tag."""
    parts = [
        ("metal", sweep(arc(0.014, 0, 360, 25)[:, [0, 2, 1]], 0.0014, sides=6).moved(z=0.003))
    ]
    for angle in (-150, -195, 160)[: int(rng.integers(2, 4))]:
        bow = sweep(arc(0.0085, 0, 360, 17)[:, [0, 2, 1]], 0.0045, 0.35).moved(0.026)
        blade = box(0.034, 0.0065, 0.0022).moved(0.051)
        teeth = [box(0.004, 0.004, 0.0022).moved(x, -0.0045) for x in (0.05, 0.057, 0.064)]
        for each in (bow, blade, *teeth):
            parts.append(("metal", each.turned("z", angle).moved(z=0.003)))
    tag = prism(rounded(0.045, 0.022, 0.008), 0.004).moved(0.038)
    return thing(*parts, ("main", tag))
