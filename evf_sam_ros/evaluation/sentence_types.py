"""Rough classification of expressions by their words, for tables of results."""

LENGTHS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 7), (8, 10), (11, 20))  # words, both inclusive
WORDS = {
    "relation": {
        "behind", "beside", "between", "above", "under", "below", "underneath", "near", "nearest",
        "closest", "next", "against", "facing", "touching", "across", "beneath", "with", "holding",
        "wearing", "on", "in", "by", "from", "of",
    },
    "ordinal": {
        "first", "second", "third", "fourth", "fifth", "last", "1st", "2nd", "3rd", "4th", "5th",
    },
    "place": {
        "left", "right", "top", "bottom", "middle", "center", "centre", "corner", "upper", "lower",
        "front", "back", "side", "leftmost", "rightmost", "far", "edge", "end", "farthest", "lft",
    },
    "attribute": {
        "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white",
        "gray", "grey", "silver", "gold", "tan", "beige", "dark", "light", "bright", "striped",
        "big", "bigger", "biggest", "large", "larger", "largest", "small", "smaller", "smallest",
        "tall", "taller", "tallest", "short", "shorter", "shortest", "little", "tiny", "old",
        "young", "open", "closed", "full", "empty", "bald", "blonde",
    },
}  # fmt: skip
# These say where in the picture, not in relation to what.
PLACE_PHRASES = (
    "on the left", "on the right", "on left", "on right", "in the middle", "in middle",
    "in the center", "in center", "in front", "in back", "in the back", "in the front",
    "on the far", "on far", "on top", "of the picture", "of picture", "of pic",
)  # fmt: skip


def sentence_type(text: str) -> str:
    """Return the first that fits: relation, ordinal, place, attribute, or only a name."""
    lowered = " ".join(text.lower().replace(",", " ").split())
    for phrase in PLACE_PHRASES:
        if lowered.endswith(phrase):
            # Nothing follows that it could be related to.
            lowered = lowered.removesuffix(phrase) + " left"
    words = set(lowered.split())
    return next((name for name, known in WORDS.items() if words & known), "name")


def length_group(text: str) -> str:
    """Return the range of lengths a sentence is in, named so that names sort by length."""
    count = len(text.split())
    for least, most in LENGTHS:
        if count <= most:
            return f"{least:2d}" if least == most else f"{least:2d}-{most}"
    return f"{LENGTHS[-1][1] + 1:2d}+"
