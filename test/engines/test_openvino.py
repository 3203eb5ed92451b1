"""OpenVINO gives the answers of the reference, from graphs that are made once."""

import os
import subprocess
import sys
import threading

import pytest
import torch

pytest.importorskip("openvino", reason="optional: pip install '.[openvino]'")

from test_lean import GOLDENS, inputs, misses, model_and_config, needs_goldens, run

from benchmarks.engine_parity import check_engine
from benchmarks.golden import load_golden, relative
from evf_sam_ros.engines import openvino_engine
from evf_sam_ros.engines.engine import PlainEngine, engine_for
from evf_sam_ros.engines.proof import allowed
from evf_sam_ros.models import checkpoint

CPU = torch.device("cpu")
EXACT = allowed("fp32")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@needs_goldens
@pytest.mark.parametrize(
    "name",
    [
        "tiny_sam",
        pytest.param("tiny_effisam", marks=pytest.mark.slow),
        pytest.param("tiny_sam2", marks=pytest.mark.slow),
    ],
)
def test_every_answer_recorded_of_a_small_model_is_met(name):
    golden = load_golden(GOLDENS / name)
    engine = engine_for("openvino", golden.model, golden.config, CPU, "fp32")
    assert misses(check_engine(golden, engine)) == {}


def test_the_default_model_answers_alike_for_any_number_of_images_and_prompts(monkeypatch):
    model, config = model_and_config("tabletop")
    engine = engine_for("openvino", model, config, CPU, "fp32")
    monkeypatch.setattr(openvino_engine, "make", lambda *_: pytest.fail("made again"))
    assert engine_for("auto", model, config, CPU, "fp32").name == "openvino"
    for images, prompts, words in ((1, 1, 5), (2, 3, 9), (1, 5, 30)):
        given = inputs(config, images, prompts, words)
        expected, computed = run(PlainEngine(model), *given), run(engine, *given)
        for field in ("logits", "predicted_iou", "presence"):
            pair = [getattr(each, field).numpy() for each in (expected, computed)]
            assert pair[0].shape == pair[1].shape
            assert relative(*pair) < EXACT


def test_the_graphs_of_other_weights_are_others():
    model, config = model_and_config("efficient_sam")
    before = openvino_engine.cache_folder(model, config)
    assert openvino_engine.cache_folder(model, config) == before
    with torch.no_grad():
        model.projector[0].bias[0] += 1e-3
    assert openvino_engine.cache_folder(model, config) != before


def test_nothing_is_made_unless_asked_for(cache):
    model, config = model_and_config("efficient_sam")
    assert engine_for("auto", model, config, CPU, "fp32").name == "torch"
    assert list(cache.rglob("*.xml")) == []


def test_weights_are_read_for_their_digest_once_for_the_files_they_came_from(tiny, monkeypatch):
    loaded = checkpoint.load(tiny)
    given = (loaded.model, loaded.config, CPU, "fp32")
    counted = []
    items = type(loaded.model).state_dict
    monkeypatch.setattr(
        type(loaded.model), "state_dict", lambda *a, **k: counted.append(1) or items(*a, **k)
    )
    assert engine_for("auto", *given, source=tiny).name == "torch"
    assert counted == [], "nothing was made of these files: there is nothing to look for"
    assert engine_for("openvino", *given, source=tiny).name == "openvino"
    read = len(counted)
    for name in ("auto", "openvino"):
        assert engine_for(name, *given, source=tiny).name == "openvino"
    assert len(counted) == read


def test_what_could_not_be_made_leaves_nothing_behind(cache, monkeypatch):
    model, config = model_and_config("efficient_sam")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(openvino_engine, "_graphs", lambda *_: {"encode": None})
    monkeypatch.setattr(openvino_engine.openvino, "save_model", full)
    killed = openvino_engine.cache_folder(model, config).parent / "unfinished-killed"
    killed.mkdir(parents=True)
    (killed / "encode.bin").touch()
    with pytest.raises(OSError, match="No space left"):
        engine_for("openvino", model, config, CPU, "fp32")
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert not openvino_engine.is_made(openvino_engine.cache_folder(model, config))


def test_graphs_that_answer_otherwise_are_refused_once_and_for_all(monkeypatch, caplog):
    model, config = model_and_config("efficient_sam")
    other, _ = model_and_config("efficient_sam")
    with torch.no_grad():
        other.projector[2].weight.mul_(1.01)
    graphs_of = openvino_engine._graphs
    monkeypatch.setattr(openvino_engine, "_graphs", lambda _, config: graphs_of(other, config))
    assert engine_for("openvino", model, config, CPU, "fp32").name == "torch"
    assert "its answers differ by" in caplog.text
    monkeypatch.setattr(openvino_engine, "make", lambda *_: pytest.fail("made again"))
    for name in ("auto", "openvino"):
        caplog.clear()
        assert engine_for(name, model, config, CPU, "fp32").name == "torch"
        assert "torch runs it" in caplog.text


def test_what_killed_programs_left_is_removed_and_what_others_make_is_not(cache):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    for name in (f"unfinished-{ended.pid}-a", "unfinished-b", f"unfinished-{os.getpid()}-c", "d"):
        (cache / name).mkdir()
        (cache / name / "encode.bin").touch()
    openvino_engine.remove_unfinished(cache)
    assert {path.name for path in cache.iterdir()} == {f"unfinished-{os.getpid()}-c", "d"}


def test_torch_answers_while_openvino_is_made(monkeypatch):
    model, config = model_and_config("efficient_sam")
    make, go_on = openvino_engine.make, threading.Event()
    monkeypatch.setattr(openvino_engine, "make", lambda *given: go_on.wait() and make(*given))
    engine = engine_for("warming", model, config, CPU, "fp32")
    given = inputs(config)
    expected = run(PlainEngine(model), *given).logits.numpy()
    assert engine.name == "torch"
    assert relative(expected, run(engine, *given).logits.numpy()) < EXACT
    go_on.set()
    engine.wait()
    assert engine.name == "openvino"
    assert relative(expected, run(engine, *given).logits.numpy()) < EXACT


def test_a_gpu_is_not_for_it():
    model, config = model_and_config("efficient_sam")
    with pytest.raises(ValueError, match="runs on a CPU, the device is cuda:0"):
        engine_for("openvino", model, config, torch.device("cuda:0"), "fp32")
