"""Report on a recording: what was found, when and where, as Markdown and HTML with pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evf_sam_ros.pictures.document import Document, Gallery, Picture, Table, Text
from evf_sam_ros.recordings.replay import MASKS, RESULTS, VIDEO, Summary

HEADINGS = ("expression", "found", "share", "longest gap", "score", "position", "moved", "depth")
PICTURES = "pictures/" + 6 * "[0-9]" + ".jpg"
EXPLANATION = (
    "Scores and positions are medians over the frames; positions are in the camera's optical "
    "frame, of the visible surface. Moved: the diagonal of the box that holds all of them."
)


def write_report(folder: Path, facts: dict[str, str], summary: Summary) -> Path:
    """Write summary.md, summary.html and pictures/; return the HTML file's path."""
    for old in folder.glob(PICTURES):
        old.unlink()
    rows = tuple(_row(summary.records, text) for text in _expressions(summary.records))
    shown = tuple(
        Picture.of(f"{number:06d}", picture, f"frame {number}")
        for number, picture in summary.pictures
    )
    report = Document("What was found in a recording")
    report.add(*(Text(f"{name}: {value}") for name, value in _all(facts, summary).items()))
    report.add(Table(HEADINGS, rows), Text(EXPLANATION, note=True), Gallery(shown))
    return report.write(folder, markdown="summary.md", page="summary.html")


def _all(facts: dict[str, str], summary: Summary) -> dict[str, str]:
    broken = [record for record in summary.records if "error" in record]
    facts = {**facts, "frames": str(len(summary.records)), "broken frames": str(len(broken))}
    if broken:
        facts["first broken frame"] = f"{broken[0]['frame']}: {broken[0]['error']}"
    facts["jumps back in time"] = str(max((r["loop"] for r in summary.records), default=0))
    facts["files"] = f"{RESULTS} (a line per frame), {MASKS}/, {VIDEO}"
    return facts


def _expressions(records: Sequence[dict[str, Any]]) -> list[str]:
    answered = [record["answers"] for record in records if record["answers"]]
    return [answer["expression"] for answer in answered[0]] if answered else []


def _row(records: Sequence[dict[str, Any]], expression: str) -> tuple[str, ...]:
    """Return an expression's cells."""
    answers = [
        answer
        for record in records
        for answer in record["answers"]
        if answer["expression"] == expression
    ]
    found = [answer for answer in answers if answer["status"] == "FOUND"]
    places = np.array([answer["position_m"] for answer in found if "position_m" in answer])
    statuses = {answer["depth_status"] for answer in found}
    return (
        expression,
        f"{len(found)} of {len(answers)}",
        f"{len(found) / len(answers):.0%}" if answers else "",
        f"{_longest_gap(answers)} frames",
        f"{np.median([answer['score'] for answer in answers]):.2f}" if answers else "",
        _point(np.median(places, axis=0)) if len(places) else "none",
        f"{np.linalg.norm(np.ptp(places, axis=0)):.3f} m" if len(places) else "",
        ", ".join(sorted(statuses)),
    )


def _longest_gap(answers: Sequence[dict[str, Any]]) -> int:
    longest = gap = 0
    for answer in answers:
        gap = 0 if answer["status"] == "FOUND" else gap + 1
        longest = max(longest, gap)
    return longest


def _point(position: Any) -> str:
    return " ".join(f"{value:+.3f}" for value in position) + " m"
