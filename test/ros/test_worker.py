"""Whatever fails on the way to an answer, and wherever, the next image gets its own."""

import array
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from rclpy.logging import get_logger
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.ros import answers
from evf_sam_ros.ros.answers import Answerer
from evf_sam_ros.ros.commands import Command
from evf_sam_ros.ros.depth_source import DepthSource
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.statistics import Statistics
from evf_sam_ros.ros.worker import Request, Worker

PATIENCE_S = 20.0
STAGES = ("_read", "_number_objects", "_note_times", "judge", "object_message", "reply")


class Sure:
    """A model that finds the upper left corner of everything."""

    score_threshold = None

    def __call__(self, image_rgb, prompts):
        masks = np.zeros((len(prompts), *image_rgb.shape[:2]), bool)
        masks[:, :10, :10] = True
        ones = np.ones(len(prompts), np.float32)
        times = StageTimes(0.001, 0.002, 0.003, 0.004)
        unknown = ((),) * len(prompts)
        return Segmentation(masks, ones, ones > 0, ones, unknown, masks * 1.0, times)


class Published:
    """Where a worker's answers go; may fail."""

    def __init__(self):
        self.statuses = []
        self.failures = 0
        self._changed = threading.Condition()

    def __call__(self, made):
        if self.failures:
            self.failures -= 1
            raise RuntimeError("no context")
        with self._changed:
            self.statuses += [each.result.status for each in made]
            self._changed.notify_all()

    def wait(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.statuses) >= count, PATIENCE_S)


@pytest.fixture
def published():
    return Published()


@pytest.fixture
def worker(published):
    parameters, clock, log = NodeParameters(use_depth=False), Clock(), get_logger("worker")
    shared = (lambda: parameters, clock, log)
    answerer = Answerer(Sure(), DepthSource(), *shared)
    with ThreadPoolExecutor(1) as thread:
        worker = Worker(answerer, published, *shared, thread=thread, statistics=Statistics())
        worker.follow([Command(1, "the mug", "the mug", clock.now().to_msg())])
        yield worker
        worker.stop()


def image():
    header = Header(stamp=Clock().now().to_msg(), frame_id="camera")
    message = Image(header=header, height=20, width=30, step=90, encoding="rgb8")
    message.data = array.array("B", bytes(20 * 90))
    return message


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_costs_one_answer(worker, published, stage, monkeypatch):
    worked = getattr(answers, stage)
    failures = [RuntimeError(f"{stage} failed")]

    def fail_once(*arguments):
        if failures:
            raise failures.pop()
        return worked(*arguments)

    monkeypatch.setattr(answers, stage, fail_once)
    worker.put_frame(image())
    published.wait(1)
    worker.put_frame(image())
    published.wait(2)
    assert published.statuses == [R.ERROR, R.FOUND]
    assert not failures


def test_publishing_that_fails_costs_no_more_than_that_answer(worker, published):
    published.failures = 1
    worker.put_frame(image())
    while published.failures:
        pass
    worker.put_frame(image())
    published.wait(1)
    assert published.statuses == [R.FOUND]


def test_who_waits_for_an_answer_that_cannot_be_made_is_told(worker, monkeypatch):
    answered = []
    done = threading.Event()

    def keep(answer):
        answered.append(answer.result)
        done.set()

    def broken(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(answers, "judge", broken)
    command = Command(0, "the mug", "the mug", Time())
    worker.put_request(Request(command, image(), 0.0, keep))
    assert done.wait(PATIENCE_S)
    assert answered[0].status == R.ERROR
    assert "ZeroDivisionError: by zero" in answered[0].message
