"""The choice of the engine, and weights stored as autocast rounds them."""

import pytest
import torch
from test_lean import inputs, model_and_config, run
from tiny_bridge import ON_COMPACT

from evf_sam_ros.engines.engine import PlainEngine, engine_for, round_weights
from evf_sam_ros.engines.exported import runtimes
from evf_sam_ros.engines.fusion import InBuckets
from evf_sam_ros.engines.lean import TorchEngine, torch_engine

CPU = torch.device("cpu")


def test_an_engine_nobody_knows_is_refused_with_the_choices():
    model, config = model_and_config("sam")
    with pytest.raises(ValueError, match="'tvm', need one of auto, torch, plain, openvino, "):
        engine_for("tvm", model, config, CPU, "fp32")


def test_without_openvino_torch_runs_it_and_asking_says_what_to_install(monkeypatch):
    model, config = model_and_config("sam")
    monkeypatch.setattr(runtimes, "find_spec", lambda _: None)
    assert engine_for("auto", model, config, CPU, "fp32").name == "torch"
    with pytest.raises(ValueError, match=r"pip install 'evf_sam_ros\[openvino\]'"):
        engine_for("openvino", model, config, CPU, "fp32")


@pytest.mark.parametrize("name", ["sam", "efficient_sam", "sam2", "tabletop"])
def test_weights_stored_in_half_precision_change_no_bit_of_its_answers(name):
    model, config = model_and_config(name)
    given = inputs(config, images=1, prompts=2)
    with torch.autocast("cpu", torch.bfloat16):
        before = run(PlainEngine(model), *given)
        round_weights(model, torch.bfloat16)
        after = run(PlainEngine(model), *given)
    assert torch.equal(before.logits, after.logits)
    stored = {parameter.dtype for parameter in model.parameters()}
    assert stored == {torch.bfloat16, torch.float32}


def plain(model):
    return PlainEngine(model)


def shorter(model):
    return TorchEngine(model, "queries").eval()


@pytest.mark.parametrize("engine_of", [plain, shorter])
@pytest.mark.parametrize("name", ["sam", "efficient_sam", "sam2", "tabletop"])
def test_every_step_stays_on_its_device_and_asks_it_for_no_number(name, engine_of):
    # A device without numbers stands for a GPU: a tensor of the CPU among its own is refused, and
    # so is what a recording of kernels could not hold: waiting for a result.
    elsewhere = torch.device("meta")
    model, config = model_and_config(name)
    given = [part.to(elsewhere) for part in inputs(config)]
    answer = run(engine_of(model.to(elsewhere)), *given)
    assert {part.device for part in vars(answer).values() if part is not None} == {elsewhere}


def test_tables_stored_in_half_precision_change_no_bit_of_its_answers():
    model, config = model_and_config("sam")
    given = inputs(config)
    with torch.autocast("cpu", torch.bfloat16):
        answers = [run(torch_engine(model, CPU, name), *given) for name in ("fp32", "bf16")]
    assert torch.equal(*(answer.logits for answer in answers))
    stored = torch_engine(model, CPU, "bf16").segmenter.image_encoder.blocks[0].attention
    assert {table.dtype for table in stored.buffers()} == {torch.bfloat16}


def test_a_gpu_meets_a_few_lengths_of_words_a_cpu_every_one():
    model, _ = model_and_config("sam")
    assert isinstance(torch_engine(model, torch.device("cuda"), "fp16").prompt, InBuckets)
    assert not isinstance(torch_engine(model, CPU, "fp32").prompt, InBuckets)


@pytest.mark.parametrize(
    "name", ["openvino", "onnxruntime", "tensorrt", "compiled", "warming", "graphs"]
)
def test_what_knows_only_tensors_refuses_a_bridge(name):
    with pytest.raises(ValueError, match=f"'{name}' does not run SAM-CLIP bridges, need one of "):
        engine_for(name, None, ON_COMPACT, CPU, "fp32")
