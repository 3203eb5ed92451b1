"""A tokenizer that translates ordinary English into the words that a small model learned."""

from evf_sam_ros.language.paraphrase import paraphrased
from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.language.tokenizer import Tokenizer


class EverydayTokenizer:
    """Tokenizes each expression after `paraphrased`, and reports every change of words."""

    def __init__(self, words: Tokenizer) -> None:
        """Prepare to read.

        Args:
            words: the model's own vocabulary.
        """
        self._words = words
        self.size = words.size
        self.reads_unknown = words.reads_unknown

    def encode(self, text: str) -> list[int]:
        """Return the tokens of the text as it is paraphrased."""
        return self._words.encode(self._said(text))

    def unknown_words(self, text: str) -> list[str]:
        """Return the words that neither the vocabulary nor the paraphrase knows."""
        return self._words.unknown_words(self._said(text))

    def readings(self, text: str) -> list[Reading]:
        """Return the words that are read differently from how they were said."""
        said = self._said(text)
        slips = self._words.readings(said)
        return slips if said is text else [Reading(text, said), *slips]

    def _said(self, text: str) -> str:
        """Return the text itself where its own words are known."""
        spelled = text
        for slip in self._words.readings(text):
            spelled = spelled.replace(slip.said, slip.read)
        said = paraphrased(spelled)
        if said == paraphrased_alone(spelled):
            return text
        return said


def paraphrased_alone(text: str) -> str:
    """Return a text as `paraphrased` spells one that it does not change."""
    return " ".join("".join(" " if each in ",.!?;:" else each for each in text.lower()).split())
