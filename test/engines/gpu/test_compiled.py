"""Layers compiled for every shape beforehand: the same answers, and nobody waits for a compiler.

Most tests capture the layers and run what was captured as it is; Inductor's own kernels, which
need a C++ compiler and minutes, are met by the last.
"""

import os
import threading
from itertools import product

import pytest
import torch
from rounding import expected_error
from test_graphs import Repeats
from test_lean import EXACT, GOLDENS, inputs, misses, model_and_config, needs_goldens, run
from torch._dynamo.utils import counters

from benchmarks.engine_parity import check_engine
from benchmarks.golden import load_golden, relative
from evf_sam_ros.engines import engine as engine_module
from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.engines.engine import PlainEngine, engine_for, round_weights
from evf_sam_ros.engines.fusion import InBuckets, buckets
from evf_sam_ros.engines.gpu import compiled

CPU = torch.device("cpu")
SLOW = pytest.mark.slow  # tens of seconds where others use the machine as well


@pytest.fixture(autouse=True)
def captured(request, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.manual_seed(0)
    if "inductor" not in request.node.name:
        monkeypatch.setattr(compiled, "BACKEND", "eager")
    yield
    counters.clear()


@pytest.fixture(scope="module")
def efficient():
    """Return a compiled model, what it was made of, and how many graphs it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "BACKEND", "eager")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as in every test: a graph is for so many
        counters.clear()
        made = compiled_model("efficient_sam")
        torch.set_num_threads(threads)
    return *made, counters["stats"]["unique_graphs"]


def compiled_model(name):
    model, config = model_and_config(name)
    return engine_for("compiled", model, config, CPU, "fp32"), model, config


def graphs():
    return counters["stats"]["unique_graphs"]


def check_every_length(engine, model, config):
    """Compare with the same steps not compiled, and see that nothing is compiled meanwhile."""
    assert engine.name == "compiled"
    filled = engine_for("torch", model, config, CPU, "fp32")
    filled.prompt = InBuckets(filled.prompt, config.encoder.max_tokens)
    before = graphs(), dict(counters["frames"])
    lengths = range(1, min(60, config.encoder.max_tokens) + 1)
    for prompts, words in product((1, 2, 5), lengths):
        given = inputs(config, images=1, prompts=prompts, words=words)
        expected, computed = run(filled, *given), run(engine, *given)
        assert relative(expected.logits.numpy(), computed.logits.numpy()) < EXACT
    assert (graphs(), dict(counters["frames"])) == before


def test_no_prompt_of_any_length_is_compiled_for_once_it_is_ready(efficient):
    check_every_length(*efficient[:3])


@SLOW
@pytest.mark.parametrize("name", ["sam", "sam2", "tabletop"])
def test_nor_with_any_other_family(name):
    check_every_length(*compiled_model(name))


def test_what_was_made_outside_of_inference_mode_is_not_compiled_for_again():
    region = compiled.Region(lambda values, scale: values.relu() * scale, {})
    with torch.inference_mode():
        region.learns = True
        region(torch.ones(3), 2)
        region.learns = False
    before = graphs()
    with torch.inference_mode(False):
        foreign = torch.tensor([1.0, -1.0, 2.0])
    with torch.inference_mode():
        assert region(foreign, 2).tolist() == [2, 0, 4]
        assert region(foreign[:2], 2).tolist() == [2, 0]  # of no kind that was learned
        torch.set_num_threads(2)
        assert region(foreign, 2).tolist() == [2, 0, 4]
    assert graphs() == before


def test_what_is_repeated_is_compiled_once_for_all_repetitions(efficient):
    *_, config, made = efficient
    words, prompts = len(buckets(config.encoder.max_tokens)), 2
    # A block of the image's, a layer per bucket and number of prompts, a decoder for either.
    assert made == 1 + words * prompts + prompts


def test_other_shapes_run_as_they_are_and_so_does_the_model(efficient):
    engine, model, config, _ = efficient
    assert not [module for module in model.modules() if "forward" in vars(module)]
    before = graphs()
    given = inputs(config, images=2, prompts=3)
    for with_gradients in (False, True):
        with torch.set_grad_enabled(with_gradients):
            computed = engine.decode(engine.encode(given[0]), engine.prompt(*given[1:])).logits
        expected = run(PlainEngine(model), *given).logits
        assert relative(expected.numpy(), computed.detach().numpy()) < EXACT
    assert graphs() == before


@SLOW
def test_in_half_precision_the_weights_are_rounded_once():
    model, config = model_and_config("tabletop")
    engine = engine_for("compiled", model, config, CPU, "bf16")
    assert engine.name == "compiled"
    assert {weights.dtype for weights in model.parameters()} == {torch.float32}
    round_weights(model, torch.bfloat16)
    before = graphs()
    given = inputs(config, images=1)
    with torch.autocast("cpu", torch.bfloat16):
        computed = run(engine, *given).logits.float()
        expected = run(PlainEngine(model), *given).logits.float()
    assert relative(expected.numpy(), computed.numpy()) < expected_error(torch.bfloat16)
    assert graphs() == before


def test_another_thread_compiles_while_this_one_answers_by_torch(monkeypatch):
    model, config = model_and_config("sam2")
    given = inputs(config, images=1)
    expected = run(PlainEngine(model), *given).logits
    plain = engine_for("torch", model, config, CPU, "fp32")
    make, made = compiled.compiling(model, config, CPU, "fp32"), []
    thread = threading.Thread(target=lambda: made.append(make()))
    thread.start()
    answers = 0
    while thread.is_alive():
        assert relative(expected.numpy(), run(plain, *given).logits.numpy()) < EXACT
        answers += 1
    assert answers > 1
    before = graphs()
    assert relative(expected.numpy(), run(made[0], *given).logits.numpy()) < EXACT
    assert graphs() == before, "compiled again for this thread"


def test_on_a_gpu_what_is_compiled_is_recorded_for_every_length_before_it_answers(monkeypatch):
    made = []

    def recorder(_):
        made.append(Repeats())
        return made[-1]

    def recorded():
        return [each.recorded for each in made]

    monkeypatch.setattr(compiled, "find_spec", lambda _: True)
    monkeypatch.setattr(compiled, "CudaRecorder", recorder)
    model, config = model_and_config("efficient_sam")
    engine = engine_for("compiled", model, config, torch.device("cuda"), "fp32")
    assert engine.name == "compiled"
    # The image and masks of 1 to 4 prompts; words of as many.
    assert recorded() == [1 + 4, 4 * len(buckets(config.encoder.max_tokens))]
    before = recorded(), sum(each.replayed for each in made)
    for words in range(1, config.encoder.max_tokens + 1):
        run(engine, *inputs(config, images=1, prompts=1, words=words))
    assert (recorded(), sum(each.replayed for each in made)) == (before[0], before[1] + 3 * words)


def test_on_a_gpu_torch_answers_until_the_model_is_compiled(monkeypatch):
    model, config = model_and_config("efficient_sam")
    ready, fast = threading.Event(), PlainEngine(model)
    monkeypatch.setattr(engine_module, "compiling", lambda *_: lambda: ready.wait() and fast)
    engine = engine_for("warming", model, config, torch.device("cuda"), "fp16")
    assert engine.name == "torch"
    ready.set()
    engine.wait()
    assert engine.name == fast.name


def test_a_compiled_model_that_answers_otherwise_answers_nobody(monkeypatch, caplog):
    answers = compiled.answers

    def doubled(model, config, engine, dtype):
        logits = answers(model, config, engine, dtype)
        return [2 * each for each in logits] if engine.name == "compiled" else logits

    monkeypatch.setattr(compiled, "answers", doubled)
    assert compiled_model("efficient_sam")[0].name == "torch"
    assert "to torch: its answers differ by 1e+00 in fp32" in caplog.text


def test_a_compiler_that_fails_leaves_torch_to_answer(monkeypatch, caplog):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiled, "BACKEND", broken)
    engine, model, config = compiled_model("efficient_sam")
    assert engine.name == "torch"
    assert "No space left on device" in caplog.text
    given = inputs(config)
    pair = (run(each, *given).logits.numpy() for each in (PlainEngine(model), engine))
    assert relative(*pair) < EXACT


def test_without_a_compiler_it_is_refused(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(
        ValueError, match=r"needs a C\+\+ compiler, there is no 'no-such-compiler'"
    ):
        compiled_model("efficient_sam")


def test_without_triton_a_gpu_refuses_it(monkeypatch):
    model, config = model_and_config("efficient_sam")
    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    for name in ("compiled", "warming"):
        with pytest.raises(ValueError, match="needs Triton on a GPU: pip install triton"):
            engine_for(name, model, config, torch.device("cuda"), "fp16")


@pytest.mark.parametrize(("before", "own"), [("torchinductor_someone", True), ("kernels", False)])
def test_what_is_compiled_is_kept_beside_what_openvino_made(before, own, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", before)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, config = model_and_config("efficient_sam")
    compiled.compiling(model, config, CPU, "fp32")
    kept = str(cache_of("inductor")) if own else before  # own: PyTorch's choice, not the user's
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == kept
    assert cache_of("inductor").parent == tmp_path / "evf_sam_ros"


@needs_goldens
@SLOW
@pytest.mark.parametrize("name", ["tiny_sam", "tiny_effisam", "tiny_sam2"])
def test_every_answer_recorded_of_a_small_model_is_met_by_inductors_kernels(name):
    golden = load_golden(GOLDENS / name)
    engine = engine_for("compiled", golden.model, golden.config, CPU, "fp32")
    assert engine.name == "compiled"
    before = graphs()
    assert misses(check_engine(golden, engine)) == {}
    assert graphs() == before
