"""One or several, by an English noun in lower case: the regular rules, and what they get wrong."""

import re

_ONE = re.compile(r"(?:ss|us|is|lens)$")  # "glass", "bus"
_PAIR = re.compile(r"(?:scissors|pliers|trousers|jeans|pants|shorts|glasses)$")  # one, or several
_ENDING = re.compile(r"(?:(?<=x)es|(?<=ch)es|(?<=sh)es|(?<=ss)es|s)$")


def is_plural(noun: str) -> bool:
    """Tell whether a noun names several things: "mugs", but neither "glass" nor "scissors"."""
    regular = len(noun) > 3 and noun.endswith("s")
    return regular and not (_ONE.search(noun) or _PAIR.search(noun))


def singular(noun: str) -> str:
    """Return what one of them is called: "boxes" -> "box"."""
    return _ENDING.sub("", noun) if is_plural(noun) else noun


def plural(noun: str) -> str:
    """Return what several of them are called: "box" -> "boxes"."""
    if is_plural(noun) or _PAIR.search(noun):
        return noun
    return noun + ("es" if re.search(r"(?:s|x|z|ch|sh)$", noun) else "s")
