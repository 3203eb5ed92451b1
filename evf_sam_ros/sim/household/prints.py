"""Drawn prints: labels of packages and patterns of dishes and cloth, as PNG files."""

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.household.things import Rng

SIDE = 192  # pixels
Picture = NDArray[np.uint8]
Color = tuple[int, int, int]
SYLLABLES = (
    "ba",
    "co",
    "di",
    "fe",
    "go",
    "hu",
    "jo",
    "ka",
    "li",
    "mo",
    "na",
    "pe",
    "ra",
    "so",
    "tu",
)
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX)


def label_png(rng: Rng) -> bytes:
    """Draw a label: a ground, a band, an emblem, a name and lines of small print."""
    ground, ink, accent = _color(rng, pale=rng.random() < 0.6), _color(rng), _color(rng)
    picture: Picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    if rng.random() < 0.6:
        top = int(rng.uniform(0, 0.7) * SIDE)
        cv2.rectangle(picture, (0, top), (SIDE, top + int(0.28 * SIDE)), accent, -1)
    _emblem(picture, rng, ink)
    name = "".join(rng.choice(SYLLABLES, int(rng.integers(2, 4)))).upper()
    font = FONTS[int(rng.integers(len(FONTS)))]
    place = (10, int(rng.uniform(0.25, 0.45) * SIDE))
    scale = (SIDE - 20) / max(cv2.getTextSize(name, font, 1, 4)[0][0], 1)
    cv2.putText(picture, name, place, font, min(scale, 2.2), _contrast(ground), 4, cv2.LINE_AA)
    for row in range(int(rng.integers(2, 6))):
        y = SIDE - 12 - 9 * row
        cv2.line(picture, (12, y), (int(rng.uniform(0.4, 0.93) * SIDE), y), _contrast(ground), 2)
    return _png(picture)


def pattern_png(rng: Rng) -> bytes:
    """Draw a bright pattern to be tinted: stripes, dots, checks, waves, flowers or weave."""
    picture: Picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    level = int(rng.uniform(90, 170))
    dark = (level, level, level)
    step = int(rng.integers(16, 40))
    kind = int(rng.integers(5))
    for place in range(0, SIDE, step):
        if kind in (0, 2):
            cv2.rectangle(picture, (0, place), (SIDE, place + step // 3), dark, -1)
        if kind in (1, 2):
            cv2.rectangle(picture, (place, 0), (place + step // 3, SIDE), dark, -1)
        if kind >= 3:
            _row_of_marks(picture, place, step, dark, flowers=kind == 4)
    return _png(picture)


def _row_of_marks(picture: Picture, y: int, step: int, color: Color, *, flowers: bool) -> None:
    for x in range((y // step % 2) * step // 2, SIDE + step, step):
        if not flowers:
            cv2.circle(picture, (x, y), step // 4, color, -1, cv2.LINE_AA)
            continue
        for petal in range(5):
            turn = 2 * np.pi * petal / 5
            center = (int(x + step / 4 * np.cos(turn)), int(y + step / 4 * np.sin(turn)))
            cv2.circle(picture, center, max(step // 7, 2), color, -1, cv2.LINE_AA)


def _emblem(picture: Picture, rng: Rng, color: Color) -> None:
    """A round, square, pointed or leafy mark in the lower middle."""
    center = (int(rng.uniform(0.35, 0.65) * SIDE), int(rng.uniform(0.52, 0.68) * SIDE))
    size = int(rng.uniform(0.12, 0.22) * SIDE)
    match int(rng.integers(4)):
        case 0:
            cv2.circle(picture, center, size, color, -1, cv2.LINE_AA)
        case 1:
            turn = float(rng.uniform(0, 90))
            corners = cv2.boxPoints((center, (2 * size, 1.4 * size), turn))
            cv2.fillConvexPoly(picture, corners.astype(np.int32), color, cv2.LINE_AA)
        case 2:
            turns = np.radians(np.arange(10) * 36 - 90)
            reach = np.where(np.arange(10) % 2 == 0, size, 0.45 * size)
            star = np.stack([reach * np.cos(turns), reach * np.sin(turns)], -1) + center
            cv2.fillPoly(picture, [star.astype(np.int32)], color, cv2.LINE_AA)
        case _:
            for turn in (-35, 0, 35):
                cv2.ellipse(picture, center, (size, size // 3), turn - 90, 0, 360, color, -1)


def _color(rng: Rng, *, pale: bool = False) -> Color:
    saturation, value = (rng.uniform(0, 0.25), 0.95) if pale else (rng.uniform(0.5, 1), 0.75)
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), saturation, value)
    return int(255 * blue), int(255 * green), int(255 * red)


def _contrast(ground: Color) -> Color:
    return (30, 30, 30) if sum(ground) > 380 else (240, 240, 240)


def _png(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
