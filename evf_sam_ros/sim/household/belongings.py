"""Books, devices, clothes and other belongings. Metres, foot on z = 0."""

import numpy as np

from evf_sam_ros.sim.household.surfaces import (
    Surface,
    arc,
    box,
    closed_sheet,
    cylinder,
    ellipsoid,
    lathe,
    panel,
    prism,
    rounded,
    sweep,
)
from evf_sam_ros.sim.household.things import Rest, Rng, Thing, pick, thing


def book(rng: Rng) -> Thing:
    """A lying book: covers, pages and a print on the front."""
    width, depth, thick = (
        rng.uniform(0.12, 0.17),
        rng.uniform(0.17, 0.23),
        rng.uniform(0.018, 0.045),
    )
    covers = [box(width, depth, 0.003), box(width, depth, 0.003).moved(z=thick)]
    spine = box(0.003, depth, thick + 0.003).moved(-width / 2)
    pages = box(width - 0.008, depth - 0.008, thick - 0.003).moved(-0.002, 0, 0.003)
    front = (
        panel(0.75 * width, 0.55 * depth).turned("x", -90).moved(0, 0.1 * depth, thick + 0.0036)
    )
    return thing(
        *(("main", each) for each in (*covers, spine)),
        ("white", pages),
        ("label", front),
        top=Rest(0.45 * width, thick + 0.003),
    )


def remote(rng: Rng) -> Thing:
    """A lying remote control with rows of buttons."""
    length, width = rng.uniform(0.14, 0.19), rng.uniform(0.04, 0.05)
    body = prism(rounded(length, width, 0.012), 0.016)
    buttons = [
        cylinder(0.0042, 0.0015).moved(x, y, 0.016)
        for x in np.linspace(-0.32, 0.2, 6) * length
        for y in (-0.012, 0, 0.012)
    ]
    power = cylinder(0.005, 0.002).moved(0.4 * length, 0.01, 0.016)
    pad = cylinder(0.013, 0.002).moved(0.3 * length, -0.002, 0.016)
    return thing(
        ("main", body),
        *((pick(rng, ("white", "metal")), b) for b in buttons),
        ("red", power),
        ("metal", pad),
    )


def phone(rng: Rng) -> Thing:
    """A lying telephone: a dark screen in a case."""
    length, width = rng.uniform(0.14, 0.16), rng.uniform(0.068, 0.078)
    case = prism(rounded(length, width, 0.012), 0.008)
    screen = prism(rounded(length - 0.01, width - 0.008, 0.009), 0.0012).moved(z=0.008)
    picture = panel(0.5 * width, 0.45 * length).turned("x", -90).turned("z", 90).moved(z=0.0096)
    parts = [("main", case), ("dark", screen)]
    return thing(*parts, ("label", picture)) if rng.random() < 0.5 else thing(*parts)


def alarm_clock(rng: Rng) -> Thing:
    """A round clock on two feet with two bells."""
    radius = rng.uniform(0.042, 0.055)
    body = cylinder(radius, 0.035).turned("x", 90).moved(y=0.0175)
    face = cylinder(0.86 * radius, 0.002).turned("x", 90).moved(y=-0.0175)
    hands = [
        box(0.004, 0.002, 0.6 * radius).moved(y=-0.0205).turned("y", 60),
        box(0.004, 0.002, 0.45 * radius).moved(y=-0.0205).turned("y", -50),
    ]
    ticks = [
        box(0.003, 0.002, 0.008).moved(0, -0.02, 0.7 * radius).turned("y", 30 * i)
        for i in range(12)
    ]
    bells = [
        ellipsoid(0.019, 0.019, 0.014).moved(z=1.18 * radius).turned("y", a) for a in (-35, 35)
    ]
    feet = [
        sweep([[0, 0, -0.85 * radius], [0, 0, -1.25 * radius]], 0.006).turned("y", a)
        for a in (-32, 32)
    ]
    return thing(
        ("main", body),
        ("white", face),
        *(("dark", each) for each in (*hands, *ticks)),
        *(("metal", each) for each in (*bells, *feet)),
    )


def lamp(rng: Rng) -> Thing:
    """A small table lamp: a foot, a stem and a shade."""
    radius, height = rng.uniform(0.065, 0.085), rng.uniform(0.2, 0.27)
    foot = lathe(
        [
            (0, 0),
            (0.6 * radius, 0),
            (0.5 * radius, 0.012),
            (0.008, 0.025),
            (0.006, 0.7 * height),
            (0, 0.7 * height),
        ]
    )
    shade = lathe(
        [
            (radius, 0.58 * height),
            (0.55 * radius, height),
            (0.53 * radius, height),
            (0.97 * radius, 0.58 * height),
        ]
    )
    return thing((pick(rng, ("metal", "wood", "dark")), foot), ("main", shade))


def candle(rng: Rng) -> Thing:
    """A thick candle with a wick, on a holder."""
    radius, height = rng.uniform(0.02, 0.032), rng.uniform(0.07, 0.13)
    wax = lathe(
        [
            (0, 0),
            (radius, 0),
            (radius, height),
            (0.85 * radius, height - 0.004),
            (0, height - 0.007),
        ]
    )
    wick = sweep(
        [[0, 0, height - 0.01], [0.001, 0, height + 0.006], [0.004, 0, height + 0.014]],
        0.0015,
        sides=6,
    )
    holder = lathe(
        [(0, 0), (1.7 * radius, 0), (1.8 * radius, 0.008), (1.1 * radius, 0.005), (0, 0.005)]
    )
    return thing(("main", wax.moved(z=0.004)), ("dark", wick), ("metal", holder))


def light_bulb(rng: Rng) -> Thing:
    """A lying bulb with a screw base."""
    s = rng.uniform(0.95, 1.2)
    ball = lathe(
        [
            (0, 0),
            (0.016, 0.002),
            (0.027, 0.015),
            (0.03, 0.03),
            (0.024, 0.047),
            (0.014, 0.062),
            (0.013, 0.068),
            (0, 0.068),
        ]
    ).scaled(s, s, s)
    rings = [(0.0125 + 0.0012 * (i % 2), 0.068 + 0.003 * i) for i in range(8)]
    base = lathe([(0, 0.068), *rings, (0.006, 0.094), (0, 0.095)]).scaled(s, s, s)
    return thing(("main", ball.turned("y", 97)), ("metal", base.turned("y", 97)))


def shoe(rng: Rng) -> Thing:
    """A sneaker with a sole, laces and an opening."""
    length = rng.uniform(0.22, 0.27)
    outline = np.array(
        [
            [0.5, 0],
            [0.47, 0.13],
            [0.3, 0.17],
            [0.05, 0.13],
            [-0.2, 0.13],
            [-0.45, 0.12],
            [-0.5, 0],
            [-0.45, -0.12],
            [-0.2, -0.12],
            [0.05, -0.14],
            [0.3, -0.17],
            [0.47, -0.12],
        ]
    )
    sole = prism(length * outline, 0.024)
    stations = np.linspace(-0.48, 0.48, 13)
    tall = np.interp(stations, [-0.48, -0.3, -0.05, 0.15, 0.48], [0.3, 0.33, 0.26, 0.2, 0.08])
    wide = np.interp(stations, [-0.48, -0.3, 0, 0.3, 0.48], [0.07, 0.12, 0.125, 0.155, 0.06])
    rings = []
    for x, z, y in zip(stations, tall, wide, strict=True):
        turn = np.linspace(0, 2 * np.pi, 17)
        rings.append(
            np.column_stack(
                [np.full(17, x), y * np.cos(turn), 0.04 + z * np.clip(np.sin(turn), -0.1, 1)]
            )
        )
    upper = closed_sheet(length * np.array(rings))
    opening = ellipsoid(0.15 * length, 0.065 * length, 0.012).turned("y", 9)
    opening = opening.moved(-0.27 * length, 0, 0.365 * length)
    laces = [
        sweep(
            [[x, -0.075, z - 0.02], [x, 0, z + 0.012], [x, 0.075, z - 0.02]], 0.009, 0.7, 6
        ).scaled(length, length, length)
        for x, z in ((-0.02, 0.29), (0.05, 0.27), (0.12, 0.245), (0.19, 0.215))
    ]
    return thing(
        ("white", sole), ("main", upper), ("dark", opening), *(("white", lace) for lace in laces)
    )


def handbag(rng: Rng) -> Thing:
    """A bag with two loops."""
    width, depth, height = rng.uniform(0.18, 0.24), rng.uniform(0.07, 0.1), rng.uniform(0.14, 0.19)
    base = prism(rounded(width, depth, 0.03), height)
    taper = base.vertices[:, 2:] / height
    body = type(base)(
        base.vertices * np.hstack([1 - 0.14 * taper, 1 - 0.5 * taper, np.ones_like(taper)]),
        base.triangles,
        base.uv,
    )
    loops = [
        sweep(arc(0.3 * width, 0, 180) * [1, 1, 1.1], 0.006).moved(y=y, z=0.97 * height)
        for y in (-0.2 * depth, 0.2 * depth)
    ]
    clasp = box(0.03, 0.006, 0.02).moved(y=-0.3 * depth, z=0.75 * height)
    return thing(
        (pick(rng, ("main", "pattern")), body),
        *(("second", loop) for loop in loops),
        ("metal", clasp),
    )


def paper_bag(rng: Rng) -> Thing:
    """A standing open shopping bag with cord handles."""
    width, depth, height = (
        rng.uniform(0.14, 0.18),
        rng.uniform(0.07, 0.09),
        rng.uniform(0.17, 0.23),
    )
    walls = [box(width, 0.002, height).moved(y=s * depth / 2) for s in (-1, 1)]
    walls += [box(0.002, depth, height).moved(s * width / 2) for s in (-1, 1)]
    cords = [
        sweep(arc(0.22 * width, 0, 180) * [1, 1, 1.4], 0.003, sides=6).moved(
            y=s * depth / 2, z=0.98 * height
        )
        for s in (-1, 1)
    ]
    front = panel(0.5 * width, 0.4 * height).moved(y=-depth / 2 - 0.0016, z=0.5 * height)
    floor = box(width, depth, 0.002)
    return thing(
        *(("main", each) for each in (*walls, floor)),
        *(("cream", c) for c in cords),
        ("label", front),
    )


def cap(rng: Rng) -> Thing:
    """A cap with a peak."""
    radius = rng.uniform(0.08, 0.095)
    turn = np.linspace(0, np.pi / 2, 9)
    dome = lathe([(radius * np.cos(t), 0.85 * radius * np.sin(t)) for t in turn])
    angles = np.radians(np.linspace(-150, -30, 13))
    outline = np.vstack(
        [np.column_stack([radius * np.cos(angles), 1.75 * radius * np.sin(angles)])]
    )
    peak = prism(outline, 0.004, (0, -0.6 * radius))
    button = ellipsoid(0.008, 0.008, 0.005).moved(z=0.86 * radius)
    return thing(("main", dome), (pick(rng, ("main", "second")), peak), ("second", button))


def headphones(rng: Rng) -> Thing:
    """Lying headphones: a bow and two cushions."""
    radius = rng.uniform(0.068, 0.08)
    bow = sweep(arc(radius, 0, 180, 21)[:, [0, 2, 1]], 0.008, 0.6).moved(z=0.035)
    cups = [
        cylinder(0.034, 0.03).turned("y", 90).moved(s * radius - 0.015, -0.012, 0.035)
        for s in (-1, 1)
    ]
    pads = [
        cylinder(0.031, 0.012).turned("y", 90).moved(s * (radius - 0.022) - 0.006, -0.012, 0.035)
        for s in (-1, 1)
    ]
    return thing(("main", bow), *(("main", cup) for cup in cups), *(("dark", pad) for pad in pads))


def eyeglasses(rng: Rng) -> Thing:
    """Glasses with their temples open, standing on the table."""
    wide = rng.uniform(0.024, 0.028)
    rims = [
        sweep(arc(wide, 0, 360, 25), 0.0028, sides=6).moved(s * 0.034, -0.06, wide)
        for s in (-1, 1)
    ]
    bridge = sweep(arc(0.009, 0, 180), 0.0025, sides=6).moved(0, -0.06, 1.1 * wide)
    temples = [
        sweep(
            [
                [s * 0.062, -0.06, 1.3 * wide],
                [s * 0.064, 0.05, 1.3 * wide],
                [s * 0.063, 0.08, 0.5 * wide],
            ],
            0.0025,
            sides=6,
        )
        for s in (-1, 1)
    ]
    return thing(*(("main", each) for each in (*rims, bridge, *temples)))


def wallet(rng: Rng) -> Thing:
    """A lying wallet with a flap and stitches."""
    length, width = rng.uniform(0.105, 0.125), rng.uniform(0.08, 0.095)
    body = prism(rounded(length, width, 0.008), 0.016)
    flap = prism(rounded(length, 0.5 * width, 0.012), 0.003).moved(0, 0.25 * width, 0.016)
    stud = cylinder(0.005, 0.004).moved(0, 0.06 * width, 0.017)
    card = box(0.8 * length, 0.02, 0.002).moved(0, width / 2 + 0.002, 0.008)
    return thing(("main", body), ("main", flap), ("metal", stud), ("second", card))


def laptop(rng: Rng) -> Thing:
    """An open laptop."""
    width, depth = rng.uniform(0.24, 0.3), rng.uniform(0.17, 0.2)
    base = prism(rounded(width, depth, 0.01), 0.012)
    deck = box(0.86 * width, 0.48 * depth, 0.001).moved(0, 0.14 * depth, 0.012)
    keys = [
        box(0.072 * width, 0.09 * depth, 0.001).moved(
            (i - 4.5) * 0.086 * width, (0.0 + 0.11 * j) * depth, 0.0131
        )
        for i in range(10)
        for j in range(4)
    ]
    pad = box(0.28 * width, 0.25 * depth, 0.001).moved(0, -0.32 * depth, 0.012)
    lean = rng.uniform(8, 25)

    def opened(each: Surface) -> Surface:
        return each.turned("x", -lean).moved(y=depth / 2, z=0.012)

    lid = opened(box(width, 0.006, depth))
    screen = opened(panel(0.92 * width, 0.86 * depth).moved(y=-0.0036, z=depth / 2))
    return thing(
        ("main", base),
        ("main", lid),
        ("dark", deck),
        *(("metal", k) for k in keys),
        ("metal", pad),
        ("label" if rng.random() < 0.5 else "dark", screen),
    )


def sponge(rng: Rng) -> Thing:
    """A washing-up sponge with a rough side."""
    length, width = rng.uniform(0.09, 0.115), rng.uniform(0.06, 0.07)
    soft = prism(rounded(length, width, 0.008), 0.025)
    rough = prism(rounded(length, width, 0.008), 0.008).moved(z=0.025)
    pores = [
        ellipsoid(0.003, 0.0008, 0.003).moved(x, s * width / 2, z)
        for s in (-1, 1)
        for x, z in zip(
            np.linspace(-0.38, 0.38, 7) * length, rng.uniform(0.006, 0.02, 7), strict=True
        )
    ]
    return thing(("main", soft), ("green", rough), *(("stalk", pore) for pore in pores))
