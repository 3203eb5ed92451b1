"""Packed goods: cans, cartons, boxes, bottles, jars, tubes. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.dishes import hollow
from evf_sam_ros.sim.household.surfaces import (
    Surface,
    band,
    box,
    closed_sheet,
    cylinder,
    ellipsoid,
    joined,
    lathe,
    panel,
    prism,
    rounded,
    sweep,
)
from evf_sam_ros.sim.household.things import Rest, Rng, Thing, pick, thing


def can(rng: Rng) -> Thing:
    """A tin of food with a label between two metal rims, or a drink can."""
    if rng.random() < 0.4:
        return _drink_can(rng)
    radius, height = rng.uniform(0.032, 0.045), rng.uniform(0.07, 0.12)
    rims = [
        lathe(
            [
                (0, z),
                (1.02 * radius, z),
                (1.02 * radius, z + 0.004),
                (0.93 * radius, z + 0.004),
                (0.93 * radius, z + 0.002),
                (0, z + 0.002),
            ]
        )
        for z in (0, height)
    ]
    body = cylinder(radius, height)
    paper = band(radius + 0.0006, 0.07 * height, 0.95 * height)
    label_ = band(radius + 0.0012, 0.2 * height, 0.82 * height, rng.uniform(80, 130))
    return thing(
        *(("metal", rim) for rim in rims),
        ("metal", body),
        (pick(rng, ("wrap", "main")), paper),
        ("label", label_),
        ("label", label_.turned("z", 180)),
    )


def _drink_can(rng: Rng) -> Thing:
    radius, height = rng.uniform(0.029, 0.034), rng.uniform(0.115, 0.14)
    body = lathe(
        [
            (0.75 * radius, 0.004),
            (radius, 0.013),
            (radius, height - 0.014),
            (0.82 * radius, height),
        ]
    )
    ends = joined(
        [cylinder(0.78 * radius, 0.006), cylinder(0.82 * radius, 0.003).moved(z=height - 0.001)]
    )
    tab = prism(rounded(0.022, 0.012, 0.005), 0.002).moved(z=height + 0.002)
    label_ = band(radius + 0.0008, 0.25 * height, 0.75 * height, 110)
    return thing(
        (pick(rng, ("main", "wrap")), body), ("metal", ends), ("metal", tab), ("label", label_)
    )


def carton(rng: Rng) -> Thing:
    """A milk or juice carton with a gable top."""
    side, height = rng.uniform(0.06, 0.08), rng.uniform(0.13, 0.19)
    half, roof = side / 2, rng.uniform(0.35, 0.5) * side
    body = box(side, side, height)
    slopes = panel(side, np.hypot(half, roof))
    angle = float(np.degrees(np.arctan2(half, roof)))
    front = slopes.turned("x", -angle).moved(y=-half / 2, z=height + roof / 2)
    gable = Surface(
        np.array([[half, -half, height], [half, half, height], [half, 0, height + roof]]),
        np.array([[0, 1, 2]]),
        np.array([[0, 0], [1, 0], [0.5, 1]], float),
    )
    seam = box(side, 0.004, 0.018).moved(z=height + roof - 0.002)
    parts = [
        ("main", body),
        ("main", joined([front, front.turned("z", 180)])),
        ("white", joined([gable, gable.turned("z", 180)])),
        ("white", seam),
    ]
    if rng.random() < 0.5:
        cap = cylinder(0.014, 0.012).turned("x", angle).moved(y=-half / 2, z=height + roof / 2)
        parts.append(("second", cap))
    return thing(*parts, *_prints(side, side, 0.95 * height, rng))


def cereal_box(rng: Rng) -> Thing:
    """A tall printed box."""
    width, depth, height = (
        rng.uniform(0.13, 0.19),
        rng.uniform(0.045, 0.07),
        rng.uniform(0.2, 0.28),
    )
    return thing(("main", box(width, depth, height)), *_prints(width, depth, height, rng))


def small_box(rng: Rng) -> Thing:
    """A small printed package: tea, biscuits, butter."""
    width, depth, height = (
        rng.uniform(0.08, 0.14),
        rng.uniform(0.05, 0.09),
        rng.uniform(0.035, 0.075),
    )
    lid = panel(0.9 * width, 0.9 * depth).turned("x", -90).moved(z=height + 0.0006)
    return thing(
        (pick(rng, ("main", "wrap")), box(width, depth, height)),
        ("label", lid),
        *_prints(width, depth, height, rng),
        top=Rest(0.45 * depth, height),
    )


def cardboard_box(rng: Rng) -> Thing:
    """A plain brown box, closed with tape or open with its flaps out."""
    width, depth, height = (
        rng.uniform(0.15, 0.24),
        rng.uniform(0.12, 0.17),
        rng.uniform(0.09, 0.15),
    )
    if rng.random() < 0.5:
        strip = box(0.035, depth + 0.001, 0.001).moved(z=height)
        tongue = box(0.035, 0.001, 0.04).moved(y=-depth / 2, z=height - 0.04)
        return thing(
            ("main", box(width, depth, height)),
            ("cream", strip),
            ("cream", tongue),
            top=Rest(0.45 * depth, height),
        )
    walls = [box(width, 0.004, height).moved(y=s * depth / 2) for s in (-1, 1)]
    walls += [box(0.004, depth, height).moved(s * width / 2) for s in (-1, 1)]
    flaps = [
        box(width, 0.003, 0.4 * depth).turned("x", -s * 125).moved(y=s * depth / 2, z=height)
        for s in (-1, 1)
    ]
    return thing(
        *(("main", each) for each in (*walls, *flaps, box(width, depth, 0.004))),
        inside=Rest(0.4 * depth, 0.005),
    )


def _prints(width: float, depth: float, height: float, rng: Rng) -> list[tuple[str, Surface]]:
    """Labels on the front and the back of a box."""
    share = rng.uniform(0.7, 0.95)
    front = panel(share * width, share * height).moved(y=-depth / 2 - 0.0006, z=height / 2)
    return [("label", front), ("label", front.turned("z", 180))]


def water_bottle(rng: Rng) -> Thing:
    """A plain bottle with shoulders, a neck, a cap and often a label."""
    radius, height = rng.uniform(0.028, 0.038), rng.uniform(0.17, 0.24)
    shape = [
        (0, 0),
        (0.93, 0),
        (1, 0.02),
        (1, 0.6),
        (0.9, 0.72),
        (0.45, 0.85),
        (0.38, 0.9),
        (0, 0.9),
    ]
    body = lathe([(radius * r, height * z) for r, z in shape])
    cap = cylinder(0.45 * radius, 0.1 * height).moved(z=0.9 * height)
    parts = [("main", body), (pick(rng, ("second", "white", "dark")), cap)]
    if rng.random() < 0.7:
        parts.append(("label", band(radius + 0.0007, 0.2 * height, 0.5 * height)))
    return thing(*parts)


def wine_bottle(rng: Rng) -> Thing:
    """A tall dark bottle with a long neck and a foil."""
    radius, height = rng.uniform(0.034, 0.04), rng.uniform(0.27, 0.32)
    shape = [
        (0, 0),
        (1, 0),
        (1, 0.58),
        (0.85, 0.66),
        (0.42, 0.74),
        (0.36, 0.8),
        (0.36, 0.98),
        (0.4, 0.98),
        (0.4, 1),
        (0, 1),
    ]
    body = lathe([(radius * r, height * z) for r, z in shape])
    foil = cylinder(0.41 * radius, 0.16 * height).moved(z=0.845 * height)
    return thing(
        ("main", body),
        (pick(rng, ("second", "red", "dark")), foil),
        ("label", band(radius + 0.0007, 0.15 * height, 0.45 * height, 200)),
    )


def squeeze_bottle(rng: Rng) -> Thing:
    """A sauce bottle with a pointed nozzle."""
    radius, height = rng.uniform(0.03, 0.036), rng.uniform(0.15, 0.2)
    shape = [(0, 0), (1, 0), (1, 0.3), (0.85, 0.42), (0.95, 0.56), (0.6, 0.74), (0, 0.74)]
    body = lathe([(radius * r, height * z) for r, z in shape]).scaled(1, 0.75, 1)
    nozzle = [(0, 0.72), (0.62, 0.72), (0.62, 0.8), (0.3, 0.84), (0.12, 1), (0, 1)]
    cap = lathe([(radius * r, height * z) for r, z in nozzle]).scaled(1, 0.85, 1)
    label_ = band(radius + 0.001, 0.04 * height, 0.3 * height, 150).scaled(1, 0.76, 1)
    return thing(("main", body), (pick(rng, ("main", "white", "second")), cap), ("label", label_))


def spray_bottle(rng: Rng) -> Thing:
    """A bottle with a pistol head and a trigger."""
    radius, height = rng.uniform(0.034, 0.042), rng.uniform(0.16, 0.2)
    shape = [(0, 0), (1, 0), (1, 0.55), (0.85, 0.72), (0.35, 0.88), (0.35, 1), (0, 1)]
    body = lathe([(radius * r, height * z) for r, z in shape]).scaled(1, 0.7, 1)
    head = joined(
        [
            box(0.085, 0.026, 0.03).moved(-0.015, 0, height + 0.012),
            cylinder(0.018, 0.02).moved(z=height - 0.004),
        ]
    )
    nozzle = cylinder(0.009, 0.018).turned("y", -90).moved(-0.055, 0, height + 0.028)
    trigger = sweep(
        [[-0.025, 0, height + 0.015], [-0.036, 0, height - 0.01], [-0.03, 0, height - 0.038]],
        0.007,
        0.7,
    )
    label_ = band(radius + 0.001, 0.08 * height, 0.5 * height, 140).scaled(1, 0.72, 1)
    cap = pick(rng, ("second", "white"))
    return thing(("main", body), (cap, head), ("dark", nozzle), (cap, trigger), ("label", label_))


def jar(rng: Rng) -> Thing:
    """A wide jar with a screw lid and a label."""
    radius, height = rng.uniform(0.033, 0.046), rng.uniform(0.08, 0.12)
    shape = [(0, 0), (0.95, 0), (1, 0.05), (1, 0.74), (0.82, 0.84), (0.82, 0.86), (0, 0.86)]
    body = lathe([(radius * r, height * z) for r, z in shape])
    lid = lathe([(0, 0), (0.92 * radius, 0), (0.92 * radius, 0.15 * height), (0, 0.155 * height)])
    label_ = band(radius + 0.0008, 0.2 * height, 0.62 * height, rng.uniform(120, 240))
    return thing(
        ("main", body),
        (pick(rng, ("second", "metal", "dark")), lid.moved(z=0.84 * height)),
        ("label", label_),
    )


def tube(rng: Rng) -> Thing:
    """A lying tube of toothpaste: flat at one end, a cap at the other."""
    length, radius = rng.uniform(0.13, 0.18), rng.uniform(0.019, 0.025)
    stations = np.linspace(0, 1, 9)
    rings = []
    for s in stations:
        angles = np.linspace(0, 2 * np.pi, 21)
        wide, thick = radius * (1.25 - 0.3 * s), radius * (0.08 + 0.92 * s**0.7)
        rings.append(
            np.column_stack(
                [
                    np.full(21, -length / 2 + s * length),
                    wide * np.cos(angles),
                    thick * np.sin(angles),
                ]
            )
        )
    body = closed_sheet(rings)
    cap = cylinder(0.75 * radius, 0.025).turned("y", 90).moved(length / 2)
    crimp = box(0.012, 2.5 * radius, 0.002).moved(-length / 2)
    label_ = (
        panel(0.5 * length, 1.1 * radius)
        .turned("x", -90)
        .turned("y", -5)
        .moved(0.15 * length, 0, 0.98 * radius)
    )
    return thing(
        ("main", body), (pick(rng, ("white", "second")), cap), ("main", crimp), ("label", label_)
    )


def soap_dispenser(rng: Rng) -> Thing:
    """A pump bottle."""
    radius, height = rng.uniform(0.028, 0.036), rng.uniform(0.11, 0.14)
    body = lathe(
        [(0, 0), (radius, 0), (radius, 0.85 * height), (0.5 * radius, height), (0, height)]
    )
    collar = cylinder(0.45 * radius, 0.016).moved(z=height)
    rod = cylinder(0.004, 0.035).moved(z=height + 0.012)
    spout = sweep(
        [[0.012, 0, height + 0.05], [-0.03, 0, height + 0.05], [-0.045, 0, height + 0.038]],
        0.007,
        0.8,
    )
    look = pick(rng, ("metal", "white", "dark"))
    return thing(
        ("main", body),
        (look, collar),
        (look, rod),
        (look, spout),
        ("label", band(radius + 0.0007, 0.2 * height, 0.65 * height, 120)),
    )


def toilet_roll(rng: Rng) -> Thing:
    """A standing roll of paper with a hole."""
    radius, height = rng.uniform(0.048, 0.06), rng.uniform(0.09, 0.11)
    core = 0.38 * radius
    roll = lathe([(core, 0), (radius, 0), (radius, height), (core, height)])
    core_wall = hollow([(core, 0), (core, height)], 0.002, 0.001)
    flap = box(0.0015, 0.03, height).moved(radius, 0.01)
    return thing(("main", roll), ("wood", core_wall), ("main", flap))


def egg_carton(rng: Rng) -> Thing:
    """An open box with eggs in two rows."""
    pitch = 0.046
    tray = box(3 * pitch + 0.02, 2 * pitch + 0.015, 0.035)
    eggs = [
        ellipsoid(0.02, 0.02, 0.026).moved(pitch * (i - 1), pitch * (j - 0.5), 0.045)
        for i in range(3)
        for j in range(2)
        if rng.random() < 0.85 or i == 1
    ]
    lid = box(3 * pitch + 0.02, 0.006, 0.085).turned("x", -15).moved(y=pitch + 0.012, z=0.03)
    return thing(("main", tray), ("main", lid), *(("cream", egg) for egg in eggs))
