"""Things of the stove and the kitchen counter. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.dishes import handle, hollow
from evf_sam_ros.sim.household.surfaces import (
    arc,
    box,
    cylinder,
    ellipsoid,
    lathe,
    prism,
    rounded,
    sweep,
)
from evf_sam_ros.sim.household.things import Rest, Rng, Thing, pick, thing


def frying_pan(rng: Rng) -> Thing:
    """A flat pan with one long handle."""
    radius, height = rng.uniform(0.09, 0.12), rng.uniform(0.03, 0.042)
    body = hollow([(0.82 * radius, 0), (radius, height)])
    length = rng.uniform(0.13, 0.17)
    grip = sweep(
        [
            [0.95 * radius, 0, 0.85 * height],
            [radius + 0.4 * length, 0, height + 0.015],
            [radius + length, 0, height + 0.02],
        ],
        [0.009, 0.013, 0.013],
        0.6,
    )
    return thing(
        ("main", body),
        (pick(rng, ("dark", "wood", "main")), grip),
        inside=Rest(0.7 * radius, 0.007),
    )


def saucepan(rng: Rng) -> Thing:
    """A deep pot with a lid or without, two ears or one handle."""
    radius, height = rng.uniform(0.07, 0.10), rng.uniform(0.08, 0.12)
    parts = [("main", hollow([(radius, 0), (radius, height), (1.04 * radius, height)]))]
    if rng.random() < 0.5:
        grip = [[0.98 * radius, 0, 0.8 * height], [radius + 0.15, 0, 0.85 * height]]
        parts.append(("dark", sweep(grip, 0.011, 0.6)))
    else:
        ear = (
            sweep(arc(0.028, -90, 90), 0.006).turned("x", 90).moved(0.98 * radius, 0, 0.8 * height)
        )
        parts += [("dark", ear), ("dark", ear.turned("z", 180))]
    if rng.random() < 0.5:
        lid = lathe([(0, 0), (1.05 * radius, 0), (0.9 * radius, 0.012), (0, 0.02)])
        knob = ellipsoid(0.013, 0.013, 0.012).moved(z=height + 0.03)
        return thing(*parts, ("main", lid.moved(z=height)), ("dark", knob))
    return thing(*parts, inside=Rest(0.8 * radius, 0.007))


def kettle(rng: Rng) -> Thing:
    """A kettle with a spout and an arched handle over its lid."""
    radius, height = rng.uniform(0.07, 0.085), rng.uniform(0.11, 0.14)
    shape = [(0, 0), (1, 0), (1.02, 0.2), (0.85, 0.65), (0.5, 0.92), (0.45, 1), (0, 1)]
    body = lathe([(radius * r, height * z) for r, z in shape])
    knob = ellipsoid(0.012, 0.012, 0.012).moved(z=height + 0.01)
    spout = sweep(
        [
            [-0.8 * radius, 0, 0.35 * height],
            [-1.35 * radius, 0, 0.6 * height],
            [-1.6 * radius, 0, 0.95 * height],
        ],
        [0.02, 0.014, 0.01],
    )
    over = sweep(arc(0.72 * radius, 0, 180) * [1, 1, 1.25], 0.008, 0.7).moved(z=0.85 * height)
    return thing(("main", body), ("main", spout), ("dark", over), ("dark", knob))


def teapot(rng: Rng) -> Thing:
    """A round pot with a spout on one side and a handle on the other."""
    radius = rng.uniform(0.055, 0.07)
    height = radius * rng.uniform(1.4, 1.7)
    look = pick(rng, ("main", "pattern"))
    belly = ellipsoid(radius, radius, height / 2).moved(z=height / 2)
    foot = cylinder(0.55 * radius, 0.01)
    lid = lathe([(0, 0), (0.45 * radius, 0), (0.3 * radius, 0.012), (0, 0.016)]).moved(
        z=0.95 * height
    )
    knob = ellipsoid(0.01, 0.01, 0.01).moved(z=height + 0.014)
    spout = sweep(
        [
            [-0.8 * radius, 0, 0.4 * height],
            [-1.3 * radius, 0, 0.55 * height],
            [-1.7 * radius, 0, 0.95 * height],
        ],
        [0.018, 0.012, 0.008],
    )
    ear = handle(0.045, 0.65 * height, 0.007).moved(0.85 * radius, 0, 0.52 * height)
    return thing(
        (look, belly),
        ("main", foot),
        ("main", spout),
        ("main", ear),
        ("main", lid),
        ("second", knob),
    )


def cutting_board(rng: Rng) -> Thing:
    """A wooden or plastic board with a hole for hanging."""
    length, width = rng.uniform(0.24, 0.32), rng.uniform(0.15, 0.2)
    thick = rng.uniform(0.012, 0.018)
    board = prism(rounded(length, width, 0.02), thick)
    tongue = prism(rounded(0.09, 0.05, 0.02), thick).moved(length / 2 + 0.02)
    hole = cylinder(0.009, 0.001).moved(length / 2 + 0.045, 0, thick)
    return thing(("main", board), ("main", tongue), ("dark", hole), top=Rest(0.45 * width, thick))


def rolling_pin(rng: Rng) -> Thing:
    """A lying roller with two handles."""
    radius, length = rng.uniform(0.024, 0.03), rng.uniform(0.2, 0.26)
    profile = [
        (0, -0.65),
        (0.4, -0.65),
        (0.45, -0.52),
        (0.3, -0.5),
        (1, -0.49),
        (1, 0.49),
        (0.3, 0.5),
        (0.45, 0.52),
        (0.4, 0.65),
        (0, 0.65),
    ]
    roller = lathe([(radius * r, length * z) for r, z in profile]).turned("y", 90)
    return thing(("main", roller))


def spatula(rng: Rng) -> Thing:
    """A lying turner: a slotted blade on a long handle."""
    length = rng.uniform(0.18, 0.24)
    blade = prism(rounded(0.1, 0.075, 0.012), 0.004).moved(-0.05, 0, 0.004)
    slots = [box(0.06, 0.007, 0.0012).moved(-0.055, y, 0.0085) for y in (-0.02, 0, 0.02)]
    rod = sweep([[-0.01, 0, 0.008], [0.06, 0, 0.014]], 0.004)
    grip = sweep(
        [[0.05, 0, 0.014], [0.06, 0, 0.014], [length, 0, 0.014]], [0.007, 0.012, 0.01], 0.7
    )
    return thing(
        ("main", blade),
        *(("dark", slot) for slot in slots),
        ("metal", rod),
        (pick(rng, ("main", "wood")), grip),
    )


def whisk(rng: Rng) -> Thing:
    """A lying whisk: wire loops on a handle."""
    length = rng.uniform(0.09, 0.12)
    grip = sweep([[0, 0, 0.025], [0.01, 0, 0.025], [0.12, 0, 0.025]], [0.006, 0.011, 0.009])
    turn = np.linspace(-np.pi / 2, np.pi / 2, 15)
    loop = np.column_stack(
        [-length * np.cos(turn), 0.028 * np.sin(2 * turn) * 0 + 0.03 * np.sin(turn), np.zeros(15)]
    )
    loop[:, 1] *= np.cos(turn) * 0.6 + 0.4
    wires = [sweep(loop, 0.0018, sides=6).turned("x", d).moved(z=0.025) for d in (0, 45, 90, 135)]
    return thing(("main", grip), *(("metal", wire) for wire in wires))


def salt_shaker(rng: Rng) -> Thing:
    """A small shaker with a domed metal top and holes."""
    radius, height = rng.uniform(0.02, 0.026), rng.uniform(0.06, 0.08)
    body = lathe([(0, 0), (radius, 0), (0.75 * radius, height), (0, height)])
    cap = ellipsoid(0.8 * radius, 0.8 * radius, 0.016).moved(z=height)
    collar = cylinder(0.82 * radius, 0.012).moved(z=height - 0.01)
    holes = [
        cylinder(0.0022, 0.0012).moved(x, y, height + 0.0145)
        for x, y in ((0, 0), (0.006, 0), (-0.006, 0), (0, 0.006), (0, -0.006))
    ]
    return thing(("main", body), ("metal", cap), ("metal", collar), *(("dark", h) for h in holes))


def toaster(rng: Rng) -> Thing:
    """A toaster with two slots and a lever."""
    length, width, height = (
        rng.uniform(0.22, 0.27),
        rng.uniform(0.13, 0.16),
        rng.uniform(0.15, 0.18),
    )
    body = prism(rounded(length, width, 0.04), height)
    slots = [box(0.75 * length, 0.022, 0.001).moved(0, y, height) for y in (-0.03, 0.03)]
    lever = box(0.02, 0.035, 0.015).moved(length / 2 + 0.008, 0, 0.6 * height)
    base = prism(rounded(length + 0.004, width + 0.004, 0.04), 0.02)
    return thing(("main", body), *(("dark", s) for s in slots), ("dark", lever), ("dark", base))
