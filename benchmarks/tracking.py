"""Measure the tracker on a simulated film with occlusion: IoU over time, as figures and pictures.

python benchmarks/tracking.py --seed 900005
python benchmarks/tracking.py --seed 900005 --plot plot.png --strip strip.png
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.perception.track_video import drawn
from evf_sam_ros.perception.tracker import State, Tracker
from evf_sam_ros.pictures.photograph import write_image
from evf_sam_ros.sim.occlusion_clip import occlusion_clip

Image = NDArray[np.uint8]
VISIBLE = 0.05  # of the largest visible area in the film; less counts as hidden
INK, GRID, HIDDEN, LINE = (30, 30, 30), (225, 225, 225), (235, 226, 200), (20, 110, 190)
LOST = (200, 60, 40)
PLOT, BORDER = (960, 320), 48  # pixels
PANEL = (320, 240)


@dataclass(frozen=True)
class Moment:
    """One frame of the film, measured."""

    area_px: int  # of the target, visible
    iou: float  # 1 where there is nothing to see and nothing is said
    state: State
    picture: Image
    seconds: float


def main() -> None:
    """Follow, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=900_005, help="of the scene (%(default)s)")
    parser.add_argument("--count", type=int, default=120, help="frames (%(default)s)")
    parser.add_argument("--model", default="default")
    parser.add_argument("--plot", type=Path, help="picture of IoU over time")
    parser.add_argument("--strip", type=Path, help="picture of eight frames")
    options = parser.parse_args()
    film = occlusion_clip(options.seed, options.count)
    follow = Tracker(load_predictor(options.model), film.expression)
    moments = []
    for frame in tqdm(film.frames, total=options.count, desc=film.expression):
        begun = time.perf_counter()
        track = follow(frame.rgb)
        seconds = time.perf_counter() - begun
        iou = overlap(track.mask, frame.target)
        area_px = int(np.count_nonzero(frame.target))
        picture = drawn(frame.rgb, film.expression, track)
        moments.append(Moment(area_px, iou, track.state, picture, seconds))
    print(figures(film.expression, moments))
    if options.plot:
        write_image(options.plot, plotted(moments))
    if options.strip:
        write_image(options.strip, strip(moments))


def overlap(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def hidden(moments: list[Moment]) -> list[bool]:
    largest = max(moment.area_px for moment in moments)
    return [moment.area_px < VISIBLE * largest for moment in moments]


def figures(expression: str, moments: list[Moment]) -> str:
    away = hidden(moments)
    visible = [moment for moment, is_away in zip(moments, away, strict=True) if not is_away]
    unseen = [moment for moment, is_away in zip(moments, away, strict=True) if is_away]
    silent = sum(moment.state is not State.TRACKED for moment in unseen)
    back = [i for i in range(1, len(away)) if away[i - 1] and not away[i]]
    found = [i for i in range(len(away)) if back and i >= back[-1]
             and moments[i].state is State.TRACKED]  # fmt: skip
    again = f"found again {found[0] - back[-1]} frames after it can be seen" if found else ""
    milliseconds = 1e3 * float(np.median([moment.seconds for moment in moments]))
    return (
        f"{expression}: visible in {len(visible)} of {len(moments)} frames, there mean IoU "
        f"{np.mean([moment.iou for moment in visible]):.3f}; hidden in {len(unseen)}, lost said "
        f"in {silent} of them; {again}; {milliseconds:.0f} ms a frame"
    )


def plotted(moments: list[Moment]) -> Image:
    """Draw IoU over the frames; a band where the target is hidden, a mark where it is lost."""
    canvas = np.full((PLOT[1], PLOT[0], 3), 255, np.uint8)
    count, away = len(moments), hidden(moments)
    for number in np.flatnonzero(away):
        corners = point(number - 0.5, 1, count), point(number + 0.5, 0, count)
        cv2.rectangle(canvas, *corners, HIDDEN, cv2.FILLED)
    draw_axes(canvas, count)
    for number in range(1, count):
        if not (away[number - 1] or away[number]):
            ends = (point(i, moments[i].iou, count) for i in (number - 1, number))
            cv2.line(canvas, *ends, LINE, 2, cv2.LINE_AA)
    for number, moment in enumerate(moments):
        if moment.state is not State.TRACKED:
            cv2.circle(canvas, point(number, 0, count), 3, LOST, cv2.FILLED, cv2.LINE_AA)
    return canvas


def point(number: float, iou: float, count: int) -> tuple[int, int]:
    """Return where a frame's IoU is drawn."""
    left, right, top, bottom = BORDER, PLOT[0] - 16, 32, PLOT[1] - BORDER
    u = left + (right - left) * number / max(1, count - 1)
    return round(u), round(bottom - (bottom - top) * iou)


def draw_axes(canvas: Image, count: int) -> None:
    for iou in (0.0, 0.25, 0.5, 0.75, 1.0):
        cv2.line(canvas, point(0, iou, count), point(count - 1, iou, count), GRID)
        write(canvas, f"{iou:.2f}", (6, point(0, iou, count)[1] + 4))
    for number in range(0, count, 20):
        u, v = point(number, 0, count)
        write(canvas, str(number), (u - 6, v + 18))
    legend = "IoU with the truth; band: target hidden; dots: the tracker says lost"
    write(canvas, legend, (BORDER, 20))
    write(canvas, "frame", (PLOT[0] // 2, PLOT[1] - 10))


def write(canvas: Image, text: str, origin: tuple[int, int]) -> None:
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)


def strip(moments: list[Moment]) -> Image:
    """Put eight frames, evenly spread, into two rows."""
    chosen = np.linspace(0, len(moments) - 1, 8).round().astype(int)
    panels = [cv2.resize(moments[i].picture, PANEL, interpolation=cv2.INTER_AREA) for i in chosen]
    rows = [np.hstack(panels[:4]), np.hstack(panels[4:])]
    return np.asarray(np.vstack(rows), np.uint8)


if __name__ == "__main__":
    main()
