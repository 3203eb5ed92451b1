"""Goals are judged by the worst round, of figures that count."""

import math

import pytest

from benchmarks.timing.goals import verdicts


def row(engine, rounds_ms, **other):
    return {
        "variant": "evf_sam",
        "precision": "fp16",
        "engine": engine,
        "is_peer": engine == "eager",
        "prompts": 1,
        "step": "network",
        "passed": True,
        "compiled": 0,
        "rounds_ms": rounds_ms,
        **other,
    }


def report(*rows, gpu=True, **other):
    return {"gpu": gpu, "rows": list(rows), "lengths": [], "memory": [], "failures": [], **other}


def judged(given, name, *words):
    (found,) = (
        each
        for each in verdicts(given)
        if each.goal == name and all(word in each.about for word in words)
    )
    return found.figure, found.verdict


def test_the_worst_round_decides_of_the_best_engine():
    published = row("eager", [30.0, 33.0])
    given = report(published, row("torch", [10.0, 11.5]), row("graphs", [9.0, 11.0]))
    assert judged(given, "P1", "network") == ("3.00 x by graphs", "reached")
    given = report(published, row("torch", [10.0, 11.5]))
    assert judged(given, "P1", "network") == ("2.87 x by torch", "missed")


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ([], "needs the variant evf_sam"),
        ([row("torch", [1.0], precision="bf16")], "needs --precision fp16"),
        ([row("torch", [1.0])], "needs eager"),
        (
            [row("eager", [9.0]), row("torch", [1.0], passed=False)],
            "other answers than the model's, or compiled while it was timed",
        ),
        (
            [row("eager", [9.0]), row("torch", [1.0], compiled=2)],
            "other answers than the model's, or compiled while it was timed",
        ),
    ],
)
def test_what_was_not_taken_says_what_it_needs(missing, why):
    assert judged(report(*missing), "P1", "network") == ("-", f"not taken here: {why}")


def test_an_implementation_that_failed_says_why():
    failure = {
        "variant": "evf_sam", "precision": "fp16", "engine": "eager", "reason": "no memory",
    }  # fmt: skip
    given = report(row("torch", [1.0]), failures=[failure])
    assert judged(given, "P1", "network")[1] == "not taken here: eager: no memory"


def test_goals_of_a_gpu_are_not_taken_on_a_cpu_and_the_other_way_round():
    rows = [
        row(engine, [ms], variant="evf_effisam_b", precision="fp32")
        for engine, ms in (("eager", 9.0), ("torch", 2.0))
    ]
    assert judged(report(*rows, gpu=False), "P18", "fp32") == ("4.50 x by torch", "reached")
    assert judged(report(*rows), "P18", "fp32") == ("-", "not taken here: a CPU's")
    assert judged(report(*rows, gpu=False), "P1", "network")[1] == "not taken here: a GPU's"


def test_eight_prompts_are_those_of_the_fastest_engine():
    given = report(
        row("plain", [10.0]), row("plain", [11.0], prompts=8),
        row("graphs", [4.0, 4.0]), row("graphs", [5.0, 6.0], prompts=8),
    )  # fmt: skip
    assert judged(given, "P9", "evf_sam ") == ("1.50 x by graphs", "missed")


def test_an_image_is_encoded_once_however_many_prompts_were_asked_for():
    given = report(row("torch", [10.0], step="encode", prompts=8, gemm_share=0.65))
    assert judged(given, "P6", "evf_sam fp16") == ("65% by torch", "reached")


def test_what_compiles_for_a_new_length_misses_however_fast_it_is():
    spread = {
        "variant": "evf_sam", "precision": "fp16", "lengths": 60,
        "fastest_ms": 10.0, "slowest_ms": 10.5,
    }  # fmt: skip
    given = report(
        lengths=[
            spread | {"engine": "graphs", "compiled": 0},
            spread | {"engine": "compiled", "compiled": 3},
        ]
    )
    assert judged(given, "P15", "by graphs") == ("5.0% by graphs", "reached")
    assert judged(given, "P15", "by compiled") == (f"{math.inf:.1%} by compiled", "missed")


def test_memory_is_judged_beside_the_weights():
    peak = {
        "variant": "evf_sam", "precision": "fp16", "engine": "graphs",
        "weights_gb": 2.0, "loading_gb": 6.0, "answering_gb": 2.7,
    }  # fmt: skip
    assert judged(report(memory=[peak]), "P16", "by graphs") == ("2.70 GB by graphs", "reached")
    heavier = peak | {"answering_gb": 2.9}
    assert judged(report(memory=[heavier]), "P16", "by graphs")[1] == "missed"
