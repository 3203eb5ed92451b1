"""Tokenizer of models whose input starts with a category: "[mug] the red one"."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from evf_sam_ros.language.added_tokens import ADDED_FILE, TOKENIZER_CONFIG
from evf_sam_ros.language.cleaned_words import CleanedTokenizer
from evf_sam_ros.language.everyday import EverydayTokenizer
from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.language.tokenizer import SentencePieceTokenizer, Tokenizer, load_tokenizer
from evf_sam_ros.models.bridge.config import BridgeEncoderConfig
from evf_sam_ros.models.variants import EvfSamConfig, reads_cleaned_words

_TOLD = re.compile(r"\s*\[([^\]]+)\]\s*(.*)", re.DOTALL)
SEMANTIC_TOKEN = "[semantic]"  # asks for all of a class; only multitask checkpoints know it
_NAMED = 8  # how many categories an error lists


def refuse_semantic(prompt: str, model: str) -> None:
    """Raise ValueError for a prompt with the prefix of multitask checkpoints, naming the model."""
    if prompt.lstrip().lower().startswith(SEMANTIC_TOKEN):
        raise ValueError(
            f"prompt {prompt!r} starts with {SEMANTIC_TOKEN}, which {model!r} was not "
            "trained for: leave it out, take a multitask checkpoint, or, if this is one, "
            "say so by behaviour semantic"
        )


class ToldTokenizer:
    """Reads "[mug] the red one": the category becomes a token of its own behind the first."""

    def __init__(self, words: Tokenizer, categories: Sequence[str], first: int) -> None:
        """Prepare to read.

        Args:
            first: the number of the first category's token; words' are below.
        """
        self._words = words
        self._numbers = {name: first + i for i, name in enumerate(categories)}
        self.size = first + len(categories)
        self.reads_unknown = words.reads_unknown

    def encode(self, text: str) -> list[int]:
        """Return the first token, the category's, and the rest of the text's.

        Raises:
            ValueError: the text names no category, or none that the model knows.
        """
        told = _TOLD.fullmatch(text)
        if told is None or told[1].strip().lower() not in self._numbers:
            names = list(self._numbers)
            listed = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
            raise ValueError(
                f"prompt {text!r} names no category, which this model must be told: "
                f"say for example '[{names[0]}] {text.strip() or 'on the left'}', "
                f"with one of {listed}"
            )
        begin, *rest = self._words.encode(told[2])
        if len(rest) < 2:  # the end alone
            return [begin, *rest]
        return [begin, self._numbers[told[1].strip().lower()], *rest]

    def unknown_words(self, text: str) -> list[str]:
        """Return the words behind the category that the vocabulary does not hold."""
        return self._words.unknown_words(_sentence(text))

    def readings(self, text: str) -> list[Reading]:
        """Return the words behind the category that are read as others."""
        return self._words.readings(_sentence(text))


def tokenizer_of(
    folder: Path, config: EvfSamConfig, *, semantic: bool = False, everyday: bool = False
) -> Tokenizer:
    """Return a model folder's vocabulary as the model reads it: told a category, cleaned or as is.

    Args:
        semantic: whether the checkpoint was trained on prompts that begin with [semantic].
        everyday: whether ordinary English is to be said in the words of the tabletop's grammar.

    Raises:
        ValueError: there is none, or it has more tokens than the model knows, or it lacks the
            token that the checkpoint was trained with.
    """
    tokenizer, encoder = load_tokenizer(folder), config.encoder
    if semantic and isinstance(tokenizer, SentencePieceTokenizer):
        _need_semantic(tokenizer, folder)
    if isinstance(encoder, BridgeEncoderConfig) and encoder.sparse == "category":
        tokenizer = ToldTokenizer(tokenizer, encoder.categories, encoder.bert.vocabulary)
    if reads_cleaned_words(config):
        tokenizer = CleanedTokenizer(tokenizer)
    if tokenizer.size > encoder.vocabulary:
        raise ValueError(
            f"the tokenizer of {folder} has {tokenizer.size} tokens, "
            f"its model knows {encoder.vocabulary}"
        )
    return EverydayTokenizer(tokenizer) if everyday else tokenizer


def vocabulary_of(folder: Path) -> Tokenizer:
    """Return the vocabulary of a model folder without loading the model."""
    file, words = folder / "config.json", load_tokenizer(folder)
    document = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    everyday = (document.get("behaviour") or {}).get("everyday", False)
    return EverydayTokenizer(words) if everyday else words


def _need_semantic(tokenizer: SentencePieceTokenizer, folder: Path) -> None:
    if not tokenizer.names(SEMANTIC_TOKEN):
        raise ValueError(
            f"the tokenizer of {folder} does not number {SEMANTIC_TOKEN}, with which a multitask "
            f"checkpoint was trained: need {ADDED_FILE} or {TOKENIZER_CONFIG} beside it "
            "(`evf-sam download` fetches them), or behaviour semantic=false to do without"
        )


def _sentence(text: str) -> str:
    told = _TOLD.fullmatch(text)
    return text if told is None else told[2]
