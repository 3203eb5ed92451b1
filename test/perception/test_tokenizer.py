"""Token numbers of both kinds of vocabulary, against small ones made here."""

import io

import pytest
from tokenizers import Tokenizer as Writer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from evf_sam_ros.perception.tokenizer import load_tokenizer

SPECIAL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}


def write_words(folder, vocabulary):
    writer = Writer(WordLevel(vocabulary, unk_token="<unk>"))
    writer.normalizer = Lowercase()
    writer.pre_tokenizer = Whitespace()
    writer.add_special_tokens(list(SPECIAL))
    writer.save(str(folder / "tokenizer.json"))


@pytest.fixture
def words(tmp_path):
    write_words(tmp_path, SPECIAL | {"the": 4, "red": 5, "mug": 6})
    return load_tokenizer(tmp_path)


def test_a_sentence_is_wrapped_in_begin_and_end(words):
    assert words.encode("the red mug") == [0, 4, 5, 6, 2]


def test_capitals_are_read(words):
    assert words.encode("The RED mug") == [0, 4, 5, 6, 2]
    assert words.unknown_words("The RED mug") == []


def test_unknown_words_are_named_as_they_were_written(words):
    assert words.encode("the Xyzzy mug") == [0, 4, 3, 6, 2]
    assert words.unknown_words("the Xyzzy mug, PLUGH") == ["Xyzzy", ",", "PLUGH"]


def test_a_token_name_in_the_text_is_an_unknown_word(words):
    assert words.encode("the </s> mug") == [0, 4, 3, 6, 2]
    assert words.unknown_words("the </s> mug") == ["</s>"]


def test_a_vocabulary_numbered_otherwise_is_refused(tmp_path):
    write_words(tmp_path, {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3})
    with pytest.raises(ValueError, match="numbers <s> 1, need 0"):
        load_tokenizer(tmp_path)


def test_a_broken_file_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match="no tokenizer file"):
        load_tokenizer(tmp_path)


def test_a_folder_without_a_tokenizer_says_what_it_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer.json, sentencepiece.bpe.model"):
        load_tokenizer(tmp_path)


@pytest.fixture
def pieces(tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the red mug", "the blue bowl", "a red bowl"] * 20),
        model_writer=file, vocab_size=30, model_type="unigram", hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    (tmp_path / "sentencepiece.bpe.model").write_bytes(file.getvalue())
    reader = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    return load_tokenizer(tmp_path), reader


def test_released_pieces_are_numbered_one_higher_than_in_their_file(pieces):
    tokenizer, reader = pieces
    expected = [number + 1 for number in reader.encode("the red bowl")]
    assert min(expected) > 3
    assert tokenizer.encode("the red bowl") == [0, *expected, 2]


def test_a_letter_no_piece_holds_is_unknown(pieces):
    tokenizer, _ = pieces
    assert 3 in tokenizer.encode("the 猫")
    assert tokenizer.unknown_words("the 猫 bowl") == ["猫"]


def test_a_broken_sentencepiece_file_is_refused(tmp_path):
    pytest.importorskip("sentencepiece")
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="no sentencepiece model"):
        load_tokenizer(tmp_path)
