"""Tokens such as [semantic] that a released model adds to its sentencepiece vocabulary.

transformers 4.33 and older wrote added_tokens.json, newer ones `added_tokens_decoder` in
tokenizer_config.json; where a folder has both, the latter counts, as it does there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evf_sam_ros.models.weights import read_json

ADDED_FILE = "added_tokens.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
_DECODER = "added_tokens_decoder"


@dataclass(frozen=True)
class AddedToken:
    """The number of a token, and which blanks beside its name belong to the name."""

    number: int
    strip_left: bool = False
    strip_right: bool = False


def added_tokens(folder: Path) -> dict[str, AddedToken]:
    """Read the added tokens of a model folder by name; without either file: none.

    Raises:
        ValueError: one of the files is not what transformers writes.
    """
    document = read_json(folder / TOKENIZER_CONFIG) if (folder / TOKENIZER_CONFIG).exists() else {}
    decoder = document.get(_DECODER)
    if decoder is not None:
        return _from_decoder(decoder, folder / TOKENIZER_CONFIG)
    path = folder / ADDED_FILE
    if not path.exists():
        return {}
    # Written without a word about blanks: the slow tokenizer strips those on both sides.
    return {
        _name(name, path): AddedToken(_number(number, path), strip_left=True, strip_right=True)
        for name, number in read_json(path).items()
    }


def splitter(tokens: Mapping[str, AddedToken]) -> re.Pattern[str]:
    """Return what splits a text at these names, and keeps them; the longest name counts."""
    longest_first = sorted(tokens, key=len, reverse=True)
    return re.compile("|".join(_pattern(name, tokens[name]) for name in longest_first))


def _pattern(name: str, token: AddedToken) -> str:
    left, right = (r"\s*" if strip else "" for strip in (token.strip_left, token.strip_right))
    return f"{left}({re.escape(name)}){right}"


def _from_decoder(decoder: Any, path: Path) -> dict[str, AddedToken]:
    if not isinstance(decoder, dict):
        raise ValueError(f"{path} says {_DECODER} = {decoder!r}, need an object")
    tokens = {}
    for number, entry in decoder.items():
        if not isinstance(entry, dict):
            raise ValueError(f"{path} says {_DECODER} {number} = {entry!r}, need an object")
        name = _name(entry.get("content"), path)
        if entry.get("single_word") is True:
            raise ValueError(f"{path} says single_word of {name}, need false")
        tokens[name] = AddedToken(
            _number(number, path),
            strip_left=entry.get("lstrip") is True,
            strip_right=entry.get("rstrip") is True,
        )
    return tokens


def _name(name: Any, path: Path) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{path} names an added token {name!r}, need a text")
    return name


def _number(number: Any, path: Path) -> int:
    if isinstance(number, str) and number.isdecimal():
        return int(number)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"{path} numbers an added token {number!r}, need a whole number")
    return number
