"""Words to token numbers, with the vocabulary that lies in a model's folder."""

from pathlib import Path
from typing import Protocol

BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3  # <s>, <pad>, </s>, <unk>: the same for every EVF-SAM

WORD_FILE = "tokenizer.json"
SENTENCEPIECE_FILES = ("sentencepiece.bpe.model", "beit3.spm")


class Tokenizer(Protocol):
    """All that the predictor and the training know about a vocabulary."""

    def encode(self, text: str) -> list[int]:
        """Return <s>, the text's tokens, </s>."""
        ...

    def unknown_words(self, text: str) -> list[str]:
        """Return the words, as they stand in the text, that the vocabulary does not hold."""
        ...


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the vocabulary of a model folder, ours or a released one."""
    if (folder / WORD_FILE).is_file():
        return JsonTokenizer(folder / WORD_FILE)
    for name in SENTENCEPIECE_FILES:
        if (folder / name).is_file():
            return SentencePieceTokenizer(folder / name)
    accepted = ", ".join((WORD_FILE, *SENTENCEPIECE_FILES))
    raise ValueError(
        f"the model folder {str(folder)!r} holds no tokenizer, need one of {accepted}"
    )


class JsonTokenizer:
    """A tokenizer.json, as the library `tokenizers` writes it."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer as Reader

        try:
            self._reader = Reader.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{str(path)!r} is no tokenizer file: {error}") from error
        expected = {"<s>": BEGIN, "<pad>": PAD, "</s>": END, "<unk>": UNKNOWN}
        for token, number in expected.items():
            if self._reader.token_to_id(token) != number:
                raise ValueError(
                    f"{str(path)!r} numbers {token} {self._reader.token_to_id(token)}, "
                    f"need {number}"
                )

    def encode(self, text: str) -> list[int]:
        return [BEGIN, *(number for number, _ in self._pieces(text)), END]

    def unknown_words(self, text: str) -> list[str]:
        return [
            text[start:end] for number, (start, end) in self._pieces(text) if number == UNKNOWN
        ]

    def _pieces(self, text: str) -> list[tuple[int, tuple[int, int]]]:
        read = self._reader.encode(text, add_special_tokens=False)
        # Nobody may smuggle in a </s> by typing it.
        numbers = [max(number, UNKNOWN) for number in read.ids]
        return list(zip(numbers, read.offsets, strict=True))


class SentencePieceTokenizer:
    """A released sentencepiece model, numbered as fairseq and XLM-RoBERTa do."""

    def __init__(self, path: Path) -> None:
        try:
            from sentencepiece import SentencePieceProcessor
        except ImportError as error:
            raise ValueError(
                f"{str(path)!r} needs the package sentencepiece: pip install sentencepiece"
            ) from error
        try:
            self._reader = SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{str(path)!r} is no sentencepiece model: {error}") from error

    def encode(self, text: str) -> list[int]:
        return [BEGIN, *self._numbers(text), END]

    def unknown_words(self, text: str) -> list[str]:
        return [word for word in text.split() if UNKNOWN in self._numbers(word)]

    def _numbers(self, text: str) -> list[int]:
        # The file counts <unk> <s> </s> first; fairseq puts <s> <pad> </s> <unk> there, so
        # every piece moves up by one, except <unk>, which is 0 in the file.
        unknown = self._reader.unk_id()
        return [UNKNOWN if i == unknown else i + 1 for i in self._reader.encode(text)]
