"""Whatever fails on the way to an answer, and wherever, the next image gets its own."""

import array
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from patience import patience
from rclpy.clock import Clock
from rclpy.logging import get_logger
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.ros.node import observer, replies
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import DepthSource
from evf_sam_ros.ros.node.observer import Observer
from evf_sam_ros.ros.node.request_queue import Request
from evf_sam_ros.ros.node.search import Goal, Search
from evf_sam_ros.ros.node.statistics import Statistics
from evf_sam_ros.ros.node.worker import Worker
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import time_message

PATIENCE_S = patience(20.0)
STAGES = (
    (observer, "read_frame"),
    *((replies, name) for name in ("_number_objects", "_note_times", "judge", "object_message")),
    (replies, "reply"),
)


class Sure:
    """A model that finds the upper left corner of everything."""

    score_threshold = None

    def __call__(self, image_rgb, prompts, **options):
        masks = np.zeros((len(prompts), *image_rgb.shape[:2]), bool)
        masks[:, :10, :10] = True
        ones = np.ones(len(prompts), np.float32)
        times = StageTimes(0.001, 0.002, 0.003, 0.004)
        unknown = ((),) * len(prompts)
        return Segmentation(masks, ones, ones > 0, ones, unknown, masks * 1.0, times)


class Bright(Sure):
    """A model to which whatever is lit is what it looks for."""

    model = SimpleNamespace(segmenter=None)  # without a memory

    def check(self, expression):
        pass

    def __call__(self, image_rgb, prompts, **options):
        masks = np.stack([image_rgb[..., 0] > 0] * len(prompts))
        found = masks.any(axis=(1, 2))
        return replace(super().__call__(image_rgb, prompts, **options), masks=masks, found=found)


class Published:
    """Receiver of a worker's answers; may fail."""

    def __init__(self):
        self.results = []
        self.failures = 0
        self._changed = threading.Condition()

    def __call__(self, made):
        if self.failures:
            self.failures -= 1
            raise RuntimeError("no context")
        with self._changed:
            self.results += [each.result for each in made]
            self._changed.notify_all()

    @property
    def statuses(self):
        return [each.status for each in self.results]

    def wait(self, count):
        """Return the newest result as soon as there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.results) >= count, PATIENCE_S)
        return self.results[-1]


@pytest.fixture
def published():
    return Published()


@contextmanager
def working(model, published, room=1, **settings):
    parameters, clock, log = NodeParameters(use_depth=False, **settings), Clock(), get_logger("w")
    shared = (lambda: parameters, clock, log)
    looking = Observer(model, DepthSource(), *shared)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        worker = Worker(
            looking, published, *shared, threads=(one, other), statistics=Statistics(), room=room
        )
        worker.follow([the_mug(1)])
        try:
            yield worker
        finally:
            worker.stop()


@pytest.fixture
def worker(published):
    with working(Sure(), published) as worker:
        yield worker


@pytest.fixture
def tracking(published):
    with working(Bright(), published, mode="track", min_mask_area_px=4) as worker:
        yield worker


def the_mug(number):
    return Command(number, "the mug", "the mug", Clock().now().to_msg())


def image(lit=None, age_s=0.0, encoding="rgb8"):
    """Make a black image, lit in some columns."""
    pixels = np.zeros((20, 30, 3), np.uint8)
    if lit is not None:
        pixels[5:10, lit] = 255
    stamp = time_message(Clock().now().nanoseconds - round(age_s * 1e9))
    message = Image(header=Header(stamp=stamp, frame_id="camera"), height=20, width=30, step=90)
    message.encoding = encoding
    message.data = array.array("B", pixels.tobytes())
    return message


LEFT, RIGHT = slice(0, 5), slice(25, 30)  # farther apart than anything moves from image to image


@pytest.mark.parametrize(("module", "stage"), STAGES)
def test_a_stage_that_fails_costs_one_answer(worker, published, module, stage, monkeypatch):
    worked = getattr(module, stage)
    failures = [RuntimeError(f"{stage} failed")]

    def fail_once(*arguments, **named):
        if failures:
            raise failures.pop()
        return worked(*arguments, **named)

    monkeypatch.setattr(module, stage, fail_once)
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

    def broken(*_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(replies, "judge", broken)
    command = Command(0, "the mug", "the mug", Time())
    worker.put_request(Request(command, image(), 0.0, keep))
    assert done.wait(PATIENCE_S)
    assert answered[0].status == R.ERROR
    assert "ZeroDivisionError: by zero" in answered[0].message


def ask(worker, published=None):
    done = threading.Event()
    command = Command(0, "the mug", "the mug", Time())
    worker.put_request(Request(command, image(RIGHT), 0.0, lambda _: done.set()))
    assert done.wait(PATIENCE_S)


def show(worker, published, shown):
    count = len(published.results)
    worker.put_frame(shown)
    return published.wait(count + 1)


def look_for_another(worker, published):
    """Begin a search that the next image does not end, and let it see one."""
    seen = threading.Event()
    goal = Goal(Command(0, "the bowl", "the bowl", Clock().now().to_msg()), 0.0, 0.0, 9)
    search = Search(
        goal,
        progress=lambda feedback: seen.set() if feedback.frames_seen else None,
        done=lambda _: None,
    )
    worker.put_search(search)
    assert show(worker, published, image(LEFT)).status == R.FOUND
    assert seen.wait(PATIENCE_S)
    assert worker.end_search(search, "seen enough")


BETWEEN = {
    "nothing": lambda worker, published: None,
    "a request": ask,
    "a broken image": lambda *both: show(*both, image(encoding="nv21")),
    "an old image": lambda *both: show(*both, image(RIGHT, age_s=9.0)),
    "a search": look_for_another,
}


@pytest.mark.parametrize("between", BETWEEN)
def test_what_is_followed_is_not_begun_anew_by_what_comes_between(tracking, published, between):
    assert show(tracking, published, image(LEFT)).status == R.FOUND
    BETWEEN[between](tracking, published)
    elsewhere = show(tracking, published, image(RIGHT))
    assert elsewhere.status == R.NOT_FOUND
    assert elsewhere.message.startswith("lost")
    assert show(tracking, published, image(LEFT)).status == R.FOUND


def test_the_same_words_said_again_begin_with_the_newest_image(tracking, published):
    """Also where that one came before the words: they are about what was seen then."""
    assert show(tracking, published, image(LEFT)).status == R.FOUND
    assert show(tracking, published, image(RIGHT)).status == R.NOT_FOUND
    tracking.follow([the_mug(2)])
    anew = published.wait(4)
    assert published.statuses[2] == R.REPLACED
    assert (anew.command_id, anew.status) == (2, R.FOUND)
    assert show(tracking, published, image(RIGHT)).status == R.FOUND
    assert show(tracking, published, image(LEFT)).message.startswith("lost")
