"""Fruit, vegetables and bread. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.surfaces import arc, box, ellipsoid, lathe, prism, sweep
from evf_sam_ros.sim.household.things import Rng, Thing, thing


def apple(rng: Rng) -> Thing:
    """A round fruit with a dimple and a stalk."""
    radius = rng.uniform(0.034, 0.042)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 15)
    dent = 0.22 * np.exp(-(((np.abs(turn) - np.pi / 2) / 0.35) ** 2))
    profile = [
        (max(radius * np.cos(t), 0), radius * (0.92 * np.sin(t) - np.sign(t) * d * 1.2))
        for t, d in zip(turn, dent, strict=True)
    ]
    stalk = sweep(
        [[0, 0, 0.55 * radius], [0.003, 0, radius], [0.007, 0, 1.3 * radius]], 0.002, sides=6
    )
    leaf = ellipsoid(0.013, 0.006, 0.0015).turned("y", -25).moved(0.016, 0, 1.1 * radius)
    return thing(("main", lathe(profile)), ("stalk", stalk), ("green", leaf))


def pear(rng: Rng) -> Thing:
    """A fruit with a belly and a narrow top."""
    radius = rng.uniform(0.031, 0.038)
    shape = [
        (0, 0),
        (0.5, 0.03),
        (0.92, 0.35),
        (1, 0.75),
        (0.85, 1.2),
        (0.55, 1.65),
        (0.45, 2.0),
        (0.3, 2.25),
        (0, 2.32),
    ]
    stalk = sweep(
        [[0, 0, 2.2 * radius], [0.004, 0, 2.6 * radius], [0.01, 0, 2.9 * radius]], 0.002, sides=6
    )
    return thing(("main", lathe([(radius * r, radius * z) for r, z in shape])), ("stalk", stalk))


def lemon(rng: Rng) -> Thing:
    """A lying fruit with two tips."""
    radius = rng.uniform(0.026, 0.032)
    shape = [
        (0, -1.45),
        (0.16, -1.4),
        (0.25, -1.25),
        (0.7, -0.9),
        (1, 0),
        (0.7, 0.9),
        (0.25, 1.25),
        (0.16, 1.4),
        (0, 1.45),
    ]
    smooth = lathe([(radius * r, radius * z) for r, z in shape])
    return thing(("main", smooth.turned("y", 90)))


def banana(rng: Rng) -> Thing:
    """A lying bent fruit with dark ends."""
    reach = rng.uniform(0.08, 0.1)
    path = arc(reach, 30, 150, 13) * [1, 1, 0.75]
    bent = path[:, [0, 2, 1]] - [0, 0.55 * reach, 0]
    thick = 0.018 * np.array([0.3, 0.65, 0.85, 0.95, 1, 1, 1, 1, 1, 0.95, 0.85, 0.6, 0.35])
    ends = [
        sweep(bent[:2] + (bent[0] - bent[1]) * 0.7, 0.006),
        sweep(bent[-2:] + (bent[-1] - bent[-2]) * 0.4, 0.005),
    ]
    return thing(("main", sweep(bent, thick, 0.9, 6)), *(("stalk", end) for end in ends))


def grapes(rng: Rng) -> Thing:
    """A lying bunch of grapes."""
    balls = []
    for row in range(6):
        for column in range(6 - row):
            for level in range(max(1, 3 - row // 2)):
                jitter = rng.normal(0, 0.002, 3)
                place = [0.017 * row - 0.05, 0.018 * (column - (5 - row) / 2), 0.014 * level]
                balls.append(ellipsoid(0.0105, 0.0105, 0.0105).moved(*(place + jitter)))
    stalk = sweep([[-0.05, 0, 0.03], [-0.07, 0.003, 0.04], [-0.088, 0.01, 0.042]], 0.003)
    return thing(*(("main", ball) for ball in balls), ("stalk", stalk))


def carrot(rng: Rng) -> Thing:
    """A lying root with green leaves."""
    length, radius = rng.uniform(0.13, 0.18), rng.uniform(0.014, 0.019)
    shape = [(0, 0), (0.15, 0.02), (0.5, 0.35), (0.8, 0.7), (1, 0.95), (0.8, 1), (0, 1)]
    root = lathe([(radius * r, length * z) for r, z in shape]).turned("y", 90)
    leaves = [
        sweep(
            [[length, 0, 0], [length + 0.03, 0.3 * y, 0.004], [length + 0.065, y, 0.002]],
            [0.004, 0.006, 0.003],
            sides=6,
        )
        for y in (-0.022, -0.008, 0.01, 0.024)
    ]
    whole = [("main", root), *(("green", leaf) for leaf in leaves)]
    return thing(*((paint, each.moved(-length / 2)) for paint, each in whole))


def eggplant(rng: Rng) -> Thing:
    """A lying long glossy body with a green cap."""
    length, radius = rng.uniform(0.14, 0.18), rng.uniform(0.028, 0.035)
    shape = [
        (0, 0),
        (0.6, 0.03),
        (0.95, 0.15),
        (1, 0.3),
        (0.75, 0.6),
        (0.55, 0.85),
        (0.45, 0.97),
        (0, 1),
    ]
    body = lathe([(radius * r, length * z) for r, z in shape])
    cap = lathe(
        [
            (0.62 * radius, 0.84 * length),
            (0.5 * radius, 0.99 * length),
            (0.15 * radius, 1.02 * length),
            (0.1 * radius, 1.18 * length),
            (0, 1.18 * length),
        ]
    )
    return thing(
        *(
            (paint, each.turned("y", 90).moved(-length / 2))
            for paint, each in (("main", body), ("green", cap))
        )
    )


def broccoli(rng: Rng) -> Thing:
    """A green crown on a thick stalk."""
    stalk = lathe([(0, 0), (0.018, 0), (0.015, 0.03), (0.028, 0.06), (0, 0.06)])
    heads = [ellipsoid(0.026, 0.026, 0.022).moved(0, 0, 0.092)]
    for ring, (reach, level, count) in enumerate(((0.028, 0.08, 6), (0.042, 0.062, 8))):
        for i in range(count):
            angle = 2 * np.pi * (i + 0.5 * ring) / count
            size = rng.uniform(0.016, 0.021)
            heads.append(
                ellipsoid(size, size, size).moved(
                    reach * np.cos(angle), reach * np.sin(angle), level
                )
            )
    return thing(("cream", stalk), *(("main", head) for head in heads))


def tomato(rng: Rng) -> Thing:
    """A flat round fruit with a green star."""
    radius = rng.uniform(0.032, 0.04)
    body = ellipsoid(radius, radius, 0.8 * radius)
    star = [
        sweep([[0.0, 0, 0], [0.011, 0, 0.001], [0.021, 0, -0.004]], [0.003, 0.0035, 0.001], 0.5, 6)
        .turned("z", 72 * i)
        .moved(z=0.81 * radius)
        for i in range(5)
    ]
    stalk = sweep(
        [[0, 0, 0.8 * radius], [0, 0.001, 0.95 * radius], [0.003, 0, 1.15 * radius]],
        0.0022,
        sides=6,
    )
    return thing(("main", body), *(("green", ray) for ray in star), ("green", stalk))


def mushroom(rng: Rng) -> Thing:
    """A cap on a stem."""
    radius = rng.uniform(0.028, 0.036)
    stem = lathe([(0, 0), (0.4 * radius, 0), (0.36 * radius, radius), (0, radius)])
    turn = np.linspace(0, np.pi / 2, 8)
    cap = [(0, 0.9), (0.8, 0.9), *((np.cos(t), 1 + 0.85 * np.sin(t)) for t in turn)]
    return thing(("cream", stem), ("main", lathe([(radius * r, radius * z) for r, z in cap])))


def bread(rng: Rng) -> Thing:
    """A loaf with cuts across its top."""
    length, width, height = (
        rng.uniform(0.18, 0.24),
        rng.uniform(0.045, 0.055),
        rng.uniform(0.035, 0.045),
    )
    stations = np.linspace(-1, 1, 15)
    path = np.column_stack([length / 2 * stations, np.zeros(15), np.zeros(15)])
    loaf = sweep(path, width * np.clip(1 - stations**6, 0.15, 1) ** 0.5, height / width, 14)
    cuts = [
        sweep(
            [
                [x - 0.008, -0.6 * width, 0.8 * height],
                [x, 0, 0.985 * height],
                [x + 0.008, 0.6 * width, 0.8 * height],
            ],
            0.004,
            0.5,
            6,
        )
        for x in np.linspace(-0.32, 0.32, 4) * length
    ]
    return thing(("main", loaf), *(("cream", cut) for cut in cuts))


def cheese(rng: Rng) -> Thing:
    """A wedge with holes."""
    length, half, height = (
        rng.uniform(0.09, 0.12),
        rng.uniform(0.03, 0.04),
        rng.uniform(0.04, 0.055),
    )
    outline = [[-length / 2, 0], [length / 2, -half], [length / 2, half]]
    wedge = prism(outline, height, (length / 4, 0))
    holes = []
    for _ in range(9):
        t, z = rng.uniform(0.3, 0.95), rng.uniform(0.2, 0.8) * height
        size = rng.uniform(0.004, 0.008)
        side = rng.choice([-1, 1])
        holes.append(
            ellipsoid(size, 0.0015, size)
            .turned("z", side * float(np.degrees(np.arctan2(half, length))))
            .moved(-length / 2 + t * length, side * t * half, z)
        )
    rind = box(0.003, 2 * half, height).moved(length / 2)
    return thing(("main", wedge), *(("stalk", hole) for hole in holes), ("second", rind))


def egg(rng: Rng) -> Thing:
    """A lying egg."""
    radius = rng.uniform(0.02, 0.024)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 13)
    shape = [(radius * np.cos(t) * (1 - 0.14 * np.sin(t)), 1.3 * radius * np.sin(t)) for t in turn]
    return thing(("main", lathe(shape).turned("y", 90)))
