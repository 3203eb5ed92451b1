"""The demo's table and files."""

import re

import cv2
import numpy as np
import pytest

from evf_sam_ros.ros.demo.demo_report import Report, Row, table

ROW = Row(
    seed=5,
    command="pick up the red mug, please",
    expression="the red mug",
    status="FOUND",
    message="",
    score=0.98,
    centroids_m=[(0.1, 0.0, 0.5)],
    true_centroids_m=[(0.1, 0.2, 0.9), (0.1, 0.003, 0.504)],
    latency_ms=61.4,
    picture="01_pick_up_the_red_mug_please.png",
)
PICTURE = np.full((4, 6, 3), (250, 10, 20), np.uint8)


def changed(**values):
    return Row(**{**ROW.__dict__, **values})


def test_a_line_names_the_nearest_true_centroid_and_the_distance_to_it():
    line = table([ROW]).splitlines()[-1]
    assert re.split(r" {2,}", line) == [
        "the red mug",
        "FOUND",
        "0.98",
        "+0.100 +0.000 +0.500",
        "+0.100 +0.003 +0.504 and 1 more",
        "5 mm",
        "61 ms",
        "01_pick_up_the_red_mug_please.png",
    ]


@pytest.mark.parametrize(
    ("true", "shown"), [([], "none"), (None, "not known"), ([(0.0, 0.0, 1.0)], "+1.000")]
)
def test_a_line_tells_nothing_there_from_nobody_knows(true, shown):
    line = table([changed(centroids_m=[], true_centroids_m=true)]).splitlines()[-1]
    assert shown in line


def test_what_was_asked_before_is_kept_with_its_picture(tmp_path):
    first = Report(tmp_path / "new" / "folder")
    first.add(ROW, PICTURE)
    again = Report(first.folder)
    assert again.rows == [ROW]
    again.add(changed(picture=again.picture_name("What?")), PICTURE)
    assert sorted(path.name for path in first.folder.glob("*.png")) == [
        "01_pick_up_the_red_mug_please.png",
        "02_what.png",
        "summary.png",
    ]
    assert (first.folder / "results.txt").read_text() == table(again.rows) + "\n"


def test_colours_are_not_swapped_in_the_file(tmp_path):
    Report(tmp_path).add(ROW, PICTURE)
    assert cv2.imread(str(tmp_path / ROW.picture))[0, 0].tolist() == [20, 10, 250]


def test_the_summary_shows_all_pictures_three_in_a_row(tmp_path):
    report = Report(tmp_path)
    for command in ("one", "two", "three", "four"):
        report.add(changed(picture=report.picture_name(command)), PICTURE)
    summary = cv2.imread(str(tmp_path / "summary.png"))
    assert summary.shape == (2 * 360, 3 * 480, 3)
    assert summary[-1, 0].tolist() == [20, 10, 250]
    assert summary[-1, -1].tolist() == [255, 255, 255]


def test_starting_anew_deletes_its_own_pictures_only(tmp_path):
    (tmp_path / "holiday.png").touch()
    report = Report(tmp_path)
    report.add(ROW, PICTURE)
    report.clear()
    assert [path.name for path in tmp_path.glob("*.png")] == ["holiday.png"]
    assert report.rows == []


def test_words_that_make_no_file_name_still_make_one(tmp_path):
    assert Report(tmp_path).picture_name("../../") == "01_command.png"
