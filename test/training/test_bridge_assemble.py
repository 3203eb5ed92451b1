"""A bridge out of small CLIP, BERT and SAM in their publishers' files."""

from dataclasses import replace

import pytest
import torch
from tiny_bridge import CATEGORIES, ON_SAM
from tiny_networks import randomised

pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")

import transformers
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import build
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.training.bridge_assemble import assemble

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "red", "mug", "bowl", "##s"]
CONFIG = replace(
    ON_SAM,
    encoder=replace(
        ON_SAM.encoder, bert=replace(ON_SAM.encoder.bert, vocabulary=len(WORDS), dropout=0.1)
    ),
)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Write what `assemble` reads; returns its options and the models."""
    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(0)
    clip, bert, sam = write_clip(folder / "clip"), write_bert(folder / "bert"), tiny_sam()
    torch.save(sam.state_dict(), folder / "sam.pth")
    sources = {"clip": str(folder / "clip"), "bert": str(folder / "bert")}
    return {**sources, "sam": folder / "sam.pth"}, (clip, bert, sam)


def write_clip(folder):
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters)]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    tokenizer = transformers.CLIPTokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)}, merges=[]
    )
    tokenizer.save_pretrained(folder)
    same = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    text = {"vocab_size": len(pieces), "max_position_embeddings": 20, "hidden_size": 8}
    text |= {"bos_token_id": len(pieces) - 2, "eos_token_id": len(pieces) - 1}
    model = transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config={**same, **text, "projection_dim": 12},
            vision_config={
                **same, "hidden_size": 16, "image_size": 32, "patch_size": 8, "projection_dim": 12
            },
            projection_dim=12,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    return model.eval()


def write_bert(folder):
    model = transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=12,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    pieces = Tokenizer(WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.enable_padding(length=9)
    transformers.BertTokenizerFast(tokenizer_object=pieces).save_pretrained(folder)
    return model


def tiny_sam():
    return randomised(build(CONFIG), seed=3).segmenter.promptable


@pytest.fixture(scope="module")
def folder(published, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bridge") / "model"
    assemble(CONFIG, folder, **published[0])
    return folder


def test_the_towers_are_the_published_ones(folder, published):
    clip, bert, sam = published[1]
    model = checkpoint.load(folder).model
    pairs = (
        (model.encoder.picture.clip.vision_model, clip.vision_model),
        (model.encoder.picture.clip.visual_projection, clip.visual_projection),
        (model.encoder.bert, bert.bert),
        (model.segmenter.promptable, sam),
    )
    for ours, theirs in pairs:
        state = theirs.state_dict()
        assert ours.state_dict().keys() == state.keys()
        for name, tensor in ours.state_dict().items():
            torch.testing.assert_close(tensor, state[name], msg=name)


def test_categories_are_what_clip_says_of_their_names(folder, published):
    clip = published[1][0]
    texts = checkpoint.load(folder).model.encoder.category_texts_KD
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(len(CATEGORIES)))
    # "mug" is m, u, g with the end of a word; letters are numbered from 0, then with that end.
    start, end = 52, 53
    mug = torch.tensor([[start, 12, 20, 26 + 6, end]])
    with torch.no_grad():
        state = clip.text_model(mug).last_hidden_state[0, -1]
        expected = torch.nn.functional.normalize(clip.text_projection(state), dim=0)
    torch.testing.assert_close(texts[CATEGORIES.index("mug")], expected)


def test_the_folder_answers_in_berts_words(folder):
    predict = load_predictor(folder, device="cpu")
    picture = torch.zeros(40, 60, 3, dtype=torch.uint8).numpy()
    answer = predict(picture, ["the red mugs", "the bowl"])
    assert answer.masks.shape == (2, 40, 60)


def test_a_clip_of_another_size_is_refused(published, tmp_path):
    larger = replace(CONFIG, encoder=replace(CONFIG.encoder, image_size=(64, 64)))
    with pytest.raises(ValueError, match="position_embedding"):
        assemble(larger, tmp_path, **published[0])


def test_a_bert_that_lacks_weights_is_refused(published, tmp_path):
    sources = published[0]
    with pytest.raises(ValueError, match="not a whole BertModel"):
        assemble(CONFIG, tmp_path, **{**sources, "bert": sources["clip"]})
