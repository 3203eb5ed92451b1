"""[semantic] and other added names, in both shapes in which released folders number them."""

import io
import json

import pytest
import sentencepiece

from evf_sam_ros.language.tokenizer import load_tokenizer

PIECES = 46  # of the small model below; <mask> is 47
SEMANTIC = 48


@pytest.fixture(scope="module")
def pieces():
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the red mug", "a blue bowl, semantic"] * 20),
        model_writer=file, vocab_size=PIECES, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    return file.getvalue()


@pytest.fixture
def folder(pieces, tmp_path):
    (tmp_path / "sentencepiece.bpe.model").write_bytes(pieces)
    return tmp_path


def entry(name, **flags):
    return {"content": name, "lstrip": False, "rstrip": False, "single_word": False, **flags}


def decoder(**flags):
    return {"added_tokens_decoder": {"0": entry("<s>"), "60": entry("[semantic]", **flags)}}


def write(folder, name, document):
    (folder / name).write_text(json.dumps(document))


OLD = ("added_tokens.json", {"[semantic]": 60})
NEW = ("tokenizer_config.json", decoder())


@pytest.mark.parametrize("shape", [OLD, NEW], ids=["added_tokens", "added_tokens_decoder"])
def test_semantic_is_one_token_and_the_rest_is_read_by_itself(folder, shape):
    plain = load_tokenizer(folder).encode("the red mug")
    write(folder, *shape)
    tokenizer = load_tokenizer(folder)
    assert tokenizer.size == 61
    assert tokenizer.encode("[semantic] the red mug") == [0, 60, *plain[1:]]
    assert tokenizer.encode("the red mug") == plain
    assert tokenizer.encode("the red mug [semantic]") == [*plain[:-1], 60, 2]
    assert 60 not in tokenizer.encode("[Semantic] mug"), "another spelling is plain text"


def test_without_a_file_that_numbers_it_semantic_is_plain_text(folder):
    assert len(load_tokenizer(folder).encode("[semantic]")) > 3


def test_of_two_names_the_longer_one_is_read(folder):
    write(folder, "added_tokens.json", {"[a]": 60, "[a][b]": 61})
    assert load_tokenizer(folder).encode("[a][b][a]") == [0, 61, 60, 2]


def test_where_both_files_are_the_newer_shape_counts(folder):
    write(folder, "added_tokens.json", {"[semantic]": 59})
    write(folder, *NEW)
    assert load_tokenizer(folder).encode("[semantic]") == [0, 60, 2]


@pytest.mark.parametrize(
    ("name", "document", "said"),
    [
        ("added_tokens.json", {"[semantic]": "many"}, "numbers an added token 'many'"),
        ("added_tokens.json", {"[semantic]": -1}, "numbers an added token -1"),
        ("added_tokens.json", {"": 60}, "names an added token ''"),
        ("added_tokens.json", {"<s>": 60}, "numbers <s> 60, its sentencepiece model needs 0"),
        ("added_tokens.json", [], "does not hold a JSON object"),
        ("tokenizer_config.json", {"added_tokens_decoder": [1]}, "need an object"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"60": 1}}, "need an object"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"x": entry("y")}}, "'x'"),
        ("tokenizer_config.json", decoder(single_word=True), r"single_word of \[semantic\]"),
    ],
)
def test_a_file_of_another_shape_is_refused_by_its_name(folder, name, document, said):
    write(folder, name, document)
    with pytest.raises(ValueError, match=said):
        load_tokenizer(folder)
