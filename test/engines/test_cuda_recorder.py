"""Recording of kernels, with a stand-in for PyTorch's streams and graphs.

The stand-in leaves behind what PyTorch does: a recording that fails does not restore the stream.
"""

from contextlib import contextmanager

import pytest
import torch
from stand_in_streams import CurrentStream

from evf_sam_ros.engines.gpu.graphs import CudaRecorder

GPU = torch.device("cuda", 1)


class Stream:
    def __init__(self, device=None):
        self.device, self.waited_for = device, []

    def wait_stream(self, other):
        self.waited_for.append(other)


class Graph:
    replay = staticmethod(lambda: None)


class Cuda(CurrentStream):
    """Stand-in for the part of `torch.cuda` that the recorder uses."""

    Stream = Stream
    CUDAGraph = Graph

    def __init__(self):
        super().__init__(Stream())
        self.default = self.current
        self.chosen = None  # device
        self.recorded_on, self.recording = [], False

    def graph_pool_handle(self):
        return object()

    @contextmanager
    def device(self, device):
        before, self.chosen = self.chosen, device
        try:
            yield
        finally:
            self.chosen = before

    @contextmanager
    def graph(self, graph, pool, stream, capture_error_mode):
        assert self.chosen == GPU
        assert not self.recording, "two recordings at a time"
        before, self.current, self.recording = self.current, stream, True
        self.recorded_on.append(stream)
        try:
            yield
        except RuntimeError as error:
            raise RuntimeError("the recording was invalidated") from error
        finally:
            self.recording = False
        self.current = before


@pytest.fixture
def cuda(monkeypatch):
    stand_in = Cuda()
    for name in (
        "Stream", "CUDAGraph", "graph_pool_handle", "current_stream", "device", "stream", "graph",
    ):  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, getattr(stand_in, name))
    return stand_in


def test_it_runs_once_beforehand_on_the_stream_that_it_is_recorded_on(cuda):
    streams = []
    record = CudaRecorder(GPU)
    record(lambda: streams.append(cuda.current) or ())
    assert streams == cuda.recorded_on * 2
    assert streams[0].device == GPU
    assert streams[0].waited_for == [cuda.default]  # for what it reads
    assert cuda.default.waited_for == [streams[0]]
    assert cuda.current is cuda.default


def test_recorders_whose_graphs_run_side_by_side_share_no_stream_and_so_no_workspace(cuda):
    for record in (CudaRecorder(GPU), CudaRecorder(GPU)):
        record(tuple)
        record(tuple)
    first, again, second, _ = cuda.recorded_on
    assert first is again
    assert first is not second


def test_a_recording_that_fails_leaves_the_callers_stream(cuda):
    def fail():
        if cuda.recording:
            raise RuntimeError("operation not permitted when stream is capturing")
        return ()

    with pytest.raises(RuntimeError, match="invalidated"):
        CudaRecorder(GPU)(fail)
    assert cuda.current is cuda.default
    assert cuda.chosen is None
    CudaRecorder(GPU)(tuple)  # and nobody is kept waiting
