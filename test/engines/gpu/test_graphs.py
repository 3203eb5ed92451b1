"""Recorded graphs are replayed with new inputs, and never where they would answer otherwise.

A stand-in for CUDA graphs repeats a run by running it again into the same outputs.
"""

from itertools import product

import pytest
import torch
from rounding import WORST, error_of_format
from test_lean import inputs, model_and_config, run

from evf_sam_ros.engines import engine
from evf_sam_ros.engines.engine import engine_for, round_weights
from evf_sam_ros.engines.fusion import buckets
from evf_sam_ros.engines.gpu.graphs import GraphsEngine
from evf_sam_ros.engines.lean import TorchEngine
from evf_sam_ros.engines.measure import relative_error
from evf_sam_ros.engines.precision import rounded_twin

NAMES = ["tabletop", "sam", "efficient_sam", "sam2"]


class Repeats:
    """Notes what is recorded and how often it is replayed."""

    def __init__(self, factor=1.0, stale=False):
        self.factor, self.stale = factor, stale
        self.recorded = self.replayed = 0

    def __call__(self, run):
        self.recorded += 1
        outputs = run()

        def replay():
            self.replayed += 1
            if self.stale:  # the graph reads other memory than that of its inputs
                return
            for own, new in zip(outputs, run(), strict=True):
                own.copy_(new * self.factor)

        return replay, outputs


def engines(name, record):
    model, config = model_and_config(name)
    plain = TorchEngine(model, "queries").eval()
    return config, plain, GraphsEngine(plain, lambda: record, config.encoder.max_tokens)


def close(expected, computed, model, dtype=torch.float32):
    """Compare answers that may be summed in another order: rows filled up, several at once."""
    for own, other in zip(vars(expected).values(), vars(computed).values(), strict=True):
        assert (own is None) == (other is None)
        if own is not None:
            assert relative_error(own, other) < WORST * error_of_format(model, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_replayed_answers_are_those_of_each_images_own(name):
    record = Repeats()
    config, plain, recorded = engines(name, record)
    first, *others = [inputs(config, images=1, prompts=2, words=words) for words in (6, 7, 8, 8)]
    others = [(each[0] + number, *each[1:]) for number, each in enumerate(others)]
    expected = [run(plain, *each) for each in (first, *others)]
    computed = [run(recorded, *each) for each in (first, *others)]
    for pair in zip(expected, computed, strict=True):
        close(*pair, plain)
    # Three steps, recorded when their shape is seen again: all lengths are one bucket.
    assert record.recorded == 3
    assert record.replayed == 3 * 3  # once to compare, then for the last two


def test_answers_given_stay_what_they_were():
    config, _, recorded = engines("efficient_sam", Repeats())
    given = inputs(config, images=1)
    for _ in range(3):
        kept = run(recorded, *given)
    before = kept.logits.clone()
    run(recorded, given[0] + 1, *given[1:])
    assert torch.equal(kept.logits, before)


@pytest.mark.parametrize("factor", [1.01, float("nan")])
def test_a_recording_that_answers_otherwise_is_not_used(factor, caplog):
    record = Repeats(factor)
    config, plain, recorded = engines("efficient_sam", record)
    given = inputs(config, images=1)
    for _ in range(4):
        close(run(plain, *given), run(recorded, *given), plain)
    assert record.recorded == record.replayed == 3  # each step once, to compare
    assert "runs without a CUDA graph" in caplog.text


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_ignores_new_inputs_is_not_used(name, caplog):
    record = Repeats(stale=True)
    config, plain, recorded = engines(name, record)
    given = inputs(config, images=1)
    for number in range(4):
        moved = (given[0] + number, *given[1:])
        close(run(plain, *moved), run(recorded, *moved), plain)
    assert record.recorded == record.replayed == 3  # each step once, to compare
    assert "runs without a CUDA graph" in caplog.text


def test_nothing_is_recorded_once_it_is_finished():
    record = Repeats()
    config, plain, recorded = engines("efficient_sam", record)
    recorded.finish()
    given = inputs(config, images=1)
    for _ in range(4):
        close(run(plain, *given), run(recorded, *given), plain)
    assert record.recorded == 0


def test_what_cannot_be_recorded_runs_as_it_is(caplog):
    def refuse(_):
        raise RuntimeError("operation not permitted when stream is capturing")

    config, plain, recorded = engines("sam2", refuse)
    given = inputs(config, images=1)
    for _ in range(3):
        close(run(plain, *given), run(recorded, *given), plain)
    assert caplog.text.count("stream is capturing") == 3


def test_precisions_are_recorded_apart():
    record = Repeats()
    config, plain, recorded = engines("efficient_sam", record)
    given = inputs(config, images=1, words=8)  # a bucket's length: nothing is rounded otherwise
    for _ in range(3):
        run(recorded, *given)
        with torch.autocast("cpu", torch.bfloat16):
            half = run(recorded, *given)
    with torch.autocast("cpu", torch.bfloat16):
        close(run(plain, *given), half, plain, torch.bfloat16)
    exact = run(plain, *given).logits
    assert relative_error(exact, half.logits) > WORST * error_of_format(plain, torch.float32)
    assert record.recorded >= 5  # decoding takes prompts of either format


def test_every_length_is_recorded_at_start_and_replayed_from_then_on(monkeypatch):
    made = []

    def recorder(_):
        made.append(Repeats())
        return made[-1]

    monkeypatch.setattr(engine, "CudaRecorder", recorder)
    model, config = model_and_config("efficient_sam")
    recorded = engine_for("graphs", model, config, torch.device("cuda"), "fp32")
    before = [each.recorded for each in made]
    # The image and masks of 1 to 4 prompts; words of as many.
    assert before == [1 + 4, 4 * len(buckets(config.encoder.max_tokens))]
    plain = TorchEngine(model, "queries").eval()
    for prompts, words in product((1, 4, 5), range(1, config.encoder.max_tokens + 1)):
        given = inputs(config, images=1, prompts=prompts, words=words)
        close(run(plain, *given), run(recorded, *given), plain)
    assert [each.recorded for each in made] == before


def test_weights_rounded_later_stay_where_they_were_recorded():
    model, _ = model_and_config("efficient_sam")
    twin = rounded_twin(model, torch.bfloat16)
    assert {weights.dtype for weights in model.parameters()} == {torch.float32}
    places = [each.data_ptr() for each in twin.parameters()]
    round_weights(model, torch.bfloat16)
    assert [each.data_ptr() for each in model.parameters()] == places
    assert [each.data_ptr() for each in twin.parameters()] == places


def test_without_a_gpu_it_is_refused():
    model, config = model_and_config("sam")
    with pytest.raises(ValueError, match="needs a GPU, the device is cpu"):
        engine_for("graphs", model, config, torch.device("cpu"), "fp32")


def test_words_share_no_memory_with_the_image_that_is_encoded_beside_them():
    model, config = model_and_config("efficient_sam")
    plain, made = TorchEngine(model, "queries").eval(), []

    def recorder():
        made.append(Repeats())
        return made[-1]

    recorded = GraphsEngine(plain, recorder, config.encoder.max_tokens)
    pictures, *words = inputs(config, images=1)
    with torch.inference_mode():
        for _ in range(2):
            recorded.prompt(*words)
        of_words = [each for each in made if each.recorded]
        for _ in range(2):
            recorded.encode(pictures)
    assert [each.recorded for each in of_words] == [1]
