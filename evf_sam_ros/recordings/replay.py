"""Run a model on every frame of a recording and write its answers to disk."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evf_sam_ros.perception.answer_record import annotation, answer_record, numbered_masks
from evf_sam_ros.perception.defaults import DEPTH_LIMITS_M, DEPTH_SYNC_SLOP_S
from evf_sam_ros.perception.depth_lookup import DepthOptions
from evf_sam_ros.perception.geometry import Location, locate
from evf_sam_ros.perception.judgement import DEFAULT_RULES, Judgement, Rules, judge
from evf_sam_ros.perception.overlay import Image, draw
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.registration import AS_TOLD, Registration
from evf_sam_ros.pictures import photograph
from evf_sam_ros.pictures.video import VideoWriter
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.recordings.coco_export import CocoExport
from evf_sam_ros.recordings.frames import Frame, FrameReader
from evf_sam_ros.recordings.topics import Chosen
from evf_sam_ros.whole_files import named

RESULTS, MASKS, VIDEO = "results.jsonl", "masks", "overlay.mp4"


@dataclass(frozen=True)
class ReplayOptions:
    """Options of a replay: the expressions, the frames and the limits."""

    expressions: tuple[str, ...]
    depth_limits_m: tuple[float, float] = DEPTH_LIMITS_M
    slop_s: float = DEPTH_SYNC_SLOP_S  # between the stamps of an image and its depth
    registration: Registration = AS_TOLD  # of the depth images
    up: tuple[float, float, float] | None = None  # against gravity, in the image's frame
    rules: Rules = DEFAULT_RULES  # limits of the decision
    every: int = 1  # only each n-th frame
    limit: int | None = None  # at most so many frames
    export: CocoExport | None = None  # of the answers as a data set


@dataclass
class Summary:
    """Content of the report on a run; it is the same for equal runs."""

    records: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[int, Image]] = field(default_factory=list)  # frame number, overlay

    def count(self, expression: str) -> int:
        """Return the number of frames in which an expression was found."""
        answers = (answer for record in self.records for answer in record["answers"])
        return sum(each["found"] for each in answers if each["expression"] == expression)


def replay(
    predict: Predictor,
    reader: Any,
    chosen: Chosen,
    wish: ReplayOptions,
    folder: Path,
    show: int = 12,
) -> Summary:
    """Answer on every frame, in order; write results, masks and a video of the overlays.

    Args:
        predict: the model.
        reader: an open recording.
        chosen: its topics.
        wish: what to look for, and where.
        folder: where to write; files of an earlier run there are replaced.
        show: how many overlays to return for a page.
    """
    (folder / MASKS).mkdir(parents=True, exist_ok=True)
    for old in (folder / MASKS).glob("*.png"):
        old.unlink()
    (folder / VIDEO).unlink(missing_ok=True)
    total = len(range(0, chosen.image.count, wish.every))
    total = total if wish.limit is None else min(total, wish.limit)
    shown = {round(place) for place in np.linspace(0, max(total - 1, 0), show)}
    summary = Summary()
    options = DepthOptions(wish.slop_s, chosen.rectified, wish.registration)
    frames = _selected(FrameReader(reader, chosen, options), wish)
    with (
        named(folder / RESULTS),
        (folder / RESULTS).open("w", encoding="utf-8") as lines,
        closing(_Film(folder / VIDEO)) as film,
    ):
        for place, frame in enumerate(progress_bar(frames, total=total, unit="frame")):
            record, picture = _answer(predict, frame, wish, folder)
            lines.write(json.dumps(record) + "\n")
            summary.records.append(record)
            if picture is not None:
                film.add(frame.stamp_ns, picture)
                if place in shown:
                    summary.pictures.append((frame.number, picture))
    return summary


def _selected(frames: FrameReader, wish: ReplayOptions) -> Iterator[Frame]:
    given = 0
    for frame in frames:
        if wish.limit is not None and given >= wish.limit:
            return
        if frame.number % wish.every == 0:
            given += 1
            yield frame


def _answer(
    predict: Predictor, frame: Frame, wish: ReplayOptions, folder: Path
) -> tuple[dict[str, Any], Image | None]:
    """Return a frame's record and its picture; a broken frame has none."""
    record: dict[str, Any] = {
        "frame": frame.number,
        "stamp_ns": frame.stamp_ns,
        "received_ns": frame.received_ns,
        "loop": frame.loop,
        "frame_id": frame.frame_id,
        "image_damaged": frame.image_damaged,
    }
    if frame.image_rgb is None:
        return record | {"error": frame.error, "answers": []}, None
    answer = predict(frame.image_rgb, wish.expressions)
    size = frame.image_rgb.shape[0], frame.image_rgb.shape[1]
    judged = [
        judge(expression, answer, index, frame.depth_m, wish.rules)
        for index, expression in enumerate(wish.expressions)
    ]
    pairs = list(zip(wish.expressions, judged, strict=True))
    if wish.export is not None:
        told = [(*pair, answer.unknown_words[index]) for index, pair in enumerate(pairs)]
        wish.export.add(frame.number, frame.image_rgb, told)
    answers = [
        answer_record(expression, each, answer, index) | _place(each, frame, wish)
        for index, (expression, each) in enumerate(pairs)
    ]
    name = f"{MASKS}/{frame.number:06d}.png"
    photograph.write_image(folder / name, numbered_masks(judged, size))
    annotations = [
        annotation(expression, each, size, _detail(item))
        for (expression, each), item in zip(pairs, answers, strict=True)
    ]
    return record | {"mask": name, "answers": answers}, draw(frame.image_rgb, annotations)


def _place(judged: Judgement, frame: Frame, wish: ReplayOptions) -> dict[str, Any]:
    if not judged.found:
        return {}
    if frame.no_depth is not None:
        reason = {"depth_reason": frame.no_depth.reason} if frame.no_depth.reason else {}
        return {"depth_status": frame.no_depth.status.value, **reason}
    assert frame.depth_m is not None
    assert frame.camera is not None
    up = None if wish.up is None else np.array(wish.up)
    mask = judged.mask(judged.parts[0].shape)
    place = locate(mask, frame.depth_m, frame.camera, *wish.depth_limits_m, up=up)
    record: dict[str, Any] = {
        "depth_status": place.status.value,
        "depth_valid_ratio": round(place.depth_valid_ratio, 6),
    }
    if not isinstance(place, Location):
        return record | {"depth_reason": place.reason}
    return record | {
        "position_m": _rounded(place.position_m, 6),
        "covariance_m2": _rounded(place.covariance_m2.ravel(), 12),
        "box_center_m": _rounded(place.box.center_m, 6),
        "box_size_m": _rounded(place.box.size_m, 6),
        "box_orientation_xyzw": _rounded(place.box.orientation_xyzw, 6),
        "box_upright": place.box.upright,
    }


def _detail(item: dict[str, Any]) -> str:
    if "position_m" in item:
        return "at " + " ".join(f"{value:+.3f}" for value in item["position_m"]) + " m"
    return ""


def _rounded(values: Any, digits: int) -> list[float]:
    # Adding 0.0 turns -0.0 into 0.0.
    return [round(float(value), digits) + 0.0 for value in values]


class _Film:
    """The overlays as a video at the recording's own pace."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: VideoWriter | None = None

    def add(self, stamp_ns: int, picture: Image) -> None:
        if self._writer is None:
            self._writer = VideoWriter(self._path, *picture.shape[:2])
        self._writer.write(picture, stamp_ns / 1e9)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
