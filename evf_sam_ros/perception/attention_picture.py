"""Picture of the encoder's attention for each expression, as in figure 5 of the paper."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.overlay import Annotation, Image, draw

_GREY = 0.8  # how bright the photograph shines through
_HEAT = 0.75  # opacity of the warmest place
_SATURATED = 0.995  # quantile that is drawn as warm as can be


def draw_attention(
    image_rgb: Image, attention: NDArray[np.floating], expressions: Sequence[str]
) -> Image:
    """Return one panel per expression, side by side: the photograph in grey, warm where looked.

    Args:
        attention: (P, patches down, patches across), any scale: each panel has its own, from
            its least to its most.
    """
    if len(attention) != len(expressions):
        raise ValueError(f"{len(attention)} maps but {len(expressions)} expressions")
    nothing = np.zeros(image_rgb.shape[:2], bool)
    panels = []
    for values, expression in zip(attention, expressions, strict=True):
        caption = Annotation(nothing, f"{expression} ({float(values.sum()):.0%} on image)", "")
        panels.append(draw(_heated(image_rgb, values), [caption]))
    return np.concatenate(panels, axis=1)


def _heated(image_rgb: Image, values: NDArray[np.floating]) -> Image:
    height, width = image_rgb.shape[:2]
    low, high = float(values.min()), float(np.quantile(values, _SATURATED))
    warmth = np.clip((values - low) / max(high - low, 1e-12), 0, 1).astype(np.float32)
    smooth = cv2.resize(warmth, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = cv2.applyColorMap((255 * smooth).astype(np.uint8), cv2.COLORMAP_INFERNO)
    grey = cv2.cvtColor(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    opacity = (_HEAT * np.sqrt(smooth))[..., None]
    mixed = (1 - opacity) * (_GREY * grey) + opacity * cv2.cvtColor(colours, cv2.COLOR_BGR2RGB)
    return np.round(mixed).astype(np.uint8)
