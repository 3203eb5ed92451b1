"""Nothing is read on one stream before another has made it.

A stand-in for streams knows, for every stream, what is done when its next work begins: its own
work, and that of those it has waited for. A wait that is missing is a read of what is not known.
"""

from dataclasses import dataclass

import pytest
import torch
from stand_in_streams import CurrentStream

from evf_sam_ros.engines.gpu.side_by_side import SideBySide

GPU = torch.device("cuda")


class Stream:
    def __init__(self, _=None):
        self.known = set()

    def wait_stream(self, other):
        self.known |= other.known


class Streams(CurrentStream):
    """Stand-in for the part of `torch.cuda` that `SideBySide` uses."""

    Stream = Stream

    def __init__(self):
        super().__init__(Stream())

    def work(self, name, *reads):
        """Queue work on the current stream; return what it makes."""
        assert set(reads) <= self.current.known, f"{name} reads what may not be made yet"
        self.current.known.add(name)
        return Made()


@pytest.fixture
def streams(monkeypatch):
    stand_in = Streams()
    for name in ("Stream", "current_stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, getattr(stand_in, name))
    return stand_in


class Made(torch.Tensor):
    """It notes who is told to keep its memory for another stream."""

    def __new__(cls):
        made = torch.zeros(1).as_subclass(cls)
        made.kept_for = []
        return made

    def record_stream(self, stream):
        self.kept_for.append(stream)


def frame(streams, both, number):
    """One frame as the predictor runs it."""
    streams.work(f"inputs {number}")
    result, beside = both(
        lambda: streams.work(f"encode {number}", f"inputs {number}"),
        lambda: streams.work(f"prompt {number}", f"inputs {number}"),
    )
    streams.work(f"decode {number}", f"encode {number}", f"prompt {number}")
    return result, beside


def test_each_frame_reads_only_what_is_made(streams):
    both, main = SideBySide(GPU), streams.current
    for number in range(3):
        result, beside = frame(streams, both, number)
        assert streams.current is main
        assert beside.kept_for == [main]
        assert result.kept_for == []


def test_the_two_steps_do_not_wait_for_each_other(streams):
    seen = []
    both = SideBySide(GPU)

    def note(name):
        made = streams.work(name)
        seen.append(set(streams.current.known))
        return made

    both(lambda: note("encode"), lambda: note("prompt"))
    assert seen == [{"encode"}, {"prompt"}]


def test_features_made_before_are_decoded_with_other_words(streams):
    both = SideBySide(GPU)
    frame(streams, both, 0)
    streams.work("other words")
    _, beside = both(lambda: None, lambda: streams.work("prompt 1", "other words"))
    streams.work("decode 1", "encode 0", "prompt 1")
    assert beside.kept_for == [streams.current]


@dataclass
class Told:
    """Prompts of a bridge: more than a tensor."""

    sparse: Made
    pyramid: list[Made]
    nothing: None = None


def test_prompts_of_several_tensors_are_kept_all(streams):
    told = Told(Made(), [Made(), Made()])
    SideBySide(GPU)(lambda: None, lambda: told)
    for part in (told.sparse, *told.pyramid):
        assert part.kept_for == [streams.current]


@pytest.mark.parametrize("missing", ["fork", "join"])
def test_a_wait_that_is_missing_is_noticed(missing, streams, monkeypatch):
    both, main = SideBySide(GPU), streams.current

    def wait_stream(self, other):
        if (self is main) != (missing == "join"):
            self.known |= other.known

    monkeypatch.setattr(Stream, "wait_stream", wait_stream)
    with pytest.raises(AssertionError, match="may not be made yet"):
        frame(streams, both, 0)


def test_what_fails_is_waited_for_before_its_memory_is_given_back(streams):
    both, main = SideBySide(GPU), streams.current

    def fail():
        streams.work("half of it")
        raise MemoryError("too much")

    with pytest.raises(MemoryError):
        both(lambda: None, fail)
    assert "half of it" in main.known


def test_elsewhere_one_runs_after_the_other():
    order = []
    both = SideBySide(torch.device("cpu"))
    assert both(lambda: order.append("a") or 1, lambda: order.append("b") or 2) == (1, 2)
    assert order == ["a", "b"]
