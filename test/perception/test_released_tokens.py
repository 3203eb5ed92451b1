"""A predictor with a sentencepiece vocabulary, as the released checkpoints have it."""

import io
from dataclasses import replace

import numpy as np
import pytest
import sentencepiece
import torch
from tiny_model import CONFIG

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import VARIANTS, build
from evf_sam_ros.perception.predictor import load_predictor

ROWS = 48
IMAGE = np.zeros((60, 80, 3), np.uint8)


def write_model(folder, rows):
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the red mug", "a blue bowl, left of the cup"] * 20),
        model_writer=file, vocab_size=ROWS - 2, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    config = replace(CONFIG, encoder=replace(CONFIG.encoder, vocabulary=rows))
    torch.manual_seed(1)
    model = build(config)
    for weights in model.parameters():  # larger than at birth, so that there are masks
        torch.nn.init.normal_(weights, std=0.3)
    checkpoint.save(model, config, folder)
    (folder / "sentencepiece.bpe.model").write_bytes(file.getvalue())
    return folder


def test_any_text_is_answered_whatever_its_letters(tmp_path):
    predict = load_predictor(write_model(tmp_path, ROWS), "cpu")
    prompts = ["the red mug", "ÉTÉ  café", "猫と犬", "🙂", "a </s> b", "<mask> \t x", "mug\0bowl"]
    answer = predict(IMAGE, prompts)
    assert answer.masks.shape == (len(prompts), 60, 80)
    assert np.isfinite(answer.logits).all()
    assert answer.unknown_words[0] == ()
    assert answer.unknown_words[3] == ("🙂",)


def test_what_no_piece_holds_is_read_as_unk_and_told(tmp_path):
    predict = load_predictor(write_model(tmp_path, ROWS), "cpu")
    answer = predict(IMAGE, ["the 🙂 mug", "the <unk> mug"])
    assert answer.proposed is not None
    assert answer.proposed.any(axis=(1, 2)).all()
    assert answer.found.all()
    np.testing.assert_array_equal(answer.masks, answer.proposed)
    np.testing.assert_array_equal(answer.masks[0], answer.masks[1])
    assert answer.unknown_words[0] == ("🙂",)


def test_a_text_longer_than_the_model_reads_is_refused_not_cut(tmp_path):
    predict = load_predictor(write_model(tmp_path, ROWS), "cpu")
    with pytest.raises(
        ValueError, match=r"a prompt has \d{4} tokens, this model reads at most 24"
    ):
        predict(IMAGE, ["mug " * 2000])
    assert VARIANTS["evf_sam"].encoder.max_tokens == 1022


def test_nothing_but_blanks_is_refused(tmp_path):
    predict = load_predictor(write_model(tmp_path, ROWS), "cpu")
    with pytest.raises(ValueError, match="is empty"):
        predict(IMAGE, [" \u3000\t"])


def test_a_vocabulary_larger_than_the_models_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has \d+ tokens, its model knows 20"):
        load_predictor(write_model(tmp_path, 20), "cpu")
