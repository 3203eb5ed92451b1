"""The verdict on GPU optimisations: what is kept, deleted, or left open, and why."""

import time
from types import SimpleNamespace

import pytest
import torch

from benchmarks import gpu_acceptance
from benchmarks.gpu_acceptance import (
    KEPT,
    REFUSED,
    SLOW,
    UNSETTLED,
    Lever,
    Measured,
    main,
    rows,
    verdict,
)


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (Measured(True, 1.05, ""), KEPT),
        (Measured(True, 1.04, ""), SLOW),
        (Measured(True, None, ""), KEPT),
        (Measured(False, 9.0, ""), REFUSED),
    ],
)
def test_a_lever_is_kept_if_it_is_exact_and_worth_it(measured: Measured, told: str) -> None:
    assert verdict(measured) == told


def _fails(bench: object) -> Measured:
    raise RuntimeError("no kernel image\nis available")


def test_each_lever_has_a_line_whatever_becomes_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = Measured(True, 2.0, "note")
    levers = (
        Lever("judged", lambda bench: good, on_cpu="judged"),
        Lever("rehearsed", lambda bench: good, on_cpu="rehearsed"),
        Lever("inexact", lambda bench: Measured(False, 2.0, ""), on_cpu="rehearsed"),
        Lever("fails", _fails, on_cpu="judged"),
        Lever("of a GPU", lambda bench: good),
        Lever("long", lambda bench: good, needs_s=1e6, on_cpu="judged"),
    )
    monkeypatch.setattr(gpu_acceptance, "LEVERS", levers)
    bench = SimpleNamespace(device=torch.device("cpu"))
    table = {row.lever: row for row in rows(bench, time.monotonic() + 1000)}
    assert [row.verdict for row in table.values()] == [
        KEPT, UNSETTLED, REFUSED, REFUSED, UNSETTLED, UNSETTLED,
    ]  # fmt: skip
    assert table["fails"].note == "RuntimeError: no kernel image"
    assert table["of a GPU"].note == "needs a GPU"
    assert table["long"].note == "no time is left"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_script_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "there is no CUDA GPU here; --device cpu rehearses" in capsys.readouterr().err
