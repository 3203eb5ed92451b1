"""The whole bridge at small sizes, on a SAM and on the compact segmenter."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from rounding import assert_same
from tiny_bridge import CATEGORIES, ENCODER, ON_COMPACT, ON_SAM, TOLD
from tiny_networks import EFFICIENT_SAM, SAM, randomised

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import config_from_document, document_from_config
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build

pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")

TOKENS = torch.tensor([[[4, 7, 8, 5], [4, 9, 5, 1]], [[4, 9, 5, 1], [4, 7, 8, 5]]])
CONFIGS = {"SAM": ON_SAM, "compact": ON_COMPACT}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def config(request):
    return request.param


@pytest.fixture
def model(config):
    return noisy(config)


def noisy(config):
    model = randomised(build(config), seed=1)
    generator = torch.Generator().manual_seed(2)
    table = model.encoder.category_texts_KD
    table.copy_(torch.randn(table.shape, generator=generator))
    return model


def pictures(config, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(2, 3, *config.fusion_input.size, generator=generator),
        torch.randn(2, 3, *config.image_input.size, generator=generator),
    )


def answer(model, config, tokens, seed=0):
    with torch.no_grad():
        return model(*pictures(config, seed), tokens, tokens == 1)


def test_every_prompt_of_every_image_gets_a_mask_and_whether_there_is_a_target(config, model):
    decoded = answer(model, config, TOKENS)
    side = {"SAM": 16, "compact": 32}["SAM" if config is ON_SAM else "compact"]
    assert decoded.logits.shape[:3] == (2, 2, side)
    assert decoded.presence.shape == decoded.predicted_iou.shape == (2, 2)


def test_padding_and_other_prompts_do_not_change_an_answer(config, model):
    model.double()  # the norms over a few places enlarge what rounding leaves
    fusion, image = (picture.double() for picture in pictures(config))
    unpadded = torch.zeros(1, 1, 3, dtype=torch.bool)
    with torch.no_grad():
        together = model(fusion, image, TOKENS, TOKENS == 1)
        alone = model(fusion[:1], image[:1], TOKENS[:1, 1:, :3], unpadded)
    torch.testing.assert_close(together.logits[0, 1], alone.logits[0, 0])
    torch.testing.assert_close(together.presence[0, 1], alone.presence[0, 0])


def test_words_and_picture_both_matter(config, model):
    decoded = answer(model, config, TOKENS)
    assert (decoded.logits[0, 0] - decoded.logits[0, 1]).abs().max() > 1e-2, "other words"
    assert (decoded.logits[0, 0] - decoded.logits[1, 1]).abs().max() > 1e-2, "another picture"


def test_the_dense_prompt_takes_the_place_of_no_mask():
    sam = randomised(build(SAM)).segmenter
    with torch.no_grad():
        features = sam.encode(torch.randn(1, 3, 64, 64))
        prompt = torch.randn(1, 1, 32)
        no_mask = sam.prompt_encoder.no_mask_embed.weight[:, :, None, None]
        same = sam.decode(features, prompt, no_mask.expand(1, 1, -1, 4, 4)).logits
        torch.testing.assert_close(same, sam.decode(features, prompt).logits)
        other = sam.decode(features, prompt, torch.zeros(1, 1, 32, 4, 4)).logits
    assert (same - other).abs().max() > 1e-3


def test_a_bridge_without_the_no_target_branch_says_nothing_of_presence():
    config = replace(ON_SAM, segmenter=replace(ON_SAM.segmenter, no_target=False))
    assert answer(noisy(config), config, TOKENS).presence is None


def test_presence_is_above_zero_exactly_where_the_first_vote_is_higher(config, model):
    with torch.no_grad():
        fusion, image = pictures(config)
        prompts = model.prompt(fusion, TOKENS, TOKENS == 1)
        learned = model.segmenter.learn(model.segmenter.encode(image), prompts)
    votes = learned.no_target_N2.argmax(1).view(2, 2)
    assert torch.equal(learned.decoded.presence > 0, votes == 0)


def told(tokens, category):
    """Tokens with a category's number behind the first."""
    numbers = torch.full_like(tokens[..., :1], ENCODER.bert.vocabulary + category)
    return torch.cat([tokens[..., :1], numbers, tokens[..., 1:]], -1)


def test_a_bridge_that_is_told_the_category_answers_by_it():
    model = noisy(TOLD)
    assert TOLD.encoder.vocabulary == ENCODER.bert.vocabulary + len(CATEGORIES)
    mug, bowl = (answer(model, TOLD, told(TOKENS, category)).logits for category in (0, 1))
    assert (mug - bowl).abs().max() > 1e-2
    with pytest.raises(ValueError, match="a prompt tells none"):
        answer(model, TOLD, TOKENS)


def test_sentence_and_category_meet_the_same_words():
    """Both sparse prompts are LN(start + attention); only what they start from differs."""
    model = noisy(TOLD)
    encoder = model.encoder
    tokens = told(TOKENS, 1)[0]
    with torch.no_grad():
        words = encoder.read_words(TOKENS[0], TOKENS[0] == 1)
        start = encoder.category(encoder.category_texts_KD[1]).expand(2, 1, -1)
        read, _ = encoder.read(start, words, words, key_padding_mask=TOKENS[0] == 1)
        expected = encoder.read_norm(start + read)[:, 0]
        prompts = model.prompt(pictures(TOLD)[0][:1], tokens[None], tokens[None] == 1)
    assert_same(prompts.sparse_BPC[0], expected)


def test_it_is_saved_and_loaded(config, model, tmp_path):
    checkpoint.save(model, config, tmp_path)
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == config
    expected = answer(model, config, TOKENS)
    got = answer(loaded.model, config, TOKENS)
    torch.testing.assert_close(got.logits, expected.logits)
    torch.testing.assert_close(got.presence, expected.presence)
    table = loaded.model.encoder.category_texts_KD
    torch.testing.assert_close(table, model.encoder.category_texts_KD)


@pytest.mark.parametrize("config", [VARIANTS["sam_clip_bridge"], ON_SAM, ON_COMPACT, TOLD])
def test_its_configuration_survives_json(config):
    document = json.loads(json.dumps(document_from_config(config)))
    assert config_from_document(document, "test") == config


def test_what_cannot_be_is_named(monkeypatch):
    with pytest.raises(ValueError, match="sparse is 'class', need one of"):
        replace(ENCODER, sparse="class")
    with pytest.raises(ValueError, match="needs the names of categories"):
        replace(ENCODER, sparse="category", categories=())
    with pytest.raises(ValueError, match=r"image_size is \(40, 32\), need multiples of 16"):
        replace(ENCODER, image_size=(40, 32))
    with pytest.raises(ValueError, match="BridgeEncoderConfig does not go with EfficientSam"):
        EvfSamConfig(
            encoder=ENCODER, segmenter=EFFICIENT_SAM.segmenter,
            fusion_input=ON_SAM.fusion_input, image_input=ON_SAM.image_input,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"encoder's width is 64, but .* prompts of 32"):
        build(replace(ON_SAM, encoder=replace(ENCODER, width=64)))
    model = build(ON_SAM)
    with pytest.raises(ValueError, match="a prompt has 11 tokens, this model reads at most 10"):
        answer(model, ON_SAM, torch.full((2, 1, 11), 7))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"needs transformers: pip install"):
        build(ON_SAM)


@pytest.mark.slow
def test_the_published_size_answers_several_sentences_at_once():
    config = VARIANTS["sam_clip_bridge"]
    torch.manual_seed(0)
    model = build(config)
    images = [torch.randn(1, 3, *spec.size) for spec in (config.fusion_input, config.image_input)]
    tokens = torch.tensor([[[101, 1996, 2417, 14757, 102], [101, 4605, 102, 0, 0]]])
    with torch.inference_mode():
        decoded = model(*images, tokens, tokens == 0)
    assert decoded.logits.shape == (1, 2, 256, 256)
    assert decoded.presence.shape == (1, 2)
    assert decoded.logits.isfinite().all()
    assert decoded.presence.isfinite().all()
    assert not torch.equal(decoded.logits[0, 0], decoded.logits[0, 1])
