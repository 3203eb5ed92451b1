"""Further outputs of an answer: labels, pose, points; several commands at once; every frame."""

from dataclasses import fields
from importlib.util import find_spec

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from robot import mask_array
from std_srvs.srv import Trigger

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.conversions import rgb_from_image
from evf_sam_ros.ros.parameters import Effect, NodeParameters

AT_ONCE = Effect.AT_ONCE
TEXT = "the purple bottle"


@pytest.fixture
def scene(scenes):
    return scenes[0]


def label_array(message):
    assert message.encoding == "16UC1"
    values = np.frombuffer(message.data, "<u2" if not message.is_bigendian else ">u2")
    return values.reshape(message.height, message.width)


def cloud_arrays(message):
    """Return (N, 3) metres and (N, 3) uint8 RGB, read as any PointCloud2 is."""
    offsets = {field.name: field.offset for field in message.fields}
    assert set(offsets) == {"x", "y", "z", "rgb"}
    step = np.frombuffer(message.data, np.uint8).reshape(-1, message.point_step)
    assert len(step) == message.width * message.height

    def column(name, kind):
        return step[:, offsets[name] : offsets[name] + 4].copy().view(kind)[:, 0]

    xyz = np.stack([column(name, "<f4") for name in "xyz"], axis=-1)
    rgb = column("rgb", "<u4")
    return xyz, np.stack([rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255], axis=-1)


def test_several_objects_of_one_sentence_share_each_image(node, scene):
    node.set(score_threshold=0.0)
    text = "the purple bottle; the red mug; the bowl"
    first = node.ask(text, lambda: node.shot(scene))

    def of_the_image():
        stamp = first.header.stamp
        same = [each for each in node.received["result"] if each.header.stamp == stamp]
        return same if len(same) == 3 else None

    results = node.spin_until(of_the_image, what="three results of one image")
    assert [each.expression for each in results] == [
        "the purple bottle",
        "the red mug",
        "the bowl",
    ]
    assert len({each.command_id for each in results}) == 3
    assert {each.command for each in results} == {text}
    labels = label_array(node.with_stamp("label_mask", first.header.stamp))
    objects = [each for result in results for each in result.objects]
    assert [each.label for each in objects] == list(range(1, len(objects) + 1))
    assert set(np.unique(labels)) <= {0, *(each.label for each in objects)}
    # The first commands' labels cannot be covered by those of later ones.
    for each in results[0].objects:
        assert np.count_nonzero(labels == each.label) == each.area
    found = [
        each.label for result in results if result.status == R.FOUND for each in result.objects
    ]
    mask = mask_array(node.with_stamp("mask", first.header.stamp))
    np.testing.assert_array_equal(mask, np.isin(labels, found))
    assert node.call(Trigger, "cancel").success

    def cancelled():
        ended = [each for each in node.received["result"] if each.status == R.CANCELLED]
        return [each.expression for each in ended] == [each.expression for each in results]

    node.spin_until(cancelled, what="the end of each of the commands")


def test_a_correction_replaces_what_was_looked_for(node, scene):
    node.ask("pick up the red mug", lambda: node.shot(scene))
    assert node.ask("no, the blue one", lambda: node.shot(scene)).expression == "the blue mug"


def test_the_pose_is_the_centroid_turned_as_the_box(node, scene):
    node.set(score_threshold=0.0)
    result = node.ask(TEXT, lambda: node.shot(scene))
    assert result.objects[0].has_position
    pose = node.with_stamp("pose", result.header.stamp)
    assert pose.header == result.header
    assert pose.pose.position == result.objects[0].position
    assert pose.pose.orientation == result.objects[0].orientation


def test_the_boxes_stand_upright_where_the_node_knows_what_is_up(node, scene):
    assert node.set(up=[2.0 * each for each in scene.up]) == ""  # a direction, of any length
    q = node.ask(TEXT, lambda: node.shot(scene)).objects[0].orientation
    up = (2 * (q.x * q.z + q.w * q.y), 2 * (q.y * q.z - q.w * q.x), 1 - 2 * (q.x**2 + q.y**2))
    np.testing.assert_allclose(up, scene.up, atol=1e-6)


def test_the_points_are_the_object_s_surface_in_its_colours(node, scene):
    node.set(score_threshold=0.0)
    shots = []

    def shoot():
        shots.append(node.shot(scene))
        return shots[-1]

    result = node.ask(TEXT, shoot)
    message = node.with_stamp("object_points", result.header.stamp)
    assert message.header == result.header
    xyz, rgb = cloud_arrays(message)
    best = result.objects[0]
    assert 0.5 * best.area < len(xyz) <= best.area
    position = [best.position.x, best.position.y, best.position.z]
    assert np.linalg.norm(xyz.mean(axis=0) - position) < 0.02
    # Projected back, each point lies on a pixel of the object, and has its colour.
    camera = scene.camera_matrix
    u, v = np.round((xyz @ camera.T)[:, :2] / xyz[:, 2:]).astype(int).T
    image = rgb_from_image(next(s.image for s in shots if s.image.header == result.header))
    np.testing.assert_array_equal(rgb, image[v, u])
    assert mask_array(node.with_stamp("mask", result.header.stamp))[v, u].all()


def test_what_is_not_found_has_no_place(node, scene):
    node.set(score_threshold=1.0)
    result = node.ask(TEXT, lambda: node.shot(scene))
    node.spin_for(0.5)
    assert result.status != R.FOUND
    assert not mask_array(node.with_stamp("mask", result.header.stamp)).any()
    for name in ("centroid", "pose", "object_points"):
        assert not node.received[name]


def test_every_frame_of_a_recording_is_answered_in_order_when_asked_for(node, scene):
    node.reactivate(processing="every_frame")
    try:
        node.spin_until(node.is_connected)
        node.ask(TEXT, lambda: node.shot(scene))
        node.forget()
        shots = [node.shot(scene) for _ in range(15)]
        for shot in shots:  # faster than any model
            node.show(shot)
            node.spin_for(0.02)
        sent = [shot.image.header.stamp for shot in shots]

        def answered():  # those of earlier images may still come in
            return [
                each.header.stamp for each in node.received["result"] if each.header.stamp in sent
            ]

        node.spin_until(lambda: len(answered()) >= len(sent), what="every image's answer")
        assert answered() == sent
        assert {each.depth_status for each in node.received["result"]} <= {R.OK, R.NONE}
    finally:
        node.reactivate(processing="latest")


def test_speech_of_a_package_that_is_not_there_is_refused_with_the_cure(node):
    assert find_spec("whisper_msgs") is None, "the machine of this test lacks it"
    assert node.change_state(Transition.TRANSITION_DEACTIVATE)
    try:
        assert node.set(speech_type="whisper_msgs/Transcription") == ""
        assert not node.change_state(Transition.TRANSITION_ACTIVATE)
        assert node.state() == "inactive"
    finally:
        assert node.set(speech_type="none") == ""
        assert node.change_state(Transition.TRANSITION_ACTIVATE)
        node.spin_until(node.is_connected)


def other_value(each):
    """Return another value for a parameter than its default."""
    if each.metadata["choices"]:
        return next(value for value in each.metadata["choices"] if value != each.default)
    if isinstance(each.default, tuple):
        return [*each.default, "other"]
    return not each.default if isinstance(each.default, bool) else f"{each.default}_other"


@pytest.mark.parametrize(
    "name", [each.name for each in fields(NodeParameters) if each.metadata["effect"] != AT_ONCE]
)
def test_what_is_read_at_the_start_is_refused_while_active_with_the_way_to_set_it(node, name):
    each = next(field for field in fields(NodeParameters) if field.name == name)
    reason = node.set(**{name: other_value(each)})
    assert "deactivate" in reason or "read-only" in reason
