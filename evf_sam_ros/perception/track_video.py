"""Follow one target through a video file, for `evf-sam track`."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from evf_sam_ros.perception.answer_record import annotation, places
from evf_sam_ros.perception.defaults import REGROUND_EVERY
from evf_sam_ros.perception.followers import Image
from evf_sam_ros.perception.judgement import DEFAULT_RULES, Judgement, Rules, Status, judge
from evf_sam_ros.perception.overlay import draw
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.tracker import State, Track, Tracker
from evf_sam_ros.pictures.photograph import check_ending
from evf_sam_ros.pictures.video import VIDEOS, VideoReader, VideoWriter
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.whole_files import named


@dataclass(frozen=True)
class Summary:
    """Counts of a target's states in a video."""

    expression: str
    states: Counter[State]  # frames
    unknown_words: tuple[str, ...]
    stated_frames: int | None  # what the file says it has
    statuses: Counter[Status]  # frames

    @property
    def found(self) -> bool:
        return self.statuses[Status.FOUND] > 0

    def __str__(self) -> str:
        frames = f"{self.states.total()} frames"
        if (self.stated_frames or 0) > self.states.total():
            frames = f"{frames}, all that could be read of {self.stated_frames}"
        if self.states[State.TRACKED]:
            tracked, lost = self.states[State.TRACKED], self.states[State.LOST]
            told = (f"; {status.name} in {count}" for status, count in self.statuses.items())
            never = "" if self.found else "".join(told)
            return (
                f"{self.expression}: tracked in {tracked} of {frames}, lost in {lost}, "
                f"not yet found in {self.states[State.NOT_FOUND]}{never}"
            )
        text = f"{self.expression}: not found in any of {frames}"
        if self.unknown_words:
            words = ", ".join(repr(word) for word in self.unknown_words)
            text = f"{text}; the model does not know {words}"
        return text


def track_video(
    predictor: Predictor,
    source: Path,
    expression: str,
    *,
    output: Path | None = None,
    records: Path | TextIO | None = None,
    reground_every: int = REGROUND_EVERY,
    rules: Rules = DEFAULT_RULES,
) -> Summary:
    """Follow the target of an expression through a video, with a progress bar.

    Args:
        output: a video with the answers drawn on it.
        records: a file, or an open one, for one JSON object per frame and line.
        rules: limits of the decision about each frame.

    Raises:
        ValueError: the file is not a video, the output cannot be written, or the expression is
            refused.
    """
    if output is not None:
        check_ending(output, VIDEOS)
        if output.exists() and source.exists() and output.samefile(source):
            raise ValueError(f"cannot write {str(output)!r} while it is read: give another name")
    follow = Tracker(predictor, expression, reground_every=reground_every)
    video = VideoReader(source)
    states: Counter[State] = Counter()
    statuses: Counter[Status] = Counter()
    with ExitStack() as stack:
        stack.callback(video.close)
        size = video.height, video.width
        films = [stack.enter_context(VideoWriter(output, *size, video.fps))] if output else []
        lists = [stack.enter_context(_opened(records))] if records else []
        bar = progress_bar(video.timed(), total=video.frame_count, unit=" frames", desc=expression)
        for time_s, image_rgb in stack.enter_context(bar):
            track = follow(image_rgb)
            judged = judge(expression, track.segmentation, rules=rules)
            states[track.state] += 1
            statuses[judged.status] += 1
            for film in films:
                film.write(drawn(image_rgb, expression, track, judged), time_s)
            for lines in lists:
                lines.write(json.dumps(record(track, judged, time_s)) + "\n")
    unknown = tuple(predictor.unknown_words(expression))
    return Summary(expression, states, unknown, video.frame_count, statuses)


def drawn(image_rgb: Image, expression: str, track: Track, judged: Judgement) -> Image:
    """Return the frame with the target, its status or loss, and what that rests on."""
    size = image_rgb.shape[0], image_rgb.shape[1]
    shown = annotation(f"{expression} by {track.source.value}", judged, size)
    lost = track.state is State.LOST
    return draw(image_rgb, [replace(shown, status=State.LOST.name) if lost else shown])


def record(track: Track, judged: Judgement, time_s: float) -> dict[str, Any]:
    """Return a frame's result for JSON; it has a place only if a robot may act on the target."""
    told: dict[str, Any] = {
        "frame": track.index,
        "time_s": round(time_s, 4),
        "state": track.state.value,
        "by": track.source.value,
        "status": judged.status.name,
        "score": round(track.score, 4),
    }
    return told | places(judged)


@contextmanager
def _opened(records: Path | TextIO) -> Iterator[TextIO]:
    """Give the file to write to; one that was open stays open."""
    if not isinstance(records, Path):
        yield records
        return
    records.parent.mkdir(parents=True, exist_ok=True)
    with named(records), records.open("w", encoding="utf-8") as file:
        yield file
