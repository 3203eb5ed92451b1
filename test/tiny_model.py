"""A whole model folder of random weights, small enough to be made and run by every test."""

from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import Whitespace

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.models.variants import EvfSamConfig, build

INPUT = ImageInput(size=(48, 64), resize="stretch", mean=(127.5,) * 3, std=(127.5,) * 3)
CONFIG = EvfSamConfig(
    encoder=Beit3Config(
        width=16, depth=1, heads=2, feed_forward=32, image_size=INPUT.size, vocabulary=16,
        text_positions=26, stem=(4, 8, 16),
    ),
    segmenter=CompactConfig(image_size=INPUT.size, trunk=(4, 8, 16), depth=1),
    fusion_input=INPUT,
    image_input=INPUT,
)  # fmt: skip
WORDS = ["<s>", "<pad>", "</s>", "<unk>", "the", "red", "blue", "mug", "bowl", "left", "mugs"]
ALWAYS = {"signal": "presence", "scale": 0.0, "bias": 2.0, "threshold": 0.5}  # p = 0.88


def write_tiny_model(folder: Path, decision: dict | None = None) -> Path:
    """Write config, weights and tokenizer; every run writes the same."""
    torch.manual_seed(1)
    model = build(CONFIG)
    for weights in model.parameters():  # larger than at birth, so that pixels and words matter
        torch.nn.init.normal_(weights, std=0.3)
    model.projector[-1].weight.data *= 20
    extra = {} if decision is None else {"decision": decision}
    checkpoint.save(model, CONFIG, folder, extra=extra)
    return write_words(folder)


def write_words(folder: Path) -> Path:
    """Write the vocabulary of `WORDS`."""
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.normalizer = Sequence([Lowercase(), Replace(Regex("[.,!?]"), " ")])
    words.pre_tokenizer = Whitespace()
    words.save(str(folder / "tokenizer.json"))
    return folder
