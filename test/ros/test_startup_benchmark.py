"""The definition of a start in `benchmarks/startup.py`, and its report."""

import json

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from benchmarks.startup import STAGES, stages, stages_table, table, verdict
from benchmarks.startup_asker import EVENTS, Moment, is_there
from evf_sam_ros.ros.conversions import image_from_mask

TRUTH = np.zeros((20, 30), bool)
TRUTH[5:15, 5:25] = True


@pytest.mark.parametrize(
    ("columns", "right"),
    [((5, 25), True), ((5, 16), True), ((5, 15), False), ((0, 30), True), ((25, 30), False)],
)
def test_a_mask_is_right_where_it_overlaps_the_truth_by_more_than_half(columns, right):
    mask = np.zeros_like(TRUTH)
    mask[5:15, slice(*columns)] = True
    assert is_there(image_from_mask(mask, Header()), TRUTH) == right


def test_a_mask_with_padded_rows_is_read():
    rows = np.zeros((20, 32), np.uint8)
    rows[:, :30][TRUTH] = 255
    padded = Image(height=20, width=30, step=32, encoding="mono8", data=rows.tobytes())
    assert is_there(padded, TRUTH)


def run(engine, kind, seconds):
    """A start whose every stage takes a second and half a second of CPU time."""
    order = [*STAGES, *EVENTS]
    moments = {name: Moment(i + 1.0, (i + 1) / 2) for i, name in enumerate(order)}
    moments["right answer"] = Moment(seconds, 5.0)
    memory = {"RssAnon": 300.0, "RssFile": 180.0}
    return {"engine": engine, "start": kind, "moments": moments, "memory_mb": memory}


def test_the_slowest_start_decides_whether_the_goal_is_reached():
    runs = [run("torch", "warm", s) for s in (7.0, 9.0, 7.5)]
    runs += [run("torch", "first ever", s) for s in (7.0, 121.0)]
    assert verdict(runs).splitlines() == [
        "P17, torch, warm: 9.0 s, goal 15 s reached, stretch 8 s missed",
        "P17, torch, first ever: 121.0 s, goal 120 s missed, stretch 60 s missed",
    ]
    assert (
        "| torch | warm | 7.0 | 9.0 | 7.5 (9.0) | 5.0 |  | 300, 180 |" in table(runs).splitlines()
    )


def test_stages_are_told_by_what_they_take():
    [*_, row] = stages_table([run("torch", "warm", 12.0)]).splitlines()
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells == ["0.50 (1.00)"] * len(STAGES) + ["1.50 (5.00)"]


def test_stages_are_found_among_what_the_node_says(tmp_path):
    line = json.dumps({"stage": "imports", "s": 2.5, "cpu_s": 1.5})
    (tmp_path / "log").write_text(f"[INFO] [1.0] [evf_sam]: hello\n{line}\n")
    assert stages(tmp_path / "log") == {"imports": Moment(2.5, 1.5)}
