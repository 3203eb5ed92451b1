"""Baskets, trays, pots of plants and a chest of drawers. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.dishes import hollow
from evf_sam_ros.sim.household.surfaces import (
    arc,
    box,
    cylinder,
    ellipsoid,
    joined,
    lathe,
    prism,
    rounded,
    sweep,
)
from evf_sam_ros.sim.household.things import Rest, Rng, Thing, pick, thing


def basket(rng: Rng) -> Thing:
    """A woven open basket, with a handle over it or without."""
    radius, height = rng.uniform(0.09, 0.12), rng.uniform(0.08, 0.11)
    stretch = rng.uniform(1.0, 1.35)
    rows = []
    for i in range(7):
        z = height * (i + 0.5) / 7
        r = radius * (0.8 + 0.2 * (i + 0.5) / 7)
        rows.append(
            lathe(
                [
                    (r - 0.005, z - 0.007),
                    (r + 0.003, z - 0.004),
                    (r + 0.004, z + 0.004),
                    (r - 0.005, z + 0.007),
                ]
            )
        )
    stakes = [
        box(0.008, 0.012, height).moved(0.93 * radius).turned("z", 18 * i) for i in range(20)
    ]
    floor = cylinder(0.82 * radius, 0.006)
    parts = [("main", each.scaled(stretch)) for each in (*rows, floor)]
    parts += [("stalk", each.scaled(stretch)) for each in stakes]
    if rng.random() < 0.4:
        over = sweep(
            arc(radius, 0, 180, 21) * [0, 1, 1.5] + arc(radius, 0, 180, 21)[:, [1, 0, 1]], 0.007
        )
        parts.append(("stalk", over.moved(z=0.9 * height)))
    return thing(*parts, inside=Rest(0.75 * radius, 0.007))


def tray(rng: Rng) -> Thing:
    """A flat tray with a rim and two grips."""
    length, width, rim = rng.uniform(0.26, 0.34), rng.uniform(0.18, 0.23), rng.uniform(0.018, 0.03)
    floor = prism(rounded(length, width, 0.03), 0.005)
    outline = np.column_stack(
        [rounded(length, width, 0.03), np.zeros(len(rounded(length, width, 0.03)))]
    )
    edge = sweep(np.vstack([outline, outline[:1]]) * [1, 1, 0] + [0, 0, rim], 0.005, 0.8, 8)
    wall = [edge.moved(z=-0.4 * rim * i) for i in (1, 2)]
    grips = [
        sweep(arc(0.03, 0, 180) * [1.3, 1, 1], 0.006).turned("z", 90).moved(s * length / 2, 0, rim)
        for s in (-1, 1)
    ]
    return thing(
        (pick(rng, ("main", "main", "pattern")), floor),
        *(("main", each) for each in (edge, *wall)),
        *(("second", grip) for grip in grips),
        top=Rest(0.42 * width, 0.006),
    )


def bucket(rng: Rng) -> Thing:
    """A pail with a wire handle."""
    radius, height = rng.uniform(0.075, 0.095), rng.uniform(0.13, 0.17)
    body = hollow([(0.72 * radius, 0), (radius, height), (1.05 * radius, height)])
    down = pick(rng, ("up", "down"))
    wire = sweep(arc(1.02 * radius, 0, 180, 21), 0.003, sides=6)
    bow = wire.turned("x", 0 if down == "up" else 75).moved(z=0.95 * height)
    return thing(("main", body), ("metal", bow), inside=Rest(0.65 * radius, 0.007))


def vase(rng: Rng) -> Thing:
    """A vase with flowers in it."""
    radius, height = rng.uniform(0.032, 0.042), rng.uniform(0.12, 0.16)
    shape = [(0.6, 0), (0.95, 0.25), (1, 0.45), (0.55, 0.78), (0.5, 0.88), (0.7, 1)]
    body = hollow([(radius * r, height * z) for r, z in shape])
    stems, heads = [], []
    for i in range(int(rng.integers(3, 6))):
        lean, tall = rng.uniform(0.02, 0.055), rng.uniform(0.08, 0.13)
        tip = [lean, 0, height + tall]
        stems.append(
            sweep(
                [[0, 0, 0.5 * height], [0.4 * lean, 0, height + 0.4 * tall], tip], 0.002, sides=6
            ).turned("z", 90 * i + 20)
        )
        petals = [
            ellipsoid(0.012, 0.007, 0.003).moved(0.012).turned("z", 60 * k).moved(*tip)
            for k in range(6)
        ]
        heart = ellipsoid(0.007, 0.007, 0.005).moved(*tip)
        heads += [
            ("second", joined(petals).turned("z", 90 * i + 20)),
            ("yellow", heart.turned("z", 90 * i + 20)),
        ]
    return thing(
        (pick(rng, ("main", "pattern")), body), *(("green", stem) for stem in stems), *heads
    )


def plant(rng: Rng) -> Thing:
    """A pot with earth and leaves."""
    radius, height = rng.uniform(0.045, 0.06), rng.uniform(0.07, 0.095)
    pot = hollow(
        [
            (0.72 * radius, 0),
            (0.95 * radius, 0.85 * height),
            (1.05 * radius, 0.85 * height),
            (1.05 * radius, height),
        ]
    )
    soil = cylinder(0.95 * radius, 0.002).moved(z=0.88 * height)
    leaves = []
    for i in range(int(rng.integers(9, 15))):
        angle, lift, length = 137.5 * i, rng.uniform(0.06, 0.13), rng.uniform(0.05, 0.11)
        path = [
            [0, 0, 0.85 * height],
            [0.45 * length, 0, height + 0.8 * lift],
            [0.8 * length, 0, height + lift],
            [length, 0, height + 0.75 * lift],
        ]
        leaves.append(sweep(path, [0.004, 0.013, 0.014, 0.002], 0.2, 8).turned("z", angle))
    return thing(("main", pot), ("soil", soil), *(("green", leaf) for leaf in leaves))


def watering_can(rng: Rng) -> Thing:
    """A can with a long spout, a rose and a handle."""
    radius, height = rng.uniform(0.055, 0.068), rng.uniform(0.1, 0.13)
    body = hollow([(radius, 0), (0.92 * radius, height)])
    spout = sweep(
        [
            [-0.9 * radius, 0, 0.25 * height],
            [-1.6 * radius, 0, 0.7 * height],
            [-2.3 * radius, 0, 1.15 * height],
        ],
        [0.015, 0.011, 0.009],
    )
    rose = cylinder(0.012, 0.02, 0.024).turned("y", -52).moved(-2.3 * radius, 0, 1.15 * height)
    over = sweep(
        [
            [-0.5 * radius, 0, height],
            [0, 0, 1.35 * height],
            [0.9 * radius, 0, 1.3 * height],
            [1.4 * radius, 0, 0.85 * height],
            [0.9 * radius, 0, 0.35 * height],
        ],
        0.007,
    )
    return thing(
        *(("main", each) for each in (body, spout, rose)), (pick(rng, ("main", "second")), over)
    )


def cabinet(rng: Rng) -> Thing:
    """A small chest of drawers; one of them may stand open."""
    width, depth, height = rng.uniform(0.2, 0.27), rng.uniform(0.16, 0.2), rng.uniform(0.18, 0.26)
    count = int(rng.integers(2, 4))
    parts = [("main", box(width, depth, height))]
    step = height / count
    opened = int(rng.integers(0, 2 * count))
    for i in range(count):
        out = 0.06 if i == opened else 0.004
        front = box(0.92 * width, 0.008, 0.86 * step).moved(
            y=-depth / 2 - out, z=step * (i + 0.07)
        )
        knob = ellipsoid(0.011, 0.011, 0.011).moved(y=-depth / 2 - out - 0.012, z=step * (i + 0.5))
        parts += [("second" if opened % 2 else "main", front), ("metal", knob)]
        gap = box(0.94 * width, 0.002, 0.9 * step).moved(y=-depth / 2 - 0.001, z=step * (i + 0.05))
        parts.append(("dark", gap))
        if out > 0.01:
            sides = [
                box(0.006, out, 0.6 * step).moved(
                    s * 0.43 * width, -depth / 2 - out / 2, step * (i + 0.1)
                )
                for s in (-1, 1)
            ]
            parts += [("wood", side) for side in sides]
    return thing(*parts, top=Rest(0.42 * depth, height))


def tissue_box(rng: Rng) -> Thing:
    """A box of tissues with one sticking out."""
    length, width, height = (
        rng.uniform(0.18, 0.23),
        rng.uniform(0.1, 0.12),
        rng.uniform(0.06, 0.09),
    )
    slot = prism(rounded(0.5 * length, 0.25 * width, 0.02), 0.001).moved(z=height)
    paper = lathe(
        [(0.02, height), (0.035, height + 0.03), (0.01, height + 0.055), (0, height + 0.06)], 5
    ).scaled(1.2, 0.5)
    look = pick(rng, ("main", "pattern"))
    return thing((look, box(length, width, height)), ("dark", slot), ("white", paper))
