"""Every command hears one last word, and every request and search one answer."""

import threading
from collections import defaultdict
from dataclasses import replace

import pytest
from rclpy.clock import Clock
from test_two_threads import Door, Looking
from test_worker import LEFT, PATIENCE_S, Bright, Published, Sure, image, the_mug, working

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.node import active_commands, request_queue
from evf_sam_ros.ros.node import worker as workers
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.request_queue import Request
from evf_sam_ros.ros.node.search import Goal, Search

LAST_WORDS = (R.REPLACED, R.CANCELLED, R.COMMAND_EXPIRED)


class SlowLooking(Looking):
    """A model that looks at nothing more until its door is opened."""

    def __init__(self):
        super().__init__()
        self.door = Door()

    def __call__(self, image_rgb, prompts, **options):
        self.door.pass_through()
        return super().__call__(image_rgb, prompts, **options)


class Ends:
    """Receiver of the ends of searches and the answers to requests."""

    def __init__(self):
        self.results = []
        self._changed = threading.Condition()

    def __call__(self, answer):
        with self._changed:
            self.results.append(answer.result)
            self._changed.notify_all()

    def wait(self, count=1):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.results) >= count, PATIENCE_S)
        return self.results[-1]


class Steady:
    """A clock for durations that stands until it is moved."""

    def __init__(self, monkeypatch, *modules):
        self.now_s = 1000.0
        for module in modules:
            monkeypatch.setattr(module, "elapsed_ns", lambda _: round(self.now_s * 1e9))


@pytest.fixture
def published():
    return Published()


def bowl_goal(stable_frames=1, timeout_s=0.0):
    command = Command(0, "the bowl", "the bowl", Clock().now().to_msg())
    return Goal(command, timeout_s, 0.0, stable_frames)


def search(worker, **goal):
    """Begin a search; return it, what it was told on the way, and its ends."""
    heard, ends = [], Ends()
    begun = Search(bowl_goal(**goal), progress=heard.append, done=ends)
    worker.put_search(begun)
    return begun, heard, ends


def last_words(published):
    words = defaultdict(list)
    for each in published.results:
        if each.status in LAST_WORDS:
            words[each.command_id].append(each.status)
    return dict(words)


def test_each_of_500_commands_in_a_burst_hears_one_last_word(published):
    with working(Sure(), published) as worker:
        for number in range(2, 502):
            worker.follow([the_mug(number)])
            if number % 50 == 0:
                worker.put_frame(image())
    replaced = {number: [R.REPLACED] for number in range(1, 501)}
    assert last_words(published) == replaced | {501: [R.CANCELLED]}


def test_each_object_of_a_sentence_hears_the_last_word_with_the_one_that_took_its_place(published):
    with working(Sure(), published) as worker:
        worker.follow([the_mug(2), the_mug(3)])
        worker.follow([replace(the_mug(4), text="the bowl " * 40)])
        words = [each for each in published.results if each.status == R.REPLACED]
    assert [each.command_id for each in words] == [1, 2, 3]
    assert "the bowl the bowl" in words[-1].message
    assert len(words[-1].message) < 150


def test_nothing_is_said_to_a_command_after_its_last_word(published):
    with working(Sure(), published) as worker:
        worker.put_frame(image())
        published.wait(1)
        worker.follow([the_mug(2)])
        worker.put_frame(image())
        published.wait(4)
    ids = [each.command_id for each in published.results]
    assert ids == sorted(ids)


def test_deactivation_is_the_last_word_of_commands_searches_and_requests(published):
    model = SlowLooking()
    with working(model, published) as worker:
        answers = Ends()
        for _ in range(3):
            worker.put_request(Request(the_mug(0), image(), 0.0, answers))
        assert model.door.reached.wait(PATIENCE_S)
        _, _, ends = search(worker)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        assert ends.wait().status == R.CANCELLED
        model.door.open()
        stopping.join()
    assert last_words(published) == {1: [R.CANCELLED]}
    assert [each.status for each in answers.results] == [R.FOUND] + [R.COMMAND_REJECTED] * 2
    assert "deactivated" in answers.results[-1].message


def test_a_search_that_is_cancelled_ends_while_the_model_is_still_at_work_for_it(published):
    model = SlowLooking()
    with working(model, published) as worker:
        begun, heard, ends = search(worker)
        worker.put_frame(image())
        assert model.door.reached.wait(PATIENCE_S)
        assert worker.end_search(begun, "cancelled")
        assert [each.status for each in ends.results] == [R.CANCELLED]
        assert not worker.end_search(begun, "cancelled")
        told = len(heard)
        model.door.open()
    assert len(heard) == told
    assert len(ends.results) == 1


def test_requests_beyond_the_queue_are_refused_and_all_others_answered(published, monkeypatch):
    monkeypatch.setattr(request_queue, "MOST_REQUESTS", 3)
    model = SlowLooking()
    with working(model, published) as worker:
        answers = Ends()
        refusals = [worker.put_request(Request(the_mug(0), image(), 0.0, answers))]
        assert model.door.reached.wait(PATIENCE_S)
        refusals += [
            worker.put_request(Request(the_mug(0), image(), 0.0, answers)) for _ in range(5)
        ]
        model.door.open()
        answers.wait(4)
    assert [bool(each) for each in refusals] == [False] * 4 + [True] * 2
    assert refusals[-1] == ("3 requests wait for an answer, at most 3 may: ask again later")
    assert [each.status for each in answers.results] == [R.FOUND] * 4


def test_images_in_requests_are_refused_where_they_take_too_much_memory(monkeypatch):
    monkeypatch.setattr(request_queue, "MOST_BYTES", 4 * 20 * 90)  # four images of the tests
    queue = request_queue.RequestQueue()
    refusals = [queue.put(Request(the_mug(0), image(), 0.0, print)) for _ in range(5)]
    assert [bool(each) for each in refusals] == [False] * 4 + [True]
    assert "images of 4 waiting requests" in refusals[-1]
    assert queue.put(Request(the_mug(0), None, 0.0, print)) == ""
    queue.take()
    assert queue.put(Request(the_mug(0), image(), 0.0, print)) == ""


def test_one_request_waits_however_large_its_image_is(monkeypatch):
    monkeypatch.setattr(request_queue, "MOST_BYTES", 10)
    assert request_queue.RequestQueue().put(Request(the_mug(0), image(), 0.0, print)) == ""


def test_memory_is_returned_when_a_flood_is_over_and_not_after_a_few_requests(monkeypatch):
    monkeypatch.setattr(request_queue, "A_FLOOD", 30)
    returned = []
    opened = request_queue.OpenRequests(lambda: returned.append(True))
    for _ in range(9):
        with opened.one(10), opened.one(10):
            pass
    assert not returned
    with opened.one(10):
        with opened.one(10), opened.one(10):
            pass
        assert not returned
    assert len(returned) == 1
    with opened.one(10):
        pass
    assert len(returned) == 1


def test_a_command_is_answered_after_one_request_however_many_wait(published):
    model = SlowLooking()
    order = []
    with working(model, published) as worker:
        for number in range(4):
            own = Request(the_mug(0), image(), 0.0, lambda _, n=number: order.append(n))
            worker.put_request(own)
        assert model.door.reached.wait(PATIENCE_S)
        worker.put_frame(image())
        model.door.open()
        published.wait(1)
        before = len(order)
    assert before <= 2
    assert order == [0, 1, 2, 3]


def test_one_image_counts_once_however_often_it_is_looked_at(published):
    with working(Bright(), published, min_mask_area_px=4) as worker:
        _, heard, ends = search(worker, stable_frames=2)
        shown = image(LEFT)
        worker.put_frame(shown)
        published.wait(1)
        for number in (2, 3, 4):  # each has the newest image looked at again
            worker.follow([the_mug(number)])
            published.wait(1 + 2 * (number - 1))
        worker.put_frame(shown)  # its sender repeats it
        published.wait(8)
        assert [each.frames_seen for each in heard] == [0, 1]
        assert not ends.results
        worker.put_frame(image(LEFT))
        assert ends.wait().status == R.FOUND
    assert [each.frames_agreeing for each in heard] == [0, 1, 2]


def test_images_of_one_stamp_count_where_they_differ(published):
    """As of a driver that stamps whole seconds."""
    with working(Bright(), published, min_mask_area_px=4) as worker:
        _, heard, ends = search(worker, stable_frames=2)
        first, second = image(LEFT), image(slice(0, 6))
        second.header.stamp = first.header.stamp
        worker.put_frame(first)
        published.wait(1)
        worker.put_frame(second)
        assert ends.wait().status == R.FOUND
    assert heard[-1].frames_seen == 2


def test_masks_that_jump_about_do_not_agree(published):
    with working(Bright(), published, min_mask_area_px=4) as worker:
        _, heard, ends = search(worker, stable_frames=2)
        for count, columns in enumerate([LEFT, slice(25, 30), LEFT, slice(12, 17)], start=1):
            worker.put_frame(image(columns))
            published.wait(count)
        assert not ends.results
    assert [each.frames_agreeing for each in heard] == [0, 1, 1, 1, 1]


@pytest.mark.parametrize(("shift", "agreeing"), [(1, 2), (2, 1)])
def test_masks_agree_from_half_of_what_either_covers(published, shift, agreeing):
    """Of 5 columns moved by 1, 4 of 6 are shared; moved by 2, 3 of 7."""
    with working(Bright(), published, min_mask_area_px=4) as worker:
        _, heard, _ = search(worker, stable_frames=3)
        for count, start in enumerate((10, 10 + shift), start=1):
            worker.put_frame(image(slice(start, start + 5)))
            published.wait(count)
        worker.stop()
    assert heard[-1].frames_agreeing == agreeing


def test_the_system_s_clock_ends_neither_command_nor_search(published, monkeypatch):
    """Durations are those of a clock that nobody sets, whatever the stamps say."""
    steady = Steady(monkeypatch, workers, active_commands)
    with working(Sure(), published, command_ttl_s=30.0) as worker:
        worker.follow([replace(the_mug(2), stamp=image(age_s=3600.0).header.stamp)])
        _, _, ends = search(worker, stable_frames=9, timeout_s=5.0)
        worker.put_frame(image())
        published.wait(2)
        steady.now_s += 6.0
        assert ends.wait().status == R.LOW_CONFIDENCE
        assert "5 s have passed" in ends.results[0].message
        assert R.COMMAND_EXPIRED not in published.statuses
        steady.now_s += 25.0
        while R.COMMAND_EXPIRED not in published.statuses:
            published.wait(len(published.results) + 1)
    assert last_words(published) == {1: [R.REPLACED], 2: [R.COMMAND_EXPIRED]}
