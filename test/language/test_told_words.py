"""Words for the bridge: BERT's pieces, and a category in brackets before the sentence."""

import pytest
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from evf_sam_ros.language.bert_tokenizer import BertTokenizer
from evf_sam_ros.language.tokenizer import load_tokenizer
from evf_sam_ros.language.told_words import ToldTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "red", "mug", "##s", "left"]


@pytest.fixture
def words(tmp_path):
    pieces = Tokenizer(WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.save(str(tmp_path / "tokenizer.json"))
    return load_tokenizer(tmp_path)


def test_a_folder_with_berts_words_is_read_as_berts(words):
    assert isinstance(words, BertTokenizer)
    assert words.encode("The red mugs") == [2, 4, 5, 6, 7, 3]
    assert words.unknown_words("the zebra mug") == ["zebra"]
    assert words.size == len(WORDS)


def test_nobody_can_type_the_end_of_a_sentence(words):
    assert words.encode("red [SEP] mug").count(3) == 1


def test_a_category_becomes_a_token_behind_the_first(words):
    told = ToldTokenizer(words, ("mug", "wine glass"), first=20)
    assert told.encode("[mug] the left") == [2, 20, 4, 8, 3]
    assert told.encode(" [Wine glass]  the left") == [2, 21, 4, 8, 3]
    assert told.size == 22
    assert told.unknown_words("[wine glass] the zebra") == ["zebra"]
    assert len(told.encode("[mug]")) == 2, "nothing was said"


@pytest.mark.parametrize("text", ["the red mug", "[zebra] the red one", ""])
def test_a_missing_or_unknown_category_is_named_with_what_there_is(words, text):
    told = ToldTokenizer(words, ("mug", "bowl"), first=20)
    with pytest.raises(
        ValueError, match=r"must be told: say .*'\[mug\] .*, with one of mug, bowl"
    ):
        told.encode(text)


def test_a_file_that_is_no_tokenizer_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"[CLS]": 1}')
    with pytest.raises(ValueError, match="is not a tokenizer file"):
        load_tokenizer(tmp_path)
