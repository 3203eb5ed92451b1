"""The TensorRT runner with a stand-in: profiles, cached plans, one sentence for failures."""

import sys

import pytest
import torch

pytest.importorskip("onnxruntime", reason="optional: pip install '.[onnxruntime]'")

import stand_in_tensorrt
from test_lean import inputs, misses, run

from benchmarks.engine_parity import check_engine
from benchmarks.golden import relative
from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.engines.exported.folder import read_description
from evf_sam_ros.engines.exported.graph_engine import ExportedEngine
from evf_sam_ros.engines.proof import PlainEngine, allowed

RUNNER = "evf_sam_ros.engines.exported.tensorrt_runner"
CPU = torch.device("cpu")


@pytest.fixture
def runner(tmp_path, monkeypatch):
    """Return the module under test, of a TensorRT that runs on this CPU."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in_tensorrt.module())
    monkeypatch.delitem(sys.modules, RUNNER, raising=False)
    __import__(RUNNER)
    found = sys.modules[RUNNER]
    monkeypatch.setattr(found, "_stream", lambda _: 0)
    monkeypatch.setattr(found, "_gpu", lambda _: ("a GPU", (8, 7)))
    monkeypatch.setattr(stand_in_tensorrt.Builder, "built", 0)
    return found


def engine_of(runner, folder):
    found = read_description(folder)
    return ExportedEngine(runner.TensorRtRunner(folder, found, CPU), found.max_tokens)


def test_every_answer_recorded_of_the_reference_is_met(runner, tiny_golden, exported):
    assert misses(check_engine(tiny_golden, engine_of(runner, exported))) == {}


@pytest.mark.parametrize(("prompts", "words"), [(1, 2), (8, 64), (9, 70), (17, 200)])
def test_more_prompts_and_longer_ones_than_usual_are_answered(
    prompts, words, runner, tiny_golden, exported
):
    config = tiny_golden.config
    words = min(words, config.encoder.max_tokens)
    given = inputs(config, 1, prompts, words)
    expected = run(PlainEngine(tiny_golden.model), *given).logits.numpy()
    computed = run(engine_of(runner, exported), *given).logits.numpy()
    assert relative(expected, computed) < allowed("fp32")


def test_plans_are_built_once_per_gpu_and_version(runner, exported, monkeypatch):
    built = lambda: stand_in_tensorrt.Builder.built  # noqa: E731
    for _ in range(2):
        engine_of(runner, exported)
        assert built() == 3
    monkeypatch.setattr(runner, "_gpu", lambda _: ("another GPU", (8, 7)))
    engine_of(runner, exported)
    assert built() == 6
    monkeypatch.setattr(runner, "version", lambda: "10.1")
    engine_of(runner, exported)
    assert built() == 9


def test_a_plan_that_cannot_be_loaded_is_removed(runner, exported):
    engine_of(runner, exported)
    for path in cache_of("tensorrt").glob("*.plan"):
        path.write_bytes(b"not a plan")
    with pytest.raises(ValueError, match=r"cannot load .*\.plan: it was removed, start again"):
        engine_of(runner, exported)


def test_a_graph_that_tensorrt_refuses_is_named_with_the_reason(runner, exported, monkeypatch):
    monkeypatch.setattr(stand_in_tensorrt.OnnxParser, "refused", "no importer for Unique")
    with pytest.raises(ValueError, match=r"take encode.onnx: no importer for Unique"):
        engine_of(runner, exported)


@pytest.mark.parametrize(
    ("most", "tokens"),
    [
        (12, [(8, 12, 12)]),
        (64, [(8, 16, 64)]),
        (100, [(8, 16, 64), (65, 100, 100)]),
        (1022, [(8, 16, 64), (65, 128, 1022)]),
    ],
)
def test_the_ranges_of_a_model_cover_every_length_once(runner, most, tokens):
    assert [each["tokens"] for each in runner.ranges(most)] == tokens
