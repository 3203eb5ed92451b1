"""BERT's tokenizer, for the SAM-CLIP bridge."""

from pathlib import Path

from evf_sam_ros.language.spelling import Reading


class BertTokenizer:
    """The tokenizer.json of a BERT: word pieces, numbered as in its vocab.txt."""

    reads_unknown = True  # its models have met [UNK], and pieces spell nearly any word

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer as Reader

        try:
            self._reader = Reader.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{str(path)!r} is not a tokenizer file: {error}") from error
        names = ("[CLS]", "[SEP]", "[UNK]")
        numbers = [n for n in map(self._reader.token_to_id, names) if n is not None]
        if len(numbers) < len(names):
            raise ValueError(f"{str(path)!r} is not a BERT tokenizer: it needs {', '.join(names)}")
        self._begin, self._end, self._unknown = numbers
        self.size: int = self._reader.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Return [CLS], the text's pieces, [SEP]."""
        return [self._begin, *(number for number, _ in self._pieces(text)), self._end]

    def unknown_words(self, text: str) -> list[str]:
        """Return what no pieces spell, such as signs of another script."""
        return [
            text[start:end]
            for number, (start, end) in self._pieces(text)
            if number == self._unknown
        ]

    def readings(self, text: str) -> list[Reading]:
        """Return nothing: pieces are read as they stand."""
        return []

    def _pieces(self, text: str) -> list[tuple[int, tuple[int, int]]]:
        read = self._reader.encode(text, add_special_tokens=False)
        special = (self._begin, self._end)  # nobody may smuggle one in by typing it
        numbers = [self._unknown if number in special else number for number in read.ids]
        return list(zip(numbers, read.offsets, strict=True))


def is_bert(path: Path) -> bool:
    """Return whether a tokenizer.json numbers words as BERT does."""
    try:
        return '"[CLS]"' in path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(path)!r} is not a tokenizer file: {error}") from error
