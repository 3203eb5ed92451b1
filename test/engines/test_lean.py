"""The shorter way through each model gives the reference's recorded answers."""

from pathlib import Path

import pytest
import torch
from rounding import expected_error
from tiny_networks import EFFICIENT_SAM, SAM, SAM_2, randomised

from benchmarks.engine_parity import answers, check_engine, recorded_answers
from benchmarks.golden import load_arrays, load_golden, relative
from evf_sam_ros.engines.engine import round_weights
from evf_sam_ros.engines.fusion import LeanPrompt, bucket_of, to_bucket
from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.engines.proof import PlainEngine, allowed
from evf_sam_ros.engines.tensor_tuples import parts_of, whole_of
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import build
from evf_sam_ros.models.windows import windows_of
from evf_sam_ros.perception.device import PRECISIONS

GOLDENS = Path(__file__).parents[3] / "shared" / "goldens"
TABLETOP = Path(checkpoint.__file__).parent / "tabletop"
needs_goldens = pytest.mark.skipif(not GOLDENS.is_dir(), reason=f"no golden data in {GOLDENS}")
EXACT = expected_error(torch.float32)


def lean_of(model, attention="queries"):
    return LeanModel(model, attention).eval()


def misses(checks):
    return {check.name: check.error for check in checks if not check.ok}


@needs_goldens
@pytest.mark.parametrize(
    ("name", "attention"),
    [
        ("tiny_sam", "queries"),
        ("tiny_sam", "bias"),
        ("tiny_effisam", "written"),
        ("tiny_sam2", "written"),
    ],
)
def test_every_answer_recorded_of_a_small_model_is_met(name, attention):
    golden = load_golden(GOLDENS / name)
    checks = check_engine(golden, lean_of(golden.model, attention))
    assert misses(checks) == {}
    assert len(checks) == 4 * len(golden.manifest["cases"])


class Reduced:
    """An engine some of whose steps run in half precision; the others get float32."""

    def __init__(self, engine, dtype, steps):
        self.engine, self.dtype, self.steps = engine, dtype, steps

    def __getattr__(self, step):
        def run(*given):
            given = [widened(each) for each in given]
            with torch.autocast("cpu", self.dtype, enabled=step in self.steps):
                return getattr(self.engine, step)(*given)

        return run


def widened(value):
    """Return a tensor, or features of several, in float32."""
    parts = (part.float() if part.is_floating_point() else part for part in parts_of(value))
    return whole_of(type(value), tuple(parts))


@needs_goldens
@pytest.mark.parametrize("name", ["tiny_sam", "tiny_effisam", "tiny_sam2"])
@pytest.mark.parametrize(
    ("precision", "steps"), [("fp16", ("encode", "prompt", "decode")), ("bf16", ("encode",))]
)
def test_half_precision_is_no_further_off_than_that_of_the_model_as_written(
    name, precision, steps
):
    golden = load_golden(GOLDENS / name)
    off = {}
    for engine in (PlainEngine(golden.model), lean_of(golden.model)):
        reduced = Reduced(engine, PRECISIONS[precision], steps)
        off[type(engine)] = max(
            relative(*(
                each["low_res_logits"]
                for each in (
                    recorded_answers(load_arrays(golden.folder / case["file"])),
                    answers(golden, case, reduced),
                )
            ))
            for case in golden.manifest["cases"]
        )  # fmt: skip
    own, shorter = off.values()
    assert EXACT < shorter < allowed(precision, own)


def test_the_default_model_in_bfloat16_keeps_within_its_gate():
    model, config = model_and_config("tabletop")
    given = inputs(config)
    expected = run(AsWritten(model), *given).logits.numpy()
    with torch.autocast("cpu", torch.bfloat16):
        written = run(AsWritten(model), *given).logits.float().numpy()
        round_weights(model, torch.bfloat16)
        computed = run(lean_of(model), *given).logits.float().numpy()
    own = relative(expected, written)
    assert EXACT < relative(expected, computed) < allowed("bf16", own)


@needs_goldens
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["full_evf_effisam_b", "full_evf_effisam_l", "full_evf_sam", "full_evf_sam2"]
)
def test_every_answer_recorded_of_a_published_size_is_met(name):
    golden = load_golden(GOLDENS / name)
    assert misses(check_engine(golden, lean_of(golden.model))) == {}


@needs_goldens
def test_a_key_at_the_wrong_place_is_noticed():
    golden = load_golden(GOLDENS / "tiny_sam")
    lean = lean_of(golden.model)
    places = lean.segmenter.image_encoder.blocks[0].attention.places_TR
    places.copy_(places.roll(1, 0))
    assert "low_res_logits" in misses(check_engine(golden, lean))


def inputs(config, images=2, prompts=3, words=9):
    torch.manual_seed(0)
    tokens = torch.randint(3, 40, (images, prompts, words))
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[:, -1, 6:] = True
    pictures = torch.randn(images, 3, *config.image_input.size)
    fusions = torch.randn(images, 3, *config.fusion_input.size)
    return pictures, fusions, tokens, padding


def run(engine, pictures, *words):
    with torch.inference_mode():
        return engine.decode(engine.encode(pictures), engine.prompt(*words))


class AsWritten:
    """The model's own steps."""

    def __init__(self, model):
        self.prompt = model.prompt
        self.encode, self.decode = model.segmenter.encode, model.segmenter.decode


def model_and_config(name):
    if name == "tabletop":
        loaded = checkpoint.load(TABLETOP)
        return loaded.model, loaded.config
    config = {"sam": SAM, "efficient_sam": EFFICIENT_SAM, "sam2": SAM_2}[name]
    return randomised(build(config)), config


@pytest.mark.parametrize("name", ["tabletop", "sam", "efficient_sam", "sam2"])
def test_several_images_with_several_prompts_are_answered_as_by_the_model(name):
    model, config = model_and_config(name)
    given = inputs(config)
    expected, computed = run(AsWritten(model), *given), run(lean_of(model), *given)
    for field in ("logits", "predicted_iou"):
        pair = (getattr(each, field).numpy() for each in (expected, computed))
        assert relative(*pair) < EXACT


def test_the_weights_are_shared_not_copied():
    model, _ = model_and_config("sam")
    own = {id(parameter) for parameter in model.parameters()}
    lean = list(lean_of(model).parameters())
    assert lean
    assert {id(parameter) for parameter in lean} <= own


def test_images_are_projected_once_for_all_their_prompts():
    model, config = model_and_config("efficient_sam")
    pictures, *words = inputs(config, images=1, prompts=5)
    attention = model.segmenter.mask_decoder.transformer.layers[0].cross_attn_token_to_image
    rows = []
    attention.k_proj.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    run(lean_of(model), pictures, *words)
    assert rows == [1]


@pytest.mark.parametrize(("length", "bucket"), [(3, 8), (8, 8), (9, 16), (30, 32), (33, 62)])
def test_a_prompt_is_filled_up_to_a_power_of_two_or_the_longest(length, bucket):
    assert bucket_of(length, most=62) == bucket


def test_filling_up_changes_nothing_as_long_as_it_is_masked():
    model, config = model_and_config("sam")
    _, fusions, tokens, padding = inputs(config, words=9)
    prompt = LeanPrompt(model, for_kernels=False).eval()
    filled, masked = to_bucket(tokens, padding, 12)
    assert filled.shape[2] == 12
    with torch.inference_mode():
        expected = prompt(fusions, tokens, padding).numpy()
        assert relative(expected, prompt(fusions, filled, masked).numpy()) < EXACT
        unmasked = prompt(fusions, filled, torch.zeros_like(masked)).numpy()
        assert relative(expected, unmasked) > 1e-2


def counted(module):
    """Return the list of the sizes that a module will have been given."""
    sizes = []
    module.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[:-1])))
    return sizes


@pytest.mark.parametrize("attention", ["queries", "bias"])
def test_what_only_fills_windows_is_not_projected(attention):
    model, config = model_and_config("sam")
    encoder = model.segmenter.image_encoder
    attended = encoder.blocks[0].attn
    sizes, images = counted(attended.qkv), inputs(config, images=1)[0]
    with torch.inference_mode():
        expected = encoder(images)
        lean = lean_of(model, attention).segmenter.image_encoder
        computed = lean(images)
    # A grid of 4 x 4 in windows of 3: four windows, of 36 places, 20 of which are filling.
    assert sizes == [(4, 3, 3), (1, 4, 4)]
    assert relative(expected.numpy(), computed.numpy()) < EXACT


def test_windows_filled_up_by_zeros_are_noticed():
    model, config = model_and_config("sam")
    lean = lean_of(model)
    images = inputs(config, images=1)[0]
    block = lean.segmenter.image_encoder.blocks[0].attention
    with torch.inference_mode():
        expected = lean.encode(images).numpy()
        qkv = block.qkv(torch.randn(1, 4, 4, 16))
        assert torch.equal(block._windows(qkv)[-1, 1, 1], block.qkv.bias)
        block._windows = lambda grid: windows_of(grid, 3)
        assert relative(expected, lean.encode(images).numpy()) > 1e-3


def test_position_tables_are_resized_once(monkeypatch):
    for name, kind in (("sam2", "hiera.Hiera"), ("efficient_sam", "efficient_sam.ImageEncoder")):
        model, config = model_and_config(name)
        lean = lean_of(model)
        monkeypatch.setattr(
            f"evf_sam_ros.models.{kind}.positions", lambda *_: pytest.fail("made again")
        )
        run(lean, *inputs(config))
