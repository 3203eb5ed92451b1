"""With room for many images none is lost when commands change, and what is lost is counted."""

import pytest
import test_worker
from rclpy.clock import Clock
from rclpy.duration import Duration
from test_last_words import SlowLooking, search
from test_two_threads import shown, stamps
from test_worker import PATIENCE_S, Published, image, the_mug, working

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.stamps import nanoseconds


def test_images_that_wait_are_answered_for_the_command_that_comes():
    model, published = SlowLooking(), Published()
    with working(model, published, room=10) as worker:
        sent = [shown(worker)]
        assert model.door.reached.wait(PATIENCE_S)
        sent += [shown(worker) for _ in range(5)]
        worker.follow([the_mug(2)])
        search(worker, stable_frames=99)
        sent += [shown(worker) for _ in range(3)]
        model.door.open()
        published.wait(1 + 9)
        assert worker.dropped == 0
    # The first was looked at for the command that was replaced, and once more for the other.
    assert sorted(stamps(published), key=nanoseconds) == sent
    assert {each.command_id for each in published.results if each.status == R.FOUND} == {2}


def test_images_that_wait_go_on_waiting_when_another_goal_comes():
    model, published = SlowLooking(), Published()
    with working(model, published, room=10) as worker:
        worker.end_command(R.CANCELLED, "enough")
        _, heard, _ = search(worker, stable_frames=99)
        shown(worker)
        assert model.door.reached.wait(PATIENCE_S)
        for _ in range(4):
            shown(worker)
        _, _, ends = search(worker, stable_frames=4)
        model.door.open()
        ends.wait()
    assert heard[-1].frames_seen == 5


class Shifted:
    """The node's clock, which may be moved on."""

    def __init__(self):
        self.by_s = 0.0
        self._clock = Clock()

    def now(self):
        return self._clock.now() + Duration(seconds=self.by_s)


@pytest.mark.parametrize(("room", "status"), [(10, R.FOUND), (1, R.STALE_FRAME)])
def test_the_age_of_an_image_that_waits_counts_when_it_arrives(monkeypatch, room, status):
    """A recording may be played faster than a model looks; a robot wants what is seen now."""
    clock = Shifted()
    monkeypatch.setattr(test_worker, "Clock", lambda: clock)
    model, published = SlowLooking(), Published()
    with working(model, published, room=room, max_frame_age_s=60.0) as worker:
        shown(worker)
        assert model.door.reached.wait(PATIENCE_S)
        shown(worker)
        clock.by_s = 100.0
        model.door.open()
        published.wait(2)
    assert published.statuses[:2] == [R.FOUND, status]


def test_what_cannot_wait_is_counted():
    model, published = SlowLooking(), Published()
    with working(model, published, room=3) as worker:
        shown(worker)
        assert model.door.reached.wait(PATIENCE_S)
        for _ in range(5):
            shown(worker)
        assert worker.dropped == 2
        worker.end_command(R.CANCELLED, "enough")
        worker.put_frame(image())  # nobody waits for it, or any longer for the three
        assert worker.dropped == 5
        model.door.open()


def test_what_waits_when_the_clock_jumps_is_counted():
    model, published = SlowLooking(), Published()
    with working(model, published, room=9) as worker:
        shown(worker)
        assert model.door.reached.wait(PATIENCE_S)
        for _ in range(4):
            shown(worker)
        worker.forget("the clock jumped back")
        assert worker.dropped == 4
        model.door.open()
    assert published.results[0].message == "the clock jumped back"
