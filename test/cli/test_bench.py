"""`evf-sam bench`, as a user types it; how fast it is, is nobody's business here."""

import json

import pytest
import torch
from rounding import expected_error
from tiny_model import write_tiny_model

from evf_sam_ros import cli
from evf_sam_ros.engines import bench_report, benchmarking
from evf_sam_ros.engines.engine import PlainEngine, engine_for


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr("evf_sam_ros.engines.exported.runtimes.find_spec", lambda _: None)
    monkeypatch.setattr("evf_sam_ros.engines.measure._GEMM_SIDE", {"cpu": 64})
    monkeypatch.setattr("evf_sam_ros.engines.measure._COPY_BYTES", {"cpu": 2**16})
    return str(write_tiny_model(tmp_path / "model"))


def test_it_prints_every_engine_with_its_error_and_says_what_limits_the_best(
    model, tmp_path, capsys
):
    file = tmp_path / "bench.json"
    given = ["--model", model, "--device", "cpu", "--rounds", "2", "--prompts", "3"]
    assert cli.main(["bench", *given, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "\nplain " in printed
    assert "\ntorch " in printed
    assert "one image and 3 prompts, fp32, on cpu" in printed
    assert "limited by" in printed
    assert "to run it: --engine " in printed
    assert "its time: the image " in printed
    assert "pip install 'evf_sam_ros[openvino]'" in printed
    told = json.loads(file.read_text())
    assert told["engines"]["plain"]["error"] == 0
    assert told["best"] in ("plain", "torch")
    assert set(told["steps_s"]) == {"the image", "the words", "the masks"}
    assert 0 < told["engines"]["torch"]["error"] < expected_error(torch.float32)
    assert len(told["engines"]["torch"]["wall_s"]) == 2


def test_an_engine_with_other_answers_gets_no_figure(model, monkeypatch, capsys):
    class Wrong(PlainEngine):
        name = "torch"

        def __init__(self, given):
            super().__init__(given)
            self.prompt = lambda *words: 2 * given.prompt(*words)

    def made(name, given, *rest, **_):
        return Wrong(given) if name == "torch" else engine_for(name, given, *rest)

    monkeypatch.setattr(benchmarking, "engine_for", made)
    cli.main(["bench", "--model", model, "--device", "cpu", "--rounds", "1"])
    row = next(line for line in capsys.readouterr().out.splitlines() if line[:5] == "torch")
    assert "answers differ by" in row
    assert row.endswith("no figure")


def test_engines_by_name_and_one_that_does_not_fit_says_why(model, capsys):
    given = ["--model", model, "--device", "cpu", "--rounds", "1", "--precision", "bf16"]
    assert cli.main(["bench", *given, "--engines", "torch", "graphs"]) == 0
    printed = capsys.readouterr().out
    assert "\nplain" not in printed
    assert "graphs      left out: engine 'graphs' needs a GPU, the device is cpu" in printed
    assert cli.main(["bench", *given, "--engines", "fast"]) == 2
    assert "engine is 'fast', need one of auto, torch," in capsys.readouterr().err


def test_no_rounds_are_refused(model, capsys):
    with pytest.raises(SystemExit):
        cli.main(["bench", "--model", model, "--rounds", "0"])
    assert "argument --rounds: 0 is not 1 or more" in capsys.readouterr().err


def test_of_a_gpu_it_says_what_limits_it_there(model, monkeypatch, capsys):
    # What `torch.cuda` has is tested with benchmarks/model.py, by the same functions.
    assert benchmarking.engines_of(torch.device("cuda")) == ["plain", "torch", "graphs"]
    monkeypatch.setattr(bench_report, "is_gpu", lambda _: True)
    monkeypatch.setattr(bench_report, "_NEAR", 2.0)
    assert cli.main(["bench", "--model", model, "--device", "cpu", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert "limited by starting kernels and small steps, not by arithmetic: " in printed
    assert "one core" not in printed
    assert "compiled    not tried, it takes a while to make: --engines compiled" in printed
