"""While an answer is judged and told the model looks at the next image, and nobody notices."""

import threading

import pytest
from test_worker import PATIENCE_S, Published, Sure, ask, image, the_mug, working

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.node import replies
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.search import Goal, Search

A_MOMENT_S = 0.3  # for what must not happen


class Looking(Sure):
    """A model that notes how many images it was shown."""

    def __init__(self):
        self.count = 0
        self._shown = threading.Condition()

    def __call__(self, image_rgb, prompts, **options):
        with self._shown:
            self.count += 1
            self._shown.notify_all()
        return super().__call__(image_rgb, prompts, **options)

    def has_looked(self, count, patience_s=PATIENCE_S):
        """Tell whether it is shown so many in that time."""
        with self._shown:
            return self._shown.wait_for(lambda: self.count >= count, patience_s)


class Door:
    """Door that stays closed until it is opened, and tells that somebody waits."""

    def __init__(self):
        self.reached, self._opened = threading.Event(), threading.Event()

    def open(self):
        self._opened.set()

    def pass_through(self):
        self.reached.set()
        assert self._opened.wait(PATIENCE_S)


class Slow(Published):
    """Publisher that waits at a door."""

    def __init__(self):
        super().__init__()
        self.door = Door()

    def __call__(self, made):
        self.door.pass_through()
        super().__call__(made)


@pytest.fixture
def model():
    return Looking()


@pytest.fixture
def published():
    published = Slow()
    yield published
    published.door.open()


@pytest.fixture
def judging(monkeypatch):
    """Give the door at which judging waits."""
    door, judge = Door(), replies.judge

    def judge_behind_the_door(*arguments, **named):
        door.pass_through()
        return judge(*arguments, **named)

    monkeypatch.setattr(replies, "judge", judge_behind_the_door)
    yield door
    door.open()


def shown(worker):
    message = image()
    worker.put_frame(message)
    return message.header.stamp


def stamps(published):
    """Return those of the images that were looked at."""
    return [each.header.stamp for each in published.results if each.status == R.FOUND]


def one_held_back_one_looked_at(worker, model, published):
    first = shown(worker)
    assert published.door.reached.wait(PATIENCE_S)
    second = shown(worker)
    assert model.has_looked(2)
    return first, second


def test_the_model_looks_at_the_next_image_while_an_answer_is_published(model, published):
    with working(model, published) as worker:
        first, second = one_held_back_one_looked_at(worker, model, published)
        assert not published.results
        published.door.open()
        published.wait(2)
    assert stamps(published) == [first, second]


def test_no_more_than_one_answer_waits_and_then_the_newest_image_is_next(model, published):
    with working(model, published) as worker:
        first, second = one_held_back_one_looked_at(worker, model, published)
        shown(worker)
        assert not model.has_looked(3, A_MOMENT_S)
        newest = shown(worker)
        published.door.open()
        published.wait(3)
    assert stamps(published) == [first, second, newest]


def test_who_wants_one_answer_gets_one_and_the_model_rests(model, judging):
    published = Published()
    with working(model, published, mode="once") as worker:
        only = shown(worker)
        assert judging.reached.wait(PATIENCE_S)
        shown(worker)
        assert not model.has_looked(2, A_MOMENT_S)
        judging.open()
        published.wait(1)
    assert stamps(published) == [only]


def test_a_command_that_ends_while_its_answer_is_judged_gets_none(model, judging):
    published = Published()
    with working(model, published) as worker:
        shown(worker)
        assert judging.reached.wait(PATIENCE_S)
        assert worker.end_command(R.CANCELLED, "enough").id == 1
        judging.open()
    assert published.statuses == [R.CANCELLED]


def test_an_answer_to_a_command_that_is_replaced_meanwhile_is_not_published(model, judging):
    published = Published()
    with working(model, published) as worker:
        shown(worker)
        assert judging.reached.wait(PATIENCE_S)
        worker.follow([the_mug(2)])
        judging.open()
        shown(worker)
        published.wait(2)
    # How many images are answered before the end is a matter of time; each is answered once.
    seen = [(each.sec, each.nanosec) for each in stamps(published)]
    assert len(set(seen)) == len(seen) <= 2
    words = list(dict.fromkeys((each.command_id, each.status) for each in published.results))
    assert words == [(1, R.REPLACED), (2, R.FOUND), (2, R.CANCELLED)]


def test_an_answer_of_a_node_that_is_disabled_meanwhile_is_not_published(model, judging):
    published = Published()
    with working(model, published) as worker:
        shown(worker)
        assert judging.reached.wait(PATIENCE_S)
        worker.set_enabled(False)
        judging.open()
        ask(worker)  # what comes later is answered later
        assert not published.results


def test_a_search_that_ends_while_an_image_is_judged_hears_no_more(model, judging):
    heard, ends = [], []
    goal = Goal(Command(0, "the bowl", "the bowl", the_mug(0).stamp), 0.0, 0.0, 1)
    with working(model, Published()) as worker:
        worker.put_search(Search(goal, progress=heard.append, done=ends.append))
        shown(worker)
        assert judging.reached.wait(PATIENCE_S)
        worker.end_searches("the clock jumped back")
        told = len(heard)
        judging.open()
    assert len(heard) == told
    assert [each.result.status for each in ends] == [R.CANCELLED]
    assert "jumped back" in ends[0].result.message
