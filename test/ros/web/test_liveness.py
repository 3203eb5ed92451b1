"""Old pictures and unanswered requests are told by their age."""

import time

from evf_sam_ros.ros.web.liveness import Liveness


def test_an_open_request_has_an_age_until_its_own_answer_comes(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    live = Liveness()
    live.seen("camera", "node")
    live.asked("find", "the mug")
    now[0] = 103.0
    live.seen("camera")
    document = live.document()
    assert document == {"camera_age_s": 0.0, "node_age_s": 3.0, "waiting_s": {"find": 3.0}}
    live.answered("find", "the bowl")  # a late answer to an earlier command
    assert live.document()["waiting_s"] == {"find": 3.0}
    live.answered("find", "the mug")
    assert live.document()["waiting_s"] == {}


def test_a_newer_request_takes_the_place_of_an_older_one(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    live = Liveness()
    live.asked("find", "the mug")
    now[0] = 5.0
    live.asked("find", "the bowl")
    now[0] = 6.0
    assert live.document()["waiting_s"] == {"find": 1.0}
