"""A predictor with a sentencepiece vocabulary, as the released checkpoints have it."""

import io
import json
import shutil
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
IMAGE = np.indices((60, 80, 3), np.uint8)[0] * 4  # black at the top, bright below


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


def as_multitask(folder):
    """Give a model the name and the added token of a released multitask checkpoint."""
    config = json.loads((folder / "config.json").read_text())
    config["behaviour"] = {"semantic": True}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_multitask_checkpoint_reads_semantic_as_the_token_it_was_trained_with(tmp_path):
    folder = as_multitask(write_model(tmp_path, ROWS))
    (folder / "added_tokens.json").write_text(json.dumps({"[semantic]": ROWS - 1}))
    predict = load_predictor(folder, "cpu")
    tokens, _ = predict._tokens([["[semantic] the red mug"]])
    assert tokens[0, 0, 1] == ROWS - 1
    assert predict(IMAGE, ["[semantic] the red mug"]).unknown_words == ((),)


def test_a_multitask_checkpoint_without_its_token_is_refused_with_the_reason(tmp_path):
    folder = as_multitask(write_model(tmp_path, ROWS))
    with pytest.raises(ValueError, match=r"does not number \[semantic\].*added_tokens\.json"):
        load_predictor(folder, "cpu")
    load_predictor(folder, "cpu", behaviour={"semantic": False})


def test_a_token_beyond_the_models_table_is_refused(tmp_path):
    folder = write_model(tmp_path, ROWS)
    (folder / "added_tokens.json").write_text(json.dumps({"[semantic]": ROWS}))
    with pytest.raises(ValueError, match=f"has {ROWS + 1} tokens, its model knows {ROWS}"):
        load_predictor(folder, "cpu")


def test_a_model_without_a_tokenizer_reads_that_of_another_folder(tmp_path):
    whole = write_model(tmp_path / "whole", ROWS)
    bare = shutil.copytree(whole, tmp_path / "bare")
    (bare / "sentencepiece.bpe.model").unlink()
    with pytest.raises(ValueError, match=r"holds no tokenizer.*tokenizer DIR_OR_ID"):
        load_predictor(bare, "cpu")
    one, other = (
        load_predictor(model, "cpu", tokenizer=whole)(IMAGE, ["the red mug"])
        for model in (whole, bare)
    )
    np.testing.assert_array_equal(one.logits, other.logits)
    with pytest.raises(ValueError, match="no tokenizer '/nowhere': need a folder with one of"):
        load_predictor(bare, "cpu", tokenizer="/nowhere")
