"""The node with an InstanceVG as a user has it: several objects, one of several, none."""

from dataclasses import replace

import numpy as np
from processes import running
from robot import mask_array
from tiny_instancevg import CONFIG, noisy, write_released

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.conversions import image_from_rgb

# Of these weights and this picture, the best query's score is 0.16 for "the red mug" and 0.86 or
# more for the others, for which several queries are above 0.75.
CHOOSY = replace(CONFIG, segmenter=replace(CONFIG.segmenter, score_threshold=0.75))
PICTURE = np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8)


def test_it_tells_objects_apart_asks_which_one_and_says_no(robot_in, tmp_path):
    robot = robot_in("/instancevg")
    folder = write_released(tmp_path / "model", noisy(25, CHOOSY), CHOOSY, prefix="module.")
    parameters = (f"model:={folder}", "device:=cpu", "min_mask_area_px:=1")
    with (
        (tmp_path / "log").open("w+") as log,
        running("node.segmentation_node", *parameters, namespace="/instancevg", log=log) as node,
    ):
        robot.wait_until_active(node)

        def ask(expression):
            return robot.segment(expression, image_from_rgb(PICTURE, robot.header()))

        several, which, none = ask("mugs"), ask("the blue bowl"), ask("the red mug")
        refused = ask("[semantic] mug")
        log.seek(0)
        said = log.read()
    assert several.result.status == R.FOUND
    assert len(several.result.objects) > 1
    assert mask_array(several.mask).any()
    assert which.result.status == R.AMBIGUOUS
    assert "say which" in which.result.message
    assert not mask_array(which.mask).any()
    assert none.result.status == R.NOT_FOUND
    assert 0.1 < none.result.score < 0.75
    assert not mask_array(none.mask).any()
    assert refused.result.status == R.ERROR
    assert "starts with [semantic]" in refused.result.message
    assert "NC" not in said  # nothing of it is non-commercial
