"""Grammatical number: does an expression ask for one object or for several?"""

import re

from evf_sam_ros.language.nouns import head_phrase, is_plural

_SEVERAL = re.compile(
    r"^\W*(?:(?:please|find|show|me|pick|up|get|bring|give|take)\s+)*"
    r"(?:the\s+)?(?:all|every|each|both|everything|everyone|whatever|anything|two|three|four|five|six|several|some|many)\b"
    r"|^\s*\[semantic\]",
    re.IGNORECASE,
)


def means_several(expression: str) -> bool:
    """Tell whether a sentence asks for more than one object: by its words, or by its noun."""
    if _SEVERAL.search(expression):
        return True
    head = head_phrase(expression).lower().split()
    return bool(head) and is_plural(head[-1])
