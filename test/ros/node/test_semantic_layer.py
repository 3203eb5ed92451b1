"""Classes of every image: detected at intervals, followed between, and announced before."""

import array
from collections import deque
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from patience import patience
from rclpy.clock import Clock
from rclpy.logging import get_logger
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.perception.class_table import ClassTable
from evf_sam_ros.perception.judgement import DEFAULT_RULES
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.stage_times import StageTimes
from evf_sam_ros.ros.node.depth_source import DepthSource
from evf_sam_ros.ros.node.semantic_layer import SemanticLayer
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import nanoseconds, time_message

SIZE = (120, 160)
BACKGROUND = cv2.resize(np.random.default_rng(5).integers(0, 100, (30, 40), np.uint8), SIZE[::-1])


def picture(left):
    """Return an image with a textured, bright square that begins in that column."""
    rgb = np.dstack([BACKGROUND] * 3)
    square = BACKGROUND[40:80, 40:80]
    rgb[40:80, left : left + 40] = square[..., None] + 120
    return rgb


def bright(rgb):
    return rgb.min(axis=-1) >= 115


class Model:
    """Finds the bright square for the first class and nothing for the others."""

    rectified = False

    def __init__(self):
        self.asked = []
        self.fails = ""
        self.unsuitable = ""

    def segment(self, image_rgb, expressions):
        self.asked.append(list(expressions))
        if self.fails:
            return self.fails
        masks = np.zeros((len(expressions), *SIZE), bool)
        masks[0] = bright(image_rgb)
        found = masks.any(axis=(1, 2))
        scores = np.where(found, 0.8, 0.1).astype(np.float32)
        unknown = ((),) * len(expressions)
        times = StageTimes(0, 0, 0, 0)
        answer = Segmentation(masks, scores, found, scores, unknown, masks * 1.0, times)
        return answer.unless(self.unsuitable), DEFAULT_RULES


class Chores:
    """Runs what the layer wants of the inference thread when the test says so."""

    enabled = True

    def __init__(self):
        self.waiting = deque()

    def put_chore(self, chore):
        self.waiting.append(chore)


class Outputs:
    """Keeps what is published, in order."""

    is_heard, wants_points = True, False

    def __init__(self):
        self.said = []

    def announce(self, classes, threshold):
        self.said.append(("info", {each.name: each.id for each in classes}))

    def publish(self, header, labels, image_rgb, depth, limits_m):
        self.said.append(("mask", nanoseconds(header.stamp), labels.labels.copy()))

    @property
    def masks(self):
        return [each for each in self.said if each[0] == "mask"]


class Stage:
    """A layer and what stands around it."""

    def __init__(self, classes=("square", "cable"), **settings):
        self.parameters = NodeParameters(max_frame_age_s=0.0, use_depth=False, **settings)
        self.table, self.model, self.chores, self.outputs = (
            ClassTable(),
            Model(),
            Chores(),
            Outputs(),
        )
        self.table.change(list(classes))
        node = SimpleNamespace(get_clock=Clock, get_logger=lambda: get_logger("semantic"))
        self.layer = SemanticLayer(
            node,
            self.outputs,
            self.table,
            lambda: self.parameters,
            self.chores,
            self.model,
            DepthSource(),
            threshold=0.5,
        )

    def show(self, left, stamp_ns):
        header = Header(stamp=time_message(stamp_ns), frame_id="camera")
        rgb = picture(left)
        message = Image(header=header, height=SIZE[0], width=SIZE[1], encoding="rgb8")
        message.step = 3 * SIZE[1]
        message.data = array.array("B", rgb.tobytes())
        self.layer.put_frame(message)

    def until(self, done, what):
        with self.layer._changed:
            assert self.layer._changed.wait_for(lambda: True)
        end = Clock().now().nanoseconds + patience(20.0) * 1e9
        while not done():
            assert Clock().now().nanoseconds < end, f"waited for {what}: {self.outputs.said}"
            self.layer._thread.join(0.01)

    def detect(self):
        """Run the detection that the layer asks for."""
        self.until(lambda: self.chores.waiting, "a detection to be wanted")
        self.chores.waiting.popleft()()

    def wait_for_masks(self, count):
        self.until(lambda: len(self.outputs.masks) >= count, f"{count} masks")


@pytest.fixture
def stage():
    stages = []

    def make(*classes, **settings):
        stages.append(Stage(classes or ("square", "cable"), **settings))
        return stages[-1]

    yield make
    for each in stages:
        each.layer.stop()


def overlap(labels, left):
    expected = np.zeros(SIZE, bool)
    expected[40:80, left : left + 40] = True
    found = labels == 1
    return np.count_nonzero(found & expected) / np.count_nonzero(found | expected)


def test_the_classes_are_announced_before_the_first_mask_and_after_a_change(stage):
    made = stage()
    assert made.outputs.said == [("info", {"square": 1, "cable": 2})]
    made.show(20, 1)
    made.detect()
    made.wait_for_masks(1)
    made.table.change(["door", "square"])
    made.until(lambda: made.outputs.said[-1] == ("info", {"door": 3, "square": 1}), "the change")


def test_one_run_of_the_model_serves_all_classes(stage):
    made = stage("square", "cable", "person")
    made.show(20, 1)
    made.detect()
    made.wait_for_masks(1)
    assert made.model.asked == [["square", "cable", "person"]]
    _, stamp, labels = made.outputs.masks[0]
    assert stamp == 1
    np.testing.assert_array_equal(labels, bright(picture(20)).astype(np.uint8))


def test_between_detections_the_labels_follow_what_moves(stage):
    made = stage(semantic_period_s=60.0)
    made.show(20, 1)
    made.detect()
    made.wait_for_masks(1)
    for number, left in enumerate((24, 28, 32, 36), start=2):
        made.show(left, number)
        made.wait_for_masks(number)
        _, stamp, labels = made.outputs.masks[-1]
        assert stamp == number
        assert overlap(labels, left) > 0.85
    assert overlap(labels, 20) < 0.6  # where it was at first: 24 of 56 columns
    assert len(made.model.asked) == 1
    assert (made.layer.detections, made.layer.followed) == (1, 4)


def test_without_an_interval_every_mask_is_a_detection(stage):
    made = stage(semantic_period_s=0.0)
    for number, left in ((1, 20), (2, 60)):
        made.show(left, number)
        made.detect()
        made.wait_for_masks(number)
    assert len(made.model.asked) == 2
    assert made.layer.followed == 0
    assert overlap(made.outputs.masks[-1][2], 60) == 1


def test_a_detection_that_comes_late_is_carried_on_and_no_stamp_goes_back(stage):
    made = stage(semantic_period_s=1e-6)
    made.show(20, 1)
    made.detect()
    made.wait_for_masks(1)
    made.show(24, 2)  # begins the next detection, which takes its time
    made.wait_for_masks(2)
    made.until(lambda: made.chores.waiting, "the next detection")
    made.show(28, 3)
    made.wait_for_masks(3)
    made.detect()
    made.until(lambda: made.layer.detections == 2, "the detection to be taken over")
    made.show(32, 4)
    made.wait_for_masks(4)
    stamps = [stamp for _, stamp, _ in made.outputs.masks]
    assert stamps == [1, 2, 3, 4]
    assert overlap(made.outputs.masks[-1][2], 32) > 0.85


@pytest.mark.parametrize("trouble", ["fails", "unsuitable"])
def test_where_the_model_cannot_tell_there_is_no_mask_and_a_reason(stage, trouble):
    made = stage(semantic_period_s=1e-6)
    setattr(made.model, trouble, "too dark")
    made.show(20, 1)
    made.detect()
    made.until(lambda: made.layer.status == "too dark", "the reason")
    assert not made.outputs.masks  # zeros would say that nothing is there
    setattr(made.model, trouble, "")
    made.show(20, 2)
    made.detect()
    made.wait_for_masks(1)
    assert made.layer.status == ""


def test_classes_that_change_during_a_detection_make_it_void(stage):
    made = stage(semantic_period_s=60.0)
    made.show(20, 1)
    made.until(lambda: made.chores.waiting, "a detection")
    made.table.change(["other"])
    made.until(lambda: made.outputs.said[-1] == ("info", {"other": 3}), "the change")
    made.detect()
    made.until(lambda: made.layer._found is None and not made.layer._pending, "it to be dropped")
    made.layer.stop()
    assert not made.outputs.masks


def test_a_broken_image_costs_its_own_mask_only(stage):
    made = stage(semantic_period_s=1e-6)
    made.layer.put_frame(Image(height=3, width=3, encoding="nonsense"))
    made.until(lambda: "nonsense" in made.layer.status, "the reason")
    made.show(20, 1)
    made.detect()
    made.wait_for_masks(1)


def test_nothing_is_done_for_nobody_or_while_the_node_is_disabled(stage):
    made = stage()
    for silent in ((made.outputs, "is_heard"), (made.chores, "enabled")):
        setattr(*silent, False)
        assert not made.layer.wants_images
        made.show(20, 1)
        assert made.layer._frame is None
        setattr(*silent, True)
    assert made.layer.wants_images


def test_after_a_jump_of_the_clock_older_stamps_are_new(stage):
    made = stage(semantic_period_s=0.0)
    made.show(20, 100)
    made.detect()
    made.wait_for_masks(1)
    made.show(20, 200)
    made.until(lambda: made.chores.waiting, "a detection")
    made.layer.forget()
    made.detect()  # of before the jump
    made.show(40, 3)
    made.detect()
    made.wait_for_masks(2)
    assert [stamp for _, stamp, _ in made.outputs.masks] == [100, 3]
