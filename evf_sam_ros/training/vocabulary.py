"""Build a word-level tokenizer from the sentences of the tabletop grammar."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

# What people say for words of the grammar. Anything else that it lacks stays unknown.
SYNONYMS = {
    "a": "the",
    "an": "the",
    "my": "the",
    "this": "the",
    "that": "the",
    "which": "the",
    "are": "is",
    "any": "the",
    "one": "thing",
    "ones": "things",
    "item": "object",
    "items": "objects",
    "furthest": "farthest",
    "centre": "center",
    "tiny": "small",
    "huge": "large",
    "violet": "purple",
    "tin": "can",
    "tins": "cans",
    "teacup": "cup",
}
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>"]  # numbered as in the released checkpoints


def learn_vocabulary(sentences: Iterable[str], file: Path) -> int:
    """Write `tokenizer.json` and return the number of its tokens.

    Upper case and punctuation do not count, and `SYNONYMS` are read as what they mean. A word
    that no sentence had becomes <unk>, so that the predictor can name it.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    spellings = [
        normalizers.Replace(Regex(rf"(?<![\w-]){said}(?![\w-])"), meant)
        for said, meant in SYNONYMS.items()
    ]
    plain = [normalizers.NFKC(), normalizers.Lowercase()]
    punctuation = normalizers.Replace(Regex("[.,!?;:]"), " ")
    tokenizer.normalizer = normalizers.Sequence([*plain, punctuation, *spellings])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    # Sorted, so that the numbers depend on the words only, not on how often they were drawn.
    read = tokenizer.normalizer.normalize_str
    words = sorted({word for sentence in sentences for word in read(sentence).split()})
    trainer = trainers.WordLevelTrainer(special_tokens=SPECIAL_TOKENS, show_progress=False)
    tokenizer.train_from_iterator(words, trainer)
    file.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(file))
    return tokenizer.get_vocab_size()
