"""Tokenizers, loaded with the vocabulary in a model's folder."""

from pathlib import Path
from typing import Protocol

from evf_sam_ros.language.added_tokens import AddedToken, added_tokens, splitter
from evf_sam_ros.language.bert_tokenizer import BertTokenizer, is_bert
from evf_sam_ros.language.spelling import Reading, reading_of
from evf_sam_ros.models.weights import refuse_pointer

BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3  # <s>, <pad>, </s>, <unk>: the same for every EVF-SAM

WORD_FILE = "tokenizer.json"
SENTENCEPIECE_FILES = ("sentencepiece.bpe.model", "beit3.spm")


class Tokenizer(Protocol):
    """All that the predictor and the training know about a vocabulary."""

    size: int  # token numbers are below it
    reads_unknown: bool  # its models have met <unk> in training; else nothing can be found by it

    def encode(self, text: str) -> list[int]:
        """Return <s>, the text's tokens, </s>."""
        ...

    def unknown_words(self, text: str) -> list[str]:
        """Return the words, as they stand in the text, that the vocabulary does not hold."""
        ...

    def readings(self, text: str) -> list[Reading]:
        """Return the words that are read as others, and as which: slips of the fingers."""
        ...


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the vocabulary of a model folder, ours or a released one.

    Where there are both, sentencepiece: released models were trained with it, and a tokenizer.json
    made from it does not number every string alike.
    """
    for name in SENTENCEPIECE_FILES:
        if (folder / name).exists():
            return SentencePieceTokenizer(folder / name)
    if (folder / WORD_FILE).exists():
        refuse_pointer(folder / WORD_FILE)
        kind = BertTokenizer if is_bert(folder / WORD_FILE) else JsonTokenizer
        return kind(folder / WORD_FILE)
    accepted = ", ".join((WORD_FILE, *SENTENCEPIECE_FILES))
    raise ValueError(
        f"the folder {str(folder)!r} holds no tokenizer, need one of {accepted}; a fine-tuned "
        "model takes that of the model it was made from: tokenizer DIR_OR_ID"
    )


class JsonTokenizer:
    """A tokenizer.json, as the library `tokenizers` writes it."""

    reads_unknown = False

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer as Reader

        try:
            self._reader = Reader.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{str(path)!r} is not a tokenizer file: {error}") from error
        expected = {"<s>": BEGIN, "<pad>": PAD, "</s>": END, "<unk>": UNKNOWN}
        for token, number in expected.items():
            if self._reader.token_to_id(token) != number:
                raise ValueError(
                    f"{str(path)!r} numbers {token} {self._reader.token_to_id(token)}, "
                    f"need {number}"
                )
        self.size = self._reader.get_vocab_size()
        self._words = frozenset(self._reader.get_vocab()) - frozenset(expected)

    def encode(self, text: str) -> list[int]:
        return [BEGIN, *(number for number, _ in self._pieces(self._spelled(text)[0])), END]

    def unknown_words(self, text: str) -> list[str]:
        spelled = self._spelled(text)[0]
        return [spelled[start:end] for start, end in self._unknown(spelled)]

    def readings(self, text: str) -> list[Reading]:
        return self._spelled(text)[1]

    def _spelled(self, text: str) -> tuple[str, list[Reading]]:
        """Return the text with its slips put right, and what they were."""
        readings: list[Reading] = []
        for start, end in reversed(self._unknown(text)):  # from the end: earlier places stay
            reading = reading_of(text[start:end], self._words)
            if reading is not None:
                text = text[:start] + reading.read + text[end:]
                readings.insert(0, reading)
        return text, readings

    def _unknown(self, text: str) -> list[tuple[int, int]]:
        return [place for number, place in self._pieces(text) if number == UNKNOWN]

    def _pieces(self, text: str) -> list[tuple[int, tuple[int, int]]]:
        read = self._reader.encode(text, add_special_tokens=False)
        # Nobody may smuggle in a </s> by typing it.
        numbers = [max(number, UNKNOWN) for number in read.ids]
        return list(zip(numbers, read.offsets, strict=True))


class SentencePieceTokenizer:
    """A released sentencepiece model, numbered as fairseq and XLM-RoBERTa do.

    Gives what the slow XLMRobertaTokenizer of transformers 4 gives, with which the released
    models were trained; so a token's name that somebody types is read as that token, also the
    names that were added to the vocabulary, such as [semantic] of multitask checkpoints.
    """

    reads_unknown = True  # a piece of a word or sign, among others that it knows

    def __init__(self, path: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        refuse_pointer(path)
        try:
            self._reader = SentencePieceProcessor(model_file=str(path))
        except Exception as error:  # of what it is made depends what a broken file raises
            raise ValueError(f"{str(path)!r} is not a sentencepiece model: {error}") from error
        if self._reader.unk_id() != 0:
            raise ValueError(f"{str(path)!r} numbers <unk> {self._reader.unk_id()}, need 0")
        named = {"<s>": BEGIN, "<pad>": PAD, "</s>": END, "<unk>": UNKNOWN}
        own = {name: AddedToken(number) for name, number in named.items()}
        mask = len(self._reader) + 1
        own["<mask>"] = AddedToken(mask, strip_left=True)
        added = added_tokens(path.parent)
        for name in own.keys() & added.keys():
            if added[name].number != own[name].number:
                raise ValueError(
                    f"{str(path.parent)!r} numbers {name} {added[name].number}, "
                    f"its sentencepiece model needs {own[name].number}"
                )
        self._special = added | own
        self._names = splitter(self._special)
        self.size = 1 + max(mask, *(each.number for each in self._special.values()))

    def encode(self, text: str) -> list[int]:
        return [BEGIN, *self._numbers(text), END]

    def names(self, token: str) -> bool:
        """Tell whether this is the name of a token of its own."""
        return token in self._special

    def unknown_words(self, text: str) -> list[str]:
        return [word for word in text.split() if UNKNOWN in self._numbers(word)]

    def readings(self, text: str) -> list[Reading]:
        return []  # pieces of words need no spelling

    def _numbers(self, text: str) -> list[int]:
        numbers: list[int] = []
        # Each stretch between two names is read by itself, as if it were a whole sentence.
        for part in filter(None, self._names.split(text)):
            if part in self._special:
                numbers.append(self._special[part].number)
            else:
                numbers += self._pieces(part)
        return numbers

    def _pieces(self, text: str) -> list[int]:
        # The file counts <unk> <s> </s> first; fairseq puts <s> <pad> </s> <unk> there, so
        # every piece moves up by one, except <unk>, which is 0 in the file.
        return [UNKNOWN if number == 0 else number + 1 for number in self._reader.encode(text)]
