"""Run by test_other_messages.py, where vision_msgs and hri_msgs are installed."""

import numpy as np
import pytest
from hri_msgs.msg import LiveSpeech
from robot import mask_array
from vision_msgs.msg import Detection2DArray, Detection3DArray

from evf_sam_ros.msg import SegmentationResult as R

TEXT = "the purple bottle"


@pytest.fixture
def detections(node):
    kept = {"detections": [], "detections_3d": []}
    kinds = {"detections": Detection2DArray, "detections_3d": Detection3DArray}
    subscriptions = [
        node.node.create_subscription(kinds[name], f"evf_sam/{name}", kept[name].append, 10)
        for name in kept
    ]
    node.spin_until(lambda: all(node.node.count_publishers(f"evf_sam/{name}") for name in kept))
    node.spin_for(0.5)
    yield kept
    for subscription in subscriptions:
        node.node.destroy_subscription(subscription)


def with_stamp(node, kept, stamp):
    def matching():
        return [each for each in kept if each.header.stamp == stamp]

    return node.spin_until(matching, what="detections")[0]


def test_objects_are_detections_in_pixels_and_in_metres(node, scenes, detections):
    node.set(score_threshold=0.0)
    result = node.ask(TEXT, lambda: node.shot(scenes[0]))
    assert result.status == R.FOUND
    flat = with_stamp(node, detections["detections"], result.header.stamp)
    solid = with_stamp(node, detections["detections_3d"], result.header.stamp)
    assert flat.header == solid.header == result.header
    best, (first,), (solid_first,) = result.objects[0], flat.detections, solid.detections
    assert first.id == str(best.label)
    assert first.results[0].hypothesis.class_id == TEXT
    assert first.results[0].hypothesis.score == pytest.approx(best.score)
    rows, columns = np.nonzero(mask_array(node.with_stamp("mask", result.header.stamp)))
    assert first.bbox.center.position.x == (columns.min() + columns.max()) / 2
    assert first.bbox.center.position.y == (rows.min() + rows.max()) / 2
    assert first.bbox.size_x == columns.max() - columns.min() + 1
    assert solid_first.bbox.center.position == best.box_center
    assert solid_first.bbox.size == best.size
    covariance = np.reshape(solid_first.results[0].pose.covariance, (6, 6))[:3, :3]
    np.testing.assert_array_equal(covariance.ravel(), best.position_covariance)


def test_nothing_found_is_an_empty_array(node, scenes, detections):
    node.set(score_threshold=1.0)
    result = node.ask(TEXT, lambda: node.shot(scenes[0]))
    assert not with_stamp(node, detections["detections"], result.header.stamp).detections


def test_what_a_person_has_said_is_followed_once_it_is_final(node, scenes):
    node.reactivate(speech_type="hri_msgs/LiveSpeech")
    heard = node.node.create_publisher(LiveSpeech, "speech", 10)
    try:
        node.spin_until(node.is_connected)
        node.spin_until(heard.get_subscription_count)
        heard.publish(LiveSpeech(incremental="the red"))
        heard.publish(LiveSpeech(final="pick up the purple bottle, please"))
        result = node.look("pick up the purple bottle, please", lambda: node.shot(scenes[0]))
        assert result.expression == TEXT
        assert {each.command for each in node.received["result"]} == {result.command}
    finally:
        node.reactivate(speech_type="none")
