"""Stages are timed one after the other, and a GPU is waited for once."""

import time

import pytest
import torch

from evf_sam_ros.perception.stage_times import StageClock, StageMarks


def test_stages_take_the_time_between_their_marks():
    marks = StageMarks(torch.device("cpu"))
    time.sleep(0.01)
    marks.mark()
    marks.mark()
    first, second = marks.seconds()
    assert first >= 0.01 > second >= 0


class Gpu:
    """Events that know their time once they are synchronised with."""

    def __init__(self):
        self.made, self.synchronised = [], []

    def current_stream(self, device):
        return "the current stream"

    def Event(self, enable_timing):
        assert enable_timing
        return GpuEvent(self)


class GpuEvent:
    def __init__(self, gpu):
        self.gpu = gpu

    def record(self, stream):
        assert stream == "the current stream"
        self.gpu.made.append(self)

    def synchronize(self):
        self.gpu.synchronised.append(self)

    def elapsed_time(self, end):
        assert self.gpu.synchronised == [self.gpu.made[-1]]  # an unfinished event has no time
        return 250.0 * (self.gpu.made.index(end) - self.gpu.made.index(self))  # milliseconds


def test_a_gpu_is_waited_for_when_the_times_are_asked_for(monkeypatch):
    gpu = Gpu()
    for name in ("Event", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, getattr(gpu, name))
    marks = StageMarks(torch.device("cuda"))
    marks.mark()
    marks.mark()
    assert gpu.synchronised == []
    assert marks.seconds() == pytest.approx([0.25, 0.25])


def test_a_lap_waits_for_its_own_work_not_for_the_device_on_which_others_may_record(monkeypatch):
    waited = []

    class Stream:
        def synchronize(self):
            waited.append(self)

    stream = Stream()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: stream)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: pytest.fail("waits for the device"))
    clock = StageClock(torch.device("cuda"))
    assert clock.lap() >= 0
    assert waited == [stream]
