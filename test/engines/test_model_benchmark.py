"""`benchmarks/model.py` on models of no size: who is right gets figures, and goals are judged."""

import json
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
import torch
from rounding import expected_error
from tiny_networks import EFFICIENT_SAM, SAM, SAM_2

from benchmarks import model as benchmark
from benchmarks.timing import contender, inputs, memory, participants
from benchmarks.timing.counters import counting
from benchmarks.timing.inputs import Inputs
from evf_sam_ros.engines import measure
from evf_sam_ros.models.variants import VARIANTS

PEERS = Path(benchmark.__file__).parent / "peers"
TINY = {"evf_sam": SAM, "evf_sam2": SAM_2, "evf_effisam_b": EFFICIENT_SAM}
CPU = torch.device("cpu")
EXACT = expected_error(torch.float32)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(measure, "_GEMM_SIDE", {"cpu": 64})
    monkeypatch.setattr(measure, "_COPY_BYTES", {"cpu": 2**16})
    monkeypatch.setattr(inputs, "PICTURE_SIZE", (64, 96))
    for name, config in TINY.items():
        monkeypatch.setitem(VARIANTS, name, config)


@pytest.fixture
def measured(tmp_path, capsys):
    """Run the command line; return its status, what it printed and what it wrote."""

    def run(*given):
        file = tmp_path / "model.json"
        options = ["--rounds", "2", "--device", "cpu", "--json", str(file)]
        status = benchmark.main([*map(str, given), *options])
        return status, capsys.readouterr().out, json.loads(file.read_text())

    return run


def goal(report, name, *words):
    """Return the one goal of that name whose description holds these words."""
    (found,) = (
        each
        for each in report["goals"]
        if each["goal"] == name and all(word in each["about"] for word in words)
    )
    return found


def test_every_step_of_every_engine_has_a_figure_and_an_error(measured):
    status, printed, report = measured("evf_sam", "--engines", "plain", "torch")
    assert status == 0
    asked = {(row["step"], row["prompts"], row["engine"]) for row in report["rows"]}
    counts = {step: (1,) if step == "encode" else (1, 8) for step in contender.STEPS}
    assert asked == {
        (step, count, engine)
        for step, prompts in counts.items()
        for count in prompts
        for engine in ("plain", "torch")
    }
    for row in report["rows"]:
        assert row["passed"]
        assert row["error"] < EXACT
        assert len(row["rounds_ms"]) == 2
        assert 0 < row["p10_ms"] <= row["wall_ms"] <= row["p90_ms"]
        assert row["events_ms"] is None  # a CPU has none
    assert {"device", "torch", "transformers", "openvino", "commit"} <= report["machine"].keys()
    assert "ceilings fp32: matrix product" in printed
    assert "| evf_sam | fp32 | network | 8 | torch |" in printed


def test_half_precision_is_that_of_the_predictor(measured):
    status, _, report = measured("evf_effisam_b", "--precision", "bf16", "--engines", "torch")
    assert status == 0
    network = next(row for row in report["rows"] if row["step"] == "network")
    assert network["passed"]
    assert network["error"] > EXACT


def test_the_published_form_is_right_for_every_family_and_judged_beside_ours(measured):
    status, _, report = measured(
        *TINY, "--engines", "torch", "--against", PEERS / "eager", "--precision", "fp32", "bf16"
    )
    assert status == 0
    assert report["failures"] == []
    peers = [row for row in report["rows"] if row["engine"] == "eager"]
    assert {row["step"] for row in peers} == set(contender.STEPS)
    assert all(row["error"] < EXACT for row in peers)
    assert not any(row["note"] for row in peers)  # on a CPU they are float32, as published
    verdict = goal(report, "P18", "fp32")
    assert verdict["wanted"] == ">= 4.50 x"
    assert verdict["figure"].endswith(" x by torch")
    assert goal(report, "P1", "network")["verdict"] == "not taken here: a GPU's"


@pytest.mark.parametrize(
    ("variant", "other"), [("evf_sam", "transformers_sam"), ("evf_sam2", "transformers_sam2")]
)
def test_transformers_encoders_with_our_weights_are_ours(measured, monkeypatch, variant, other):
    pytest.importorskip("transformers")
    # Where a stage begins transformers halves a window, which must be there and even.
    even = replace(SAM_2.segmenter.hiera, global_attention=(4,), windows=(4, 2, 4, 2))
    config = replace(SAM_2, segmenter=replace(SAM_2.segmenter, hiera=even))
    monkeypatch.setitem(VARIANTS, "evf_sam2", config)
    monkeypatch.setattr(participants, "is_gpu", lambda _: True)  # where it is in half, too
    status, printed, report = measured(
        variant, "--engines", "torch", "--against", PEERS / other, "--precision", "fp32", "bf16"
    )
    assert status == 0
    assert report["failures"] == []
    rows = [row for row in report["rows"] if row["engine"] == other]
    assert [(row["step"], row["precision"]) for row in rows] == [
        ("encode", "fp32"),
        ("encode", "bf16"),
    ]
    assert all(row["error"] < EXACT for row in rows)
    assert f"{other}: SDPA; error in bf16" in printed


def test_an_implementation_made_for_others_is_left_out_and_said(measured):
    pytest.importorskip("transformers")
    status, printed, report = measured(
        "evf_effisam_b", "--engines", "torch", "--against", PEERS / "transformers_sam"
    )
    assert status == 0
    assert "failed: evf_effisam_b fp32 transformers_sam: ValueError: this variant" in printed
    assert {row["engine"] for row in report["rows"]} == {"torch"}


def test_an_implementation_with_other_answers_gets_no_figure(measured, tmp_path):
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "implementation.py").write_text(
        "def build(config, model, device, dtype):\n"
        "    return {'encode': lambda images: 2 * model.segmenter.encode(images)}\n"
    )
    status, printed, report = measured("evf_sam", "--engines", "torch", "--against", folder)
    assert status == 1
    (row,) = (row for row in report["rows"] if row["engine"] == "wrong")
    assert row["error"] == pytest.approx(1)
    assert row["wall_ms"] is None
    assert "| wrong | 1e+00 | other answers: no figure |" in printed


def test_a_case_that_fails_leaves_the_others_their_figures(measured, monkeypatch):
    build = participants.build

    def no_memory(config):
        if config is SAM:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return build(config)

    monkeypatch.setattr(participants, "build", no_memory)
    _, printed, report = measured("evf_sam", "evf_effisam_b", "--engines", "torch")
    assert {row["variant"] for row in report["rows"]} == {"evf_effisam_b"}
    assert "failed: evf_sam fp32 the whole case: OutOfMemoryError: CUDA out of memory" in printed


def test_a_folder_without_an_implementation_is_one_sentence(measured, tmp_path):
    with pytest.raises(SystemExit, match=r"there is no implementation\.py in it"):
        measured("evf_sam", "--engines", "torch", "--against", tmp_path)


def test_prompts_of_all_lengths_are_spread_out(measured):
    _, printed, report = measured("evf_sam", "--engines", "plain", "torch", "--lengths", "60")
    (spread,) = report["lengths"]  # of the model as written nobody expects it
    assert (spread["engine"], spread["lengths"], spread["compiled"]) == ("torch", 12, 0)
    assert 0 < spread["fastest_ms"] <= spread["slowest_ms"]
    assert goal(report, "P15", "by torch")["wanted"] == "<= 10.0%"
    assert "| 1 to 12 |" in printed


def test_frames_differ_in_picture_and_words_but_not_in_shape():
    drawn = Inputs(SAM, CPU)
    assert not torch.equal(drawn.image(0), drawn.image(1))
    assert torch.equal(drawn.image(0), drawn.image(16))
    (first, padding), (second, _) = drawn.words(0, 8), drawn.words(1, 8)
    assert first.shape == second.shape == padding.shape == (1, 8, 12)
    assert torch.equal(first[:, 1:], second[:, :-1])
    assert padding.any(2).tolist() == [[False, True] * 4]


def test_compilations_and_recordings_are_counted(monkeypatch):
    monkeypatch.setattr(torch.cuda.CUDAGraph, "capture_begin", lambda self: None)
    with counting() as counters:
        before = counters.total()
        torch.cuda.CUDAGraph.capture_begin(None)
        assert counters.total() == before + 1
        torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2))
        assert counters.total() > before + 1
    assert counters.recorded == 1


@pytest.fixture
def gpu(monkeypatch):
    """Let the CPU pass for a GPU; what is asked of `torch.cuda` must exist there, as it is."""
    for module in (measure, benchmark, participants):
        monkeypatch.setattr(module, "is_gpu", lambda _: True)
    event = mock.create_autospec(torch.cuda.Event)
    event.return_value.elapsed_time.return_value = 2.0  # ms
    answers = {
        "Event": event,
        "synchronize": None,
        "mem_get_info": (2**20, 2**21),
        "empty_cache": None,
        "reset_peak_memory_stats": None,
        "max_memory_reserved": 10**9,
        "get_device_name": "a stand-in",
        "set_device": None,
    }
    for name, answer in answers.items():
        stand_in = answer
        if name != "Event":
            stand_in = mock.create_autospec(getattr(torch.cuda, name), return_value=answer)
        monkeypatch.setattr(torch.cuda, name, stand_in)


def test_what_only_a_gpu_runs_runs(gpu, measured):
    status, printed, report = measured(
        "evf_sam", "--engines", "plain", "torch", "--against", PEERS / "eager",
        "--precision", "fp16", "--lengths", "9", "--frames", "2", "--commit", "abc",
    )  # fmt: skip
    assert status == 0
    assert report["machine"]["commit"] == "abc"
    assert report["machine"]["device"] == "a stand-in"
    assert set(report["ceilings"]) == {"fp16", "bf16"}
    assert all(row["events_ms"] == 2.0 for row in report["rows"])
    (peak,) = report["memory"]
    assert (peak["engine"], peak["answering_gb"]) == ("torch", 1.0)
    assert goal(report, "P16", "by torch")["verdict"] == "missed"  # of a model of some kB
    assert goal(report, "P1", "frame")["verdict"] in ("reached", "missed")
    assert goal(report, "P2", "frame")["verdict"] == "not taken here: needs the variant evf_sam2"
    assert goal(report, "P5", "evf_sam ")["verdict"] == "not taken here: needs --precision bf16"
    assert goal(report, "P6", "evf_sam fp16")["verdict"] in ("reached", "missed")
    assert goal(report, "P9", "evf_sam fp16")["verdict"] in ("reached", "missed")
    assert "| events ms |" in printed
    assert memory._FRAMES > participants._READY_RUNS  # so it was recorded, too
