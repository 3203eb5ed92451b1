"""Tokenizer of models that were trained on sentences without capitals and signs."""

import re

from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.language.tokenizer import Tokenizer

_DELETED = ".,'!?\"()*#:;"
_BLANKS = "-/"
_TASK = re.compile(r"\s*(\[[^\]]*\])")
_TABLE = str.maketrans(dict.fromkeys(_DELETED, "") | dict.fromkeys(_BLANKS, " "))


def cleaned(text: str) -> str:
    """Return "the mans t shirt" for "The man's T-shirt.", as DeRIS and InstanceVG read it.

    Other signs, and words of other languages, stay as they are.
    """
    return text.lower().translate(_TABLE)


class CleanedTokenizer:
    """Reads sentences in lower case and without their signs."""

    def __init__(self, words: Tokenizer) -> None:
        self._words = words
        self.size = words.size
        self.reads_unknown = words.reads_unknown

    def encode(self, text: str) -> list[int]:
        """Return the first token, the cleaned text's, and the last.

        Raises:
            ValueError: the text starts with the name of a task, such as [semantic].
        """
        if task := _TASK.match(text):
            raise ValueError(
                f"prompt {text!r} starts with {task[1]}, and this model was trained for no tasks "
                "by name: leave it out"
            )
        return self._words.encode(cleaned(text))

    def unknown_words(self, text: str) -> list[str]:
        """Return the words of the cleaned text that the vocabulary does not hold."""
        return self._words.unknown_words(cleaned(text))

    def readings(self, text: str) -> list[Reading]:
        """Return the words of the cleaned text that are read as others."""
        return self._words.readings(cleaned(text))
