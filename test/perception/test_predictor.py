"""A predictor from folder to answer, with a tiny model of random weights."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
from rounding import assert_same
from tiny_model import ALWAYS, CONFIG, write_tiny_model

from evf_sam_ros.models import checkpoint
from evf_sam_ros.perception import loading, predictor
from evf_sam_ros.perception.attention_picture import draw_attention
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.perception.preprocess import restore, segmenter_input

NEVER = ALWAYS | {"bias": -2.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), ALWAYS)


@pytest.fixture(scope="module")
def predict(folder):
    return load_predictor(folder, "cpu")


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).integers(0, 255, (90, 120, 3), np.uint8)


def changed(folder, tmp_path, **entries):
    copy = tmp_path / "changed"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | entries))
    return copy


class TestAnswer:
    def test_every_prompt_gets_a_mask_of_the_images_size(self, predict, image):
        answer = predict(image, ["the red mug", "the blue bowl", "left"])
        assert answer.masks.shape == (3, 90, 120)
        assert answer.masks.dtype == bool
        assert answer.logits.shape == (3, 24, 32)
        assert answer.scores == pytest.approx([1 / (1 + np.exp(-2))] * 3)
        assert answer.found.all()
        assert answer.masks.any(axis=(1, 2)).all()
        assert answer.unknown_words == ((), (), ())

    def test_the_mask_is_where_the_models_own_logits_are_positive(self, folder, predict, image):
        answer = predict(image, ["the red mug"])
        model = checkpoint.load(folder).model
        pixels, resized = segmenter_input(image, CONFIG.image_input)
        tokens = torch.tensor([[[0, 4, 5, 7, 2]]])  # <s> the red mug </s>
        with torch.no_grad():
            decoded = model(pixels[None], pixels[None], tokens, torch.zeros_like(tokens).bool())
        expected = restore(decoded.logits[0], CONFIG.image_input, resized, (90, 120)) > 0
        np.testing.assert_array_equal(answer.masks, expected.numpy())
        assert_same(answer.logits, decoded.logits[0].numpy())

    def test_prompts_of_different_length_do_not_influence_each_other(self, predict, image):
        prompts = ["mug", "the red mug left the blue bowl", "the bowl"]
        together = predict(image, prompts)
        for i, prompt in enumerate(prompts):
            alone = predict(image, [prompt])
            assert_same(together.logits[i], alone.logits[0])
            np.testing.assert_array_equal(together.masks[i], alone.masks[0])

    def test_different_words_give_different_logits(self, predict, image):
        answer = predict(image, ["the red mug", "the blue mug"])
        assert np.abs(answer.logits[0] - answer.logits[1]).max() > 1e-4

    def test_times_of_all_stages_are_reported(self, predict, image):
        times = predict(image, ["mug"]).times
        stages = vars(times).values()
        assert min(stages) > 0
        assert times.total == pytest.approx(sum(stages))

    def test_a_read_only_view_of_an_image_is_taken(self, predict, image):
        frozen = image[::-1, ::-1]
        frozen.setflags(write=False)
        assert predict(frozen, ["mug"]).masks.shape == (1, 90, 120)

    def test_a_single_pixel_is_an_image(self, predict):
        assert predict(np.zeros((1, 1, 3), np.uint8), ["mug"]).masks.shape == (1, 1, 1)


class TestBatch:
    def test_images_of_any_size_and_any_number_of_prompts_give_what_they_give_alone(
        self, predict, image
    ):
        other = np.ascontiguousarray(image[::-1, :70])
        prompts = [["mug"], ["the red mug left the blue bowl", "bowl", "the mug"]]
        answers = predict.batch([image, other], prompts)
        for photograph, own, answer in zip([image, other], prompts, answers, strict=True):
            alone = predict(photograph, own)
            assert answer.masks.shape == (len(own), *photograph.shape[:2])
            assert_same(answer.logits, alone.logits)
            assert_same(answer.presence, alone.presence)
            np.testing.assert_array_equal(answer.masks, alone.masks)
            assert answer.unknown_words == alone.unknown_words

    @pytest.mark.parametrize("prompts", [[], [["mug"]]])
    def test_every_image_needs_its_prompts(self, predict, image, prompts):
        with pytest.raises(ValueError, match="need one each"):
            predict.batch([image, image], prompts)

    def test_a_batch_of_nothing_is_refused(self, predict):
        with pytest.raises(ValueError, match="need one each"):
            predict.batch([], [])


class TestAttention:
    def test_it_is_told_where_asked_and_changes_nothing(self, predict, image):
        plain = predict(image, ["the red mug", "bowl"])
        asked = predict(image, ["the red mug", "bowl"], attention=True)
        assert plain.attention is None
        assert asked.attention.shape == (2, 3, 4)  # 48 x 64 pixels in patches of 16
        assert (asked.attention >= 0).all()
        assert (asked.attention.sum(axis=(1, 2)) < 1).all()
        np.testing.assert_array_equal(plain.logits, asked.logits)

    def test_the_picture_has_a_panel_per_expression_and_is_warm_where_looked(self):
        attention = np.zeros((2, 3, 4), np.float32)
        attention[0, 2, 0] = attention[1, 2, 3] = 0.9
        grey = np.full((90, 120, 3), 100, np.uint8)
        picture = draw_attention(grey, attention, ["left", "right"])
        assert picture.shape == (90, 240, 3)
        left, right = picture[75, :120, 0].astype(int), picture[75, 120:, 0].astype(int)
        assert left[:30].mean() > 150 > left[60:].mean()
        assert right[90:].mean() > 150 > right[:60].mean()
        with pytest.raises(ValueError, match="2 maps but 1 expressions"):
            draw_attention(grey, attention, ["left"])


class TestSemanticPrefix:
    @pytest.mark.parametrize("prompt", ["[semantic] mug", " [Semantic] mug"])
    def test_it_is_refused_where_the_checkpoint_was_not_trained_for_it(
        self, predict, image, prompt
    ):
        with pytest.raises(ValueError, match=r"was not trained for: .* multitask checkpoint"):
            predict(image, [prompt])

    def test_config_json_or_the_user_may_say_that_it_was(self, folder, tmp_path, image):
        stated = changed(folder, tmp_path, behaviour={"semantic": True})
        for predict in (
            load_predictor(stated),
            load_predictor(folder, behaviour={"semantic": True}),
        ):
            assert predict(image, ["[semantic] mug"]).logits.shape[0] == 1

    def test_a_behaviour_that_does_not_suit_the_model_is_refused(self, folder):
        with pytest.raises(ValueError, match="resizing is not a choice of this model"):
            load_predictor(folder, behaviour={"resizing": "dataset"})


class TestDecision:
    def test_a_word_the_model_never_learned_is_named_and_nothing_is_found(self, predict, image):
        answer = predict(image, ["the red xyzzy", "the red mug"])
        assert answer.unknown_words == (("xyzzy",), ())
        assert answer.found.tolist() == [False, True]
        assert answer.scores[0] == 0
        assert not answer.masks[0].any()
        assert answer.logits[0].any()

    def test_below_the_calibrated_threshold_nothing_is_found(self, folder, tmp_path, image):
        predict = load_predictor(changed(folder, tmp_path, decision=NEVER))
        answer = predict(image, ["mug"])
        assert not answer.found[0]
        assert not answer.masks.any()
        assert answer.scores[0] == pytest.approx(1 / (1 + np.exp(2)))

    def test_a_threshold_given_by_the_user_wins(self, folder, tmp_path, image):
        lenient = load_predictor(changed(folder, tmp_path, decision=NEVER), score_threshold=0.1)
        assert lenient(image, ["mug"]).found[0]
        strict = load_predictor(folder, score_threshold=0.9)
        assert not strict(image, ["mug"]).found[0]

    def test_a_call_may_have_a_threshold_of_its_own(self, folder, image):
        predict = load_predictor(folder)
        assert predict.score_threshold == 0.5
        assert not predict(image, ["mug"], score_threshold=0.95).found[0]
        assert predict(image, ["mug"]).found[0]

    def test_a_threshold_of_a_call_that_is_no_probability_is_refused(self, folder, image):
        with pytest.raises(ValueError, match=r"1\.5"):
            load_predictor(folder)(image, ["mug"], score_threshold=1.5)

    def test_an_uncalibrated_model_finds_whatever_has_a_mask(self, folder, tmp_path, image):
        predict = load_predictor(changed(folder, tmp_path, decision=None))
        answer = predict(image, ["mug"])
        assert predict.score_threshold is None
        assert answer.found[0]
        sure = 1 / (1 + np.exp(-answer.presence[0]))
        assert answer.scores[0] == pytest.approx(np.clip(answer.predicted_iou[0], 0, 1) * sure)


class TestRefusals:
    @pytest.mark.parametrize("prompts", [[], "mug", ()])
    def test_prompts_must_be_a_list_of_at_least_one(self, predict, image, prompts):
        with pytest.raises(ValueError, match="need a list of one or more expressions"):
            predict(image, prompts)

    @pytest.mark.parametrize("prompt", ["", "  ", "\n", "...", "?!", None])
    def test_an_empty_prompt_is_refused(self, predict, image, prompt):
        with pytest.raises(ValueError, match="is empty"):
            predict(image, ["mug", prompt])

    def test_a_prompt_that_is_too_long_is_refused_with_the_limit(self, predict, image):
        with pytest.raises(ValueError, match=r"has 32 tokens, .* at most 24"):
            predict(image, ["mug " * 30])

    @pytest.mark.parametrize(
        "wrong",
        [
            np.zeros((4, 4), np.uint8),
            np.zeros((4, 4, 4), np.uint8),
            np.zeros((4, 4, 3), np.float32),
            np.zeros((0, 4, 3), np.uint8),
        ],
    )
    def test_what_is_no_rgb_image_is_refused_by_its_shape_and_type(self, predict, wrong):
        with pytest.raises(ValueError, match=r"need \(H, W, 3\) uint8"):
            predict(wrong, ["mug"])

    def test_an_unknown_model_is_named_with_what_there_is(self):
        with pytest.raises(ValueError, match=r"no model 'nonsense': need a folder .* default"):
            load_predictor("nonsense")

    def test_a_model_whose_weights_are_elsewhere_is_told_apart_from_an_unknown_one(self):
        with pytest.raises(ValueError, match="weights of 'evf_sam' do not come with"):
            load_predictor("evf_sam")

    def test_a_folder_without_a_tokenizer_is_refused(self, folder, tmp_path):
        copy = changed(folder, tmp_path)
        (copy / "tokenizer.json").unlink()
        with pytest.raises(ValueError, match="holds no tokenizer"):
            load_predictor(copy)

    @pytest.mark.parametrize("device", ["tpu", "gpu", "mps", "cuda:99", "cuda:x"])
    def test_a_device_that_is_not_there_is_refused(self, folder, device):
        with pytest.raises(ValueError, match=device):
            load_predictor(folder, device)

    @pytest.mark.parametrize("precision", ["fp64", "half", ""])
    def test_an_unknown_precision_is_refused_with_those_known(self, folder, precision):
        with pytest.raises(ValueError, match="need auto, fp32, bf16, fp16"):
            load_predictor(folder, precision=precision)

    def test_half_precision_on_a_cpu_is_refused(self, folder):
        with pytest.raises(ValueError, match="need fp32 or bf16"):
            load_predictor(folder, "cpu", "fp16")

    @pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
    def test_a_threshold_that_is_no_probability_is_refused(self, folder, threshold):
        with pytest.raises(ValueError, match="from 0 to 1"):
            load_predictor(folder, score_threshold=threshold)


def test_bf16_on_a_cpu_answers_nearly_the_same(folder, predict, image, monkeypatch):
    monkeypatch.setattr("evf_sam_ros.perception.device.has_bfloat16", lambda: True)
    exact = predict(image, ["the red mug"]).logits
    rough = load_predictor(folder, "cpu", "bf16")(image, ["the red mug"]).logits
    assert np.linalg.norm(rough - exact) < 0.1 * np.linalg.norm(exact)
    assert (rough != exact).any()


@pytest.mark.parametrize(("finite", "precision"), [(True, "fp16"), (False, "bf16")])
def test_features_beyond_fp16_are_run_in_bf16_and_a_warning_says_so(
    folder, image, finite, precision, monkeypatch, caplog
):
    monkeypatch.setattr(predictor, "precision_of", lambda *_: "fp16")  # a CPU has it, slowly
    if not finite:
        of_format = loading.has_finite_features

        def overflowing(model, *rest):
            twin = copy.deepcopy(model)
            for weights in twin.segmenter.parameters():
                weights.data *= 1e4
            return of_format(twin, *rest)

        monkeypatch.setattr(loading, "has_finite_features", overflowing)
    loaded = load_predictor(folder, "cpu", "fp16")
    assert loaded.precision == precision
    assert ("overflow fp16" in caplog.text) == (not finite)
    assert np.isfinite(loaded(image, ["the red mug"]).logits).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("auto", 0.1)])
def test_a_gpu_answers_nearly_as_the_cpu_does(folder, predict, image, precision, tolerance):
    exact = predict(image, ["the red mug", "bowl"]).logits
    there = load_predictor(folder, "cuda", precision)(image, ["the red mug", "bowl"]).logits
    assert np.linalg.norm(there - exact) < tolerance * np.linalg.norm(exact)
