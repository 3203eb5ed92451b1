"""Extend the vocabulary of a small model by new words."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from evf_sam_ros.language.tokenizer import UNKNOWN, WORD_FILE
from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig
from evf_sam_ros.whole_files import write_text


def missing_words(vocabulary: Path, sentences: Iterable[str]) -> list[str]:
    """Return the words of sentences that a word vocabulary lacks, in alphabetical order.

    Args:
        vocabulary: the folder of a model.

    Raises:
        ValueError: its vocabulary is not of whole words.
    """
    path = vocabulary / WORD_FILE
    if not path.is_file() or _document(path)["model"].get("type") != "WordLevel":
        raise ValueError(
            f"{str(vocabulary)!r} has no vocabulary of whole words: its tokenizer reads every "
            "word already, train it with --recipe refer"
        )
    reader = Tokenizer.from_file(str(path))
    found: set[str] = set()
    for sentence in sentences:
        read = reader.encode(sentence, add_special_tokens=False)
        for number, (start, end) in zip(read.ids, read.offsets, strict=True):
            if number == UNKNOWN:
                found.add(sentence[start:end].lower())
    return sorted(found)


def with_words(vocabulary: Path, words: Iterable[str], folder: Path) -> int:
    """Write a vocabulary that also has these words; returns how many tokens it has then."""
    document = _document(vocabulary / WORD_FILE)
    numbers = document["model"]["vocab"]
    for word in words:
        numbers[word] = max(numbers.values()) + 1
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / WORD_FILE, json.dumps(document, indent=2) + "\n")
    return int(max(numbers.values())) + 1


def with_tokens(model: EvfSam, config: EvfSamConfig, tokens: int) -> EvfSamConfig:
    """Let a model read so many tokens; new ones begin as small as the known are."""
    encoder = config.encoder
    assert isinstance(encoder, Beit3Config)
    if tokens <= encoder.vocabulary:
        return config
    known = model.encoder.text_embed.weight.detach()
    more = torch.empty(tokens - len(known), known.shape[1])
    nn.init.normal_(more, std=float(known.std()), generator=torch.Generator().manual_seed(0))
    model.encoder.text_embed = nn.Embedding.from_pretrained(torch.cat([known, more]), freeze=False)
    return replace(config, encoder=replace(encoder, vocabulary=tokens))


def _document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
