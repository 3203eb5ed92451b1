"""Boxes for a planner: added while seen, removed when gone, kept while nobody has looked."""

from types import SimpleNamespace

import pytest
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.msg import SegmentedObject
from evf_sam_ros.ros.node import collisions

ADD, REMOVE = b"\x00", b"\x01"


class Box(SimpleNamespace):
    ADD, REMOVE = ADD, REMOVE


class Solid(SimpleNamespace):
    BOX = 1


@pytest.fixture
def scene(monkeypatch):
    """Give the boxes' publisher and what it publishes."""
    kinds = {"moveit_msgs/CollisionObject": Box, "shape_msgs/SolidPrimitive": Solid}
    monkeypatch.setattr(collisions, "installed_type", kinds.get)
    sent = []
    return collisions.CollisionObjects("evf_sam", sent.append), sent


def result(status=R.FOUND, tracks=(0,), placed=True, target=""):
    objects = [
        SegmentedObject(
            label=number,
            track_id=track,
            has_position=placed,
            has_target_position=bool(target) and placed,
        )
        for number, track in enumerate(tracks, start=1)
    ]
    for each in objects:
        each.box_center.x, each.target_box_center.x = 1.0, 2.0
    header = Header(frame_id="camera")
    header.stamp.sec = 7
    shown = objects if status in (R.FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE) else []
    return R(header=header, status=status, objects=shown, target_frame=target)


def told(sent):
    return [(each.id, each.operation) for each in sent]


def test_a_box_is_added_with_every_answer_and_removed_with_the_one_that_lacks_it(scene):
    boxes, sent = scene
    boxes.publish([result(tracks=(4, 5))])
    boxes.publish([result(tracks=(5,))])
    boxes.publish([result(R.NOT_FOUND)])
    boxes.publish([result(R.NOT_FOUND)])
    four, five = "evf_sam_track_4", "evf_sam_track_5"
    assert told(sent) == [
        (four, ADD), (five, ADD), (five, ADD), (four, REMOVE), (five, REMOVE),
    ]  # fmt: skip
    assert {each.header.stamp.sec for each in sent} == {7}


@pytest.mark.parametrize(
    "status",
    [R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE, R.CANCELLED, R.COMMAND_EXPIRED, R.REPLACED],
)
def test_what_says_that_it_is_not_there_or_not_looked_for_removes_it(scene, status):
    boxes, sent = scene
    boxes.publish([result()])
    boxes.publish([result(status)])
    assert told(sent) == [("evf_sam_1", ADD), ("evf_sam_1", REMOVE)]


@pytest.mark.parametrize(
    "status",
    [R.ERROR, R.NO_FRAME, R.STALE_FRAME, R.UNSUITABLE_IMAGE, R.COMMAND_REJECTED],
)
def test_while_nobody_has_looked_it_stays(scene, status):
    boxes, sent = scene
    boxes.publish([result()])
    boxes.publish([result(status)])
    assert told(sent) == [("evf_sam_1", ADD)]


def test_what_is_seen_but_cannot_be_placed_stays_where_it_was(scene):
    boxes, sent = scene
    boxes.publish([result()])
    boxes.publish([result(placed=False)])
    assert told(sent) == [("evf_sam_1", ADD)]


def test_a_box_stands_in_the_target_frame_where_that_is_known_and_is_removed_there(scene):
    boxes, sent = scene
    boxes.publish([result(target="map")])
    boxes.remove_all()
    boxes.remove_all()
    assert told(sent) == [("evf_sam_1", ADD), ("evf_sam_1", REMOVE)]
    assert [each.header.frame_id for each in sent] == ["map", "map"]
    assert sent[0].pose.position.x == 2.0
    assert sent[0].primitives[0].type == Solid.BOX
    assert sent[0].primitives[0].dimensions == [collisions.LEAST_SIDE_M] * 3  # never flat


def test_without_the_transform_it_stands_in_the_camera_s_frame(scene):
    boxes, sent = scene
    boxes.publish([result()])
    assert (sent[0].header.frame_id, sent[0].pose.position.x) == ("camera", 1.0)


def test_the_results_of_one_image_are_taken_together(scene):
    boxes, sent = scene
    one, other = result(tracks=(1,)), result(tracks=(2,))
    boxes.publish([one, other])
    boxes.publish([result(R.NOT_FOUND), other])
    assert told(sent)[2:] == [("evf_sam_track_2", ADD), ("evf_sam_track_1", REMOVE)]
