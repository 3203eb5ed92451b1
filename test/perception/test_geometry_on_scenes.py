"""The place of simulated objects, seen by a noisy depth camera through imperfect masks."""

import cv2
import numpy as np
import pytest

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.geometry import locate
from evf_sam_ros.sim.depth_noise import realistic_depth
from evf_sam_ros.sim.scene import render_scene

SEEDS = range(910_000, 910_005)


def grown(mask, pixels):
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


def with_a_leak(mask):
    """Let a quarter of the object's area run out at its left end, over whatever is there."""
    leaking = grown(mask, 1).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    leftmost = np.argmin(columns)
    radius = int(np.sqrt(mask.sum() / 4 / np.pi)) + 1
    cv2.circle(leaking, (int(columns[leftmost]), int(rows[leftmost])), radius, 1, cv2.FILLED)
    return leaking.astype(bool)


@pytest.fixture(scope="module")
def views():
    scenes = [render_scene(seed, 640, 480) for seed in SEEDS]
    return [
        (scene, realistic_depth(scene.depth_m, np.random.default_rng(scene.seed)))
        for scene in scenes
    ]


def errors_mm(views, spoil):
    errors = []
    for scene, depth_m in views:
        camera = Intrinsics.from_matrix(scene.camera_matrix)
        for number in range(len(scene.objects)):
            place = locate(spoil(scene.mask([number])), depth_m, camera)
            truth = scene.surface_centroid([number])
            errors.append(1e3 * np.linalg.norm(place.position_m - truth))
    return np.array(errors)


# The bounds are about twice what 40 other scenes gave; 25 mm is what is promised.
@pytest.mark.parametrize(
    ("spoil", "median_mm"),
    [
        (lambda mask: mask, 3.5),
        (lambda mask: grown(mask, 1), 2.0),
        (lambda mask: grown(mask, 2), 6.0),
        (with_a_leak, 6.0),
    ],
    ids=["true mask", "1 px too wide", "2 px too wide", "leaking"],
)
def test_the_point_is_the_visible_surfaces_centroid_within_25_mm(views, spoil, median_mm):
    errors = errors_mm(views, spoil)
    assert len(errors) >= 20
    assert np.median(errors) < median_mm
    assert errors.max() < 25


def test_noise_free_depth_and_a_true_mask_leave_only_the_rims_millimetres(views):
    clean = [(scene, scene.depth_m) for scene, _ in views]
    assert np.median(errors_mm(clean, lambda mask: mask)) < 3.5


def test_upright_boxes_have_the_objects_heights(views):
    errors = []
    for scene, depth_m in views:
        camera = Intrinsics.from_matrix(scene.camera_matrix)
        for number, item in enumerate(scene.objects):
            place = locate(scene.mask([number]), depth_m, camera, up=scene.up)
            if item.visible > 0.97:
                errors.append(1e3 * abs(place.box.size_m[2] - item.height))
    assert len(errors) >= 10
    assert np.median(errors) < 5


def test_the_benchmark_prints_a_row_for_every_kind_of_mask(capsys):
    from benchmarks.geometry import MASKS, main

    assert main(["--scenes", "1", "--seed", str(SEEDS[0]), "--size", "320x240"]) == 0
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == ["mask", *MASKS]
