"""Token numbers of both kinds of vocabulary, against small ones made here."""

import io
import random

import pytest
import sentencepiece
from tokenizers import Tokenizer as Writer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from evf_sam_ros.language.tokenizer import load_tokenizer

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
    with pytest.raises(ValueError, match="not a tokenizer file"):
        load_tokenizer(tmp_path)


def test_a_folder_without_a_tokenizer_says_what_it_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer.json, sentencepiece.bpe.model"):
        load_tokenizer(tmp_path)


SENTENCES = [
    "the red mug", "the blue bowl, left of a cup.", "ein grüner Becher", "café naïve", "猫 と 犬",
] * 20  # fmt: skip
# What the slow XLMRobertaTokenizer of transformers 4 makes of any string; a fuzz test of 40 000
# strings against that very class is the last test below, where it is installed.
NAMES = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
HARD = [
    "", "   ", "the red mug", "The  RED   mug", "café NAÏVE e\u0301", "猫と犬",
    "🙂 mug 👩\u200d👧", "\ufb01ne ①  \uff21\uff22\uff23", "a\tb\nc\u00a0d\u3000e",
    "▁mug", "the▁mug", "\u200bmug\u200d", "mug\0bowl",
    "[semantic] red mug", "İstanbul ǅ ß", "\u202eabc", "\U0001d41b\U0001d428", "a\u0300\u0301",
    "  lead", "trail  ", "<S>", "< s >", "mug " * 2000,
]  # fmt: skip


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def pieces(request, tmp_path_factory):
    """Return a tokenizer and the reader of its file, which was trained here."""
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=file, vocab_size=80,
        model_type=request.param, character_coverage=0.98, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "sentencepiece.bpe.model").write_bytes(file.getvalue())
    reader = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    return load_tokenizer(folder), reader


def fairseq_numbers(reader, text):
    """Number a text piece by piece through the pieces' names, as transformers does."""
    return [
        NAMES[piece]
        if piece in NAMES
        else (reader.piece_to_id(piece) + 1 if reader.piece_to_id(piece) else 3)
        for piece in reader.encode(text, out_type=str)
    ]


@pytest.mark.parametrize("text", HARD, ids=lambda text: ascii(text)[1:20])
def test_released_pieces_are_numbered_as_fairseq_does(pieces, text):
    tokenizer, reader = pieces
    assert tokenizer.encode(text) == [0, *fairseq_numbers(reader, text), 2]


def test_numbers_start_behind_the_four_names_and_keep_the_order_of_the_file(pieces):
    tokenizer, reader = pieces
    assert (reader.id_to_piece(0), reader.id_to_piece(3)[0] != "<") == ("<unk>", True)
    piece = reader.id_to_piece(len(reader) - 1)
    last = tokenizer.encode(piece.replace("▁", " "))[-2]
    assert 3 < last <= len(reader)
    assert tokenizer.size == len(reader) + 2, "all pieces, <pad> and <mask>"


def test_nothing_is_an_empty_sentence(pieces):
    assert pieces[0].encode("") == [0, 2]
    assert pieces[0].encode(" \t ") == [0, 2]


def test_a_name_that_is_typed_is_read_as_that_token_as_in_the_reference(pieces):
    tokenizer, reader = pieces
    the, mug = (fairseq_numbers(reader, text) for text in ("the", "mug"))
    mask = len(reader) + 1
    for name, number in (NAMES | {"<mask>": mask}).items():
        assert tokenizer.encode(f"the {name} mug") == [0, *the, number, *mug, 2]
    assert tokenizer.encode("</s><s>mug") == [0, 2, 0, *mug, 2]


def test_blanks_before_the_mask_are_part_of_it(pieces):
    tokenizer, reader = pieces
    assert tokenizer.encode(" \t <mask><mask>") == [0, len(reader) + 1, len(reader) + 1, 2]


def test_a_letter_no_piece_holds_is_unknown(pieces):
    tokenizer, _ = pieces
    assert 3 in tokenizer.encode("the 鼠")
    assert tokenizer.unknown_words("the 鼠 bowl 🙂") == ["鼠", "🙂"]


def test_sentencepiece_is_read_where_both_are(pieces, tmp_path):
    _, reader = pieces
    write_words(tmp_path, SPECIAL | {"the": 4, "red": 5, "mug": 6})
    (tmp_path / "sentencepiece.bpe.model").write_bytes(reader.serialized_model_proto())
    assert load_tokenizer(tmp_path).encode("the") == [0, *fairseq_numbers(reader, "the"), 2]


def test_a_model_that_counts_otherwise_is_refused(tmp_path):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_prefix=str(tmp_path / "t5"), vocab_size=60,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    (tmp_path / "t5.model").rename(tmp_path / "sentencepiece.bpe.model")
    with pytest.raises(ValueError, match="numbers <unk> 2, need 0"):
        load_tokenizer(tmp_path)


def test_a_broken_sentencepiece_file_is_refused(tmp_path):
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="not a sentencepiece model"):
        load_tokenizer(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"version https://git-lfs.github.com/spec")
    with pytest.raises(ValueError, match="git lfs pull"):
        load_tokenizer(tmp_path)


def test_any_string_is_numbered_as_by_transformers_4(pieces, tmp_path):
    """Compare with the class that the reference uses, where that version is installed."""
    transformers = pytest.importorskip("transformers")
    if int(transformers.__version__.split(".")[0]) > 4:
        pytest.skip("transformers 5 has no slow tokenizers any more")
    tokenizer, reader = pieces
    (tmp_path / "file.model").write_bytes(reader.serialized_model_proto())
    reference = transformers.XLMRobertaTokenizer(str(tmp_path / "file.model"))
    chance = random.Random(0)
    letters = [
        *"the redmugbowl é猫🙂\u0301\u3000\t▁①<s",
        "<s>",
        "</s>",
        "<mask>",
        "<pad>",
        "<unk>",
    ]
    drawn = ["".join(chance.choices(letters, k=chance.randrange(12))) for _ in range(20_000)]
    for text in HARD + drawn:
        assert tokenizer.encode(text) == reference.encode(text), repr(text)
