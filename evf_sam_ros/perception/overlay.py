"""Overlay picture for people: the expression, the object found, and the model's score."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.geometry import Mask, Outline, outline, split_instances, window

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Color = tuple[int, int, int]

# Far apart in hue and bright, so that neighbours differ and the dark bar carries them.
COLORS: tuple[Color, ...] = (
    (64, 224, 108),
    (255, 120, 224),
    (72, 190, 255),
    (255, 196, 40),
    (190, 140, 255),
    (255, 130, 80),
)
INK: Color = (245, 245, 245)
FAINT_INK: Color = (200, 200, 200)
OUTLINE: Color = (16, 16, 16)
WARNING: Color = (255, 112, 96)
TINT = 0.18
SPECK = 0.05  # parts below this share of the largest get no box
BAR_OPACITY = 0.72
FONT = cv2.FONT_HERSHEY_SIMPLEX
MAX_BAR_SHARE = 0.4  # of the picture's height


@dataclass(frozen=True)
class Annotation:
    """One command and its answer, as drawn."""

    mask: Mask  # (H, W), empty where nothing was found
    expression: str
    status: str  # "FOUND", "NOT_FOUND", ...
    score: float | None = None  # 0..1
    detail: str = ""  # a second line, such as the position


@dataclass(frozen=True)
class _Style:
    """Sizes that follow the picture's, all in pixels but the font's scale."""

    line: int
    margin: int
    scale: float
    stroke: int
    contour: int

    @classmethod
    def of(cls, height: int, width: int) -> "_Style":
        capital = float(np.clip(min(height / 40, width / 46), 7.0, 26.0))
        return cls(
            line=round(2.0 * capital),
            margin=max(3, round(0.7 * capital)),
            scale=capital / 21.0,  # the font's capitals are 21 px high at scale 1
            stroke=max(1, round(capital / 9)),
            contour=max(1, round(capital / 6)),
        )


def draw(image_rgb: Image, annotations: Sequence[Annotation]) -> Image:
    """Return a copy of the picture with masks, boxes, crosses and a caption bar on top."""
    height, width = image_rgb.shape[:2]
    style = _Style.of(height, width)
    picture = np.ascontiguousarray(image_rgb).copy()
    for annotation, color in _colored(annotations):
        if annotation.mask.shape != (height, width):
            raise ValueError(f"mask is {annotation.mask.shape} but the image is {(height, width)}")
        _tint(picture, annotation.mask, color)
    _draw_captions(picture, annotations, style)
    for annotation, color in _colored(annotations):
        if annotation.mask.any():  # over the captions: an object is never hidden by its name
            _draw_object(picture, annotation, color, style)
    return picture


def _tint(picture: Image, mask: Mask, color: Color) -> None:
    """Mix a colour into the masked pixels, by a table of what becomes of each value."""
    inside = window(mask)
    part, levels = picture[inside], np.arange(256)[:, None]
    table = np.round((1 - TINT) * levels + TINT * np.array(color)).astype(np.uint8)
    tinted = cv2.LUT(part, table[None])
    part[:] = cv2.copyTo(tinted, mask[inside].view(np.uint8), part.copy())


def _colored(annotations: Sequence[Annotation]) -> list[tuple[Annotation, Color]]:
    return [(item, COLORS[index % len(COLORS)]) for index, item in enumerate(annotations)]


def _draw_object(picture: Image, annotation: Annotation, color: Color, style: _Style) -> None:
    mask = annotation.mask
    inside = window(mask)
    corner = inside[1].start, inside[0].start
    rims, _ = cv2.findContours(
        mask[inside].astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=corner
    )
    if style.contour > 1:  # dark under bright: the line shows on a surface of any colour
        cv2.drawContours(picture, rims, -1, OUTLINE, style.contour + 2, cv2.LINE_AA)
    cv2.drawContours(picture, rims, -1, color, style.contour, cv2.LINE_8)
    parts = [outline(part) for part in split_instances(mask)]
    for part in parts:
        if part.area_px >= SPECK * parts[0].area_px:
            _draw_part(picture, part, color, style)


def _draw_part(picture: Image, part: Outline, color: Color, style: _Style) -> None:
    roi = part.roi
    corners = (roi.x, roi.y), (roi.x + roi.width - 1, roi.y + roi.height - 1)
    cv2.rectangle(picture, *corners, color, 1, cv2.LINE_8)
    center = round(part.centroid_uv[0]), round(part.centroid_uv[1])
    # On a small object a full-sized cross would be all there is to see.
    size = max(5, min(2 * style.margin + 3, min(roi.width, roi.height) // 2))
    for ink, thickness in ((OUTLINE, style.stroke + 2), (INK, style.stroke)):
        cv2.drawMarker(picture, center, ink, cv2.MARKER_CROSS, size, thickness, cv2.LINE_AA)


def _draw_captions(picture: Image, annotations: Sequence[Annotation], style: _Style) -> None:
    """Write the captions over the edge of the picture, top or bottom, that hides less."""
    if not annotations:
        return
    room = max(1, int(picture.shape[0] * MAX_BAR_SHARE) // style.line)
    lines = sum(1 + bool(item.detail) for item in annotations)
    with_details = lines <= room
    height = min(room, lines) * style.line + style.margin
    bar = _freer_edge(picture, annotations, height)
    bar[:] = cv2.LUT(bar, np.round((1 - BAR_OPACITY) * np.arange(256)).astype(np.uint8))
    colored = _colored(annotations)
    left_out = max(0, len(colored) - room)
    shown = colored[: room - 1] if left_out else colored
    baseline = style.line
    for annotation, color in shown:
        _draw_caption(bar, annotation, color, style, baseline)
        baseline += style.line
        if annotation.detail and with_details:
            left = style.margin + style.line
            text = _shortened(annotation.detail, picture.shape[1] - left, style)
            _write(bar, text, (left, baseline), FAINT_INK, style)
            baseline += style.line
    if left_out:
        _write(bar, f"{len(colored) - len(shown)} more", (style.margin, baseline), INK, style)


def _freer_edge(picture: Image, annotations: Sequence[Annotation], height: int) -> Image:
    """Return a view of the top or the bottom rows, where fewer pixels of objects lie."""
    covered = [
        sum(int(np.count_nonzero(item.mask[rows])) for item in annotations)
        for rows in (slice(None, height), slice(-height, None))
    ]
    return picture[-height:] if covered[1] < covered[0] else picture[:height]


def _draw_caption(
    picture: Image, annotation: Annotation, color: Color, style: _Style, baseline: int
) -> None:
    """Write `# the red mug ........ FOUND 0.93`; the expression gives way, never the answer."""
    width = picture.shape[1]
    answer = annotation.status.replace("_", " ")
    if annotation.score is not None:
        answer = f"{answer} {annotation.score:.2f}"
    answer_left = width - style.margin - _text_width(answer, style)
    text_left = style.margin + style.line
    side = style.line - style.margin
    chip = (style.margin, baseline - side + 1), (style.margin + side - 1, baseline)
    cv2.rectangle(picture, *chip, color, cv2.FILLED if annotation.mask.any() else 1)
    expression = _shortened(annotation.expression, answer_left - text_left - style.margin, style)
    _write(picture, expression, (text_left, baseline), INK, style)
    ink = color if annotation.mask.any() else WARNING
    _write(picture, answer, (max(answer_left, text_left), baseline), ink, style)


def _write(
    picture: Image, text: str, origin: tuple[int, int], color: Color, style: _Style
) -> None:
    cv2.putText(picture, text, origin, FONT, style.scale, color, style.stroke, cv2.LINE_AA)


def _text_width(text: str, style: _Style) -> int:
    return int(cv2.getTextSize(text, FONT, style.scale, style.stroke)[0][0])


def _shortened(text: str, room: int, style: _Style) -> str:
    """Cut a text to `room` pixels, with dots where something is missing."""
    plain = _drawable(text)
    if _text_width(plain, style) <= room:
        return plain
    while plain and _text_width(plain + "...", style) > room:
        plain = plain[:-1]
    return plain.rstrip() + "..." if plain else ""


def _drawable(text: str) -> str:
    """Replace what the font lacks: accents go, anything else becomes a question mark."""
    one_line = " ".join(text.split())[:300]
    bare = unicodedata.normalize("NFKD", one_line)
    kept = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return kept.encode("ascii", "replace").decode("ascii")
