"""Linear layers in 8 bits are what they claim to be, and answer nobody unless near enough.

The product itself is PyTorch's own, which a CPU has too: what runs on a GPU is what is tested.
"""

import pytest
import torch
from test_lean import (
    GOLDENS,
    AsWritten,
    Reduced,
    inputs,
    lean_of,
    model_and_config,
    needs_goldens,
    run,
)
from torch import nn

from benchmarks.engine_parity import answers, recorded_answers
from benchmarks.golden import load_arrays, load_golden, relative
from evf_sam_ros.engines import float8
from evf_sam_ros.engines.float8 import Float8Linear, float8_twin, in_float8, proven_twin
from evf_sam_ros.engines.measure import GATES


def test_values_of_three_bits_are_kept_and_rows_have_scales_of_their_own():
    values = torch.tensor([[448.0, 1.0, -26.0], [4.48, 0.01, -0.26], [0.0, 0.0, 0.0]])
    rounded, scales = in_float8(values)
    torch.testing.assert_close(rounded.float() * scales, values)
    torch.testing.assert_close(scales[:2, 0], torch.tensor([1.0, 0.01]))


def test_a_layer_is_the_product_of_the_rounded_numbers():
    torch.manual_seed(0)
    layer, values = nn.Linear(32, 48), torch.randn(2, 5, 32)
    computed = Float8Linear(layer)(values)
    sides = map(in_float8, (values.flatten(0, 1), layer.weight))
    rows, weights = (rounded.float() * scales for rounded, scales in sides)
    expected = (rows @ weights.T + layer.bias.bfloat16()).unflatten(0, (2, 5))
    assert computed.dtype == torch.bfloat16
    torch.testing.assert_close(computed.float(), expected, rtol=2**-7, atol=2**-7)
    exact = layer(values).detach().numpy()
    assert 0.01 < relative(exact, computed.detach().float().numpy()) < 0.05


def test_rows_are_rows_however_the_values_lay():
    values = torch.randn(48, 32)
    rounded, _ = in_float8(values.T.contiguous().T)
    assert rounded.is_contiguous()
    assert torch.equal(rounded.float(), in_float8(values)[0].float())


def linears(module):
    return {name for name, each in module.named_modules() if isinstance(each, nn.Linear)}


@pytest.mark.parametrize("name", ["sam", "efficient_sam", "sam2", "tabletop"])
def test_a_twin_shares_every_other_weight_and_leaves_the_model_alone(name):
    model, config = model_and_config(name)
    given, before = inputs(config, images=1), linears(model)
    expected = run(AsWritten(model), *given).logits
    twin = float8_twin(model)
    assert torch.equal(run(AsWritten(model), *given).logits, expected)
    assert linears(model) == before
    own = {id(parameter) for parameter in model.parameters()}
    assert {id(parameter) for parameter in twin.parameters()} <= own
    kept = linears(twin)
    assert any(name.startswith("projector") for name in kept)
    assert not [name for name in kept if name.startswith("encoder.layers")]


def test_layers_that_kernels_do_not_take_stay_as_they_are():
    encoder = nn.Sequential(nn.Linear(32, 40), nn.Linear(40, 32), nn.Linear(32, 16))
    float8._convert(encoder)
    assert [type(layer) for layer in encoder] == [nn.Linear, nn.Linear, Float8Linear]


def test_the_default_model_keeps_within_the_gate():
    model, config = model_and_config("tabletop")
    assert proven_twin(model, config) is not None


def test_a_model_that_would_answer_otherwise_keeps_its_precision_and_says_so(caplog):
    model, config = model_and_config("sam")
    assert proven_twin(model, config) is None
    assert "its answers differ by" in caplog.text
    assert "bf16 runs it" in caplog.text


def test_a_device_without_such_kernels_is_noticed(monkeypatch, caplog):
    def refuse(*_, **__):
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")

    monkeypatch.setattr(torch, "_scaled_mm", refuse)
    assert proven_twin(*model_and_config("sam")) is None
    assert "CUBLAS_STATUS_NOT_SUPPORTED" in caplog.text


# On random weights the gate is missed, by how much: docs/measurements/performance.md.
@needs_goldens
@pytest.mark.parametrize("name", ["tiny_sam", "tiny_effisam", "tiny_sam2"])
def test_no_recorded_answer_of_random_weights_is_met(name):
    golden = load_golden(GOLDENS / name)
    steps = ("encode", "prompt", "decode")
    engine = Reduced(lean_of(float8_twin(golden.model)), torch.bfloat16, steps)
    for case in golden.manifest["cases"]:
        recorded = recorded_answers(load_arrays(golden.folder / case["file"]))
        computed = answers(golden, case, engine)
        error = relative(*(each["low_res_logits"] for each in (recorded, computed)))
        assert error > GATES["fp8"]
