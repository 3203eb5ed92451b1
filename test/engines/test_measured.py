"""Notes in the user's cache: which engine was faster here, for the weights that lie there now."""

import os
import shutil

import pytest
import torch
from test_lean import model_and_config

from evf_sam_ros import cli
from evf_sam_ros.engines import engine, measured
from evf_sam_ros.engines.cache import cache_of, mark_of, note, noted
from evf_sam_ros.engines.measured import is_slower, note_times

CPU = torch.device("cpu")
SLOWER = {"torch": 1.0, "openvino": 1.5}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "model")


def test_what_was_measured_is_known_for_this_model_and_precision_on_this_machine(
    folder, monkeypatch
):
    note_times(folder, "fp32", SLOWER)
    assert is_slower("openvino", "torch", folder, "fp32")
    assert not is_slower("torch", "openvino", folder, "fp32")
    assert not is_slower("openvino", "torch", folder, "bf16")
    assert not is_slower("openvino", "torch", None, "fp32")
    monkeypatch.setattr(measured, "processor", lambda: "another")
    assert not is_slower("openvino", "torch", folder, "fp32")


def test_an_engine_that_was_not_measured_is_not_slower(folder):
    note_times(folder, "fp32", {"torch": 1.0})
    assert not is_slower("openvino", "torch", folder, "fp32")


def test_weights_that_were_replaced_or_written_into_are_others(folder):
    before = mark_of(folder)
    assert mark_of(folder) == before
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    stamps = weights.stat()
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))  # as `cp -p` does
    assert mark_of(folder) != before


def test_auto_runs_what_was_faster_and_reads_no_weights_for_it(folder, monkeypatch):
    model, config = model_and_config("efficient_sam")
    monkeypatch.setattr(engine, "is_installed", lambda name: name == "openvino")
    monkeypatch.setattr(engine, "_proven", lambda name, *_, **__: model_of(name))
    assert engine.engine_for("auto", model, config, CPU, "fp32", source=folder).name == "openvino"
    note_times(folder, "fp32", SLOWER)
    assert engine.engine_for("auto", model, config, CPU, "fp32", source=folder).name == "torch"


def model_of(name):
    return type("Stand", (), {"name": name})()


def test_bench_notes_its_times_for_auto(folder, monkeypatch):
    monkeypatch.setattr("evf_sam_ros.engines.measure._GEMM_SIDE", {"cpu": 64})
    monkeypatch.setattr("evf_sam_ros.engines.measure._COPY_BYTES", {"cpu": 2**16})
    given = ["--device", "cpu", "--precision", "fp32", "--rounds", "1"]
    assert cli.main(["bench", "--model", str(folder), *given, "--engines", "plain", "torch"]) == 0
    either = [
        is_slower(*pair, folder, "fp32") for pair in (("plain", "torch"), ("torch", "plain"))
    ]
    assert sorted(either) == [False, True]


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_a_note_that_is_broken_is_no_note(content, folder):
    note("bench", "a", {"x": 1})
    assert noted("bench", "a") == {"x": 1}
    (cache_of("notes") / "bench-a.json").write_text(content)
    assert noted("bench", "a") in (None, [1])


def test_a_cache_that_cannot_be_written_keeps_no_notes(cache, folder):
    cache.write_text("a file where the folder should be")
    note_times(folder, "fp32", SLOWER)
    assert not is_slower("openvino", "torch", folder, "fp32")
