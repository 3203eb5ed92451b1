"""The words for the objects on the table, and the range of colours of each colour word."""

import colorsys

import numpy as np

SHAPES = ("box", "ball", "cylinder", "capsule", "cone", "mug", "bowl", "bottle")

# Hue (degrees, may pass 360), saturation, value. Dark hues are kept apart on purpose: in
# shadow, brown would pass for orange and purple for black.
COLORS = {
    "red": ((355, 365), (0.75, 0.95), (0.60, 0.90)),
    "orange": ((21, 30), (0.85, 1.00), (0.85, 1.00)),
    "yellow": ((49, 57), (0.80, 1.00), (0.85, 1.00)),
    "green": ((105, 140), (0.60, 0.90), (0.35, 0.70)),
    "blue": ((212, 232), (0.70, 0.95), (0.50, 0.90)),
    "purple": ((268, 284), (0.50, 0.80), (0.40, 0.65)),
    "pink": ((325, 343), (0.30, 0.50), (0.90, 1.00)),
    "white": ((0, 360), (0.00, 0.05), (0.88, 1.00)),
    "black": ((0, 360), (0.00, 0.20), (0.03, 0.10)),
    "brown": ((18, 28), (0.55, 0.75), (0.26, 0.38)),
}


def shade(color: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw one RGB shade (0..1) of a colour word."""
    hue, saturation, value = (rng.uniform(*limits) for limits in COLORS[color])
    return colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
