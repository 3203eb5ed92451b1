"""Typing errors and British spellings, replaced by words of a small vocabulary and reported."""

import re
from collections.abc import Set
from dataclasses import dataclass

LEAST_LETTERS = 4  # shorter words have too many neighbours
_WORD = re.compile(rf"[a-z][a-z'-]{{{LEAST_LETTERS - 1},}}")
Cuts = list[tuple[str, str]]  # a word before and after each place in it
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_OF_A_COLOR = re.compile(r"-?colou?r(?:ed)?$")  # "red coloured", "red-coloured", "red colour"
_VARIANTS = {
    "teh": "the",
    "grey": "gray",
    "centre": "center",
    "centremost": "center",
    "middlemost": "middle",
}


@dataclass(frozen=True)
class Reading:
    """A word and its replacement; the replacement is empty if the word was left out."""

    said: str
    read: str

    def __str__(self) -> str:
        return f"{self.said!r} read as {self.read!r}" if self.read else f"{self.said!r} left out"


def reading_of(word: str, vocabulary: Set[str]) -> Reading | None:
    """Return how a word that the vocabulary lacks can be read; None: it is unknown.

    A word is read as the only one of the vocabulary from which a letter was left out, else as the
    only one of which a letter was typed twice, else as the only one that differs from it by one
    letter added or changed, or by two that changed places; but a known
    English word is never read as another: "tube" does not become "cube".
    """
    plain = word.lower()
    variant = _VARIANTS.get(plain)
    if variant is not None and variant in vocabulary:
        return Reading(word, variant)
    if _OF_A_COLOR.search(plain):
        rest = _OF_A_COLOR.sub("", plain)
        return Reading(word, rest) if not rest or rest in vocabulary else None
    if not _WORD.fullmatch(plain) or plain in REAL_WORDS:
        return None
    cuts = [(plain[:i], plain[i:]) for i in range(len(plain) + 1)]
    slips = (_completed, _with_one_of_two, _other_neighbours)
    near = next(filter(None, (slip(cuts) & vocabulary for slip in slips)), set[str]())
    return Reading(word, near.pop()) if len(near) == 1 else None


def _completed(cuts: Cuts) -> set[str]:
    """Return all words from which one letter may have been left out."""
    return {a + letter + b for a, b in cuts for letter in _LETTERS}


def _with_one_of_two(cuts: Cuts) -> set[str]:
    """Return all words of which one letter may have been typed twice."""
    return {a + b[1:] for a, b in cuts if a and b and a[-1] == b[0]}


def _other_neighbours(cuts: Cuts) -> set[str]:
    """Return all words that another slip of the fingers may have made this of."""
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    shorter = {a + b[1:] for a, b in cuts if b}
    changed = {a + letter + b[1:] for a, b in cuts if b for letter in _LETTERS}
    return {each for each in swapped | shorter | changed if len(each) > 2}


# Words of everyday English one slip away from the vocabulary of the tabletop.
_REAL_WORDS = """
aback abject acre afar aide ally area ares aside atop backs bail bake bald bale bales
ballsy bally balm band bank bans bare barge bark bask battle battles bawl bear bearer beck
bedside behinds bell bellow bells besides betide bide bill bills bind bins blacks blank
bloc blower blown bluer blues blur bodes boil boils bone bones bores bottled bottoms bowel
bowels bower bows boxed boxer boxers brawn bred brig bright brow browns brows buck bugs
bull bulls cabs cake call calls cameras cams cane canes canst caps care cars cats caws
centers chat chow clack clan clans cleft clock clocks clone clones closes closet closets
clue code codes coke come comes conk cons cope cops core cores coup cove cower cowl crab
cred crone crown cubs cues cure cures cusp cuss cute cuts dare dear dearer dearest deft
diddle digger dill dink dive done drab drown eight enter fair fake fall falls fans fare
farm father fear fellow fend fiddle fiend fife fight file fill fills finds fine fined fink
fins fire firsts fist fiver fives flack flock flocks flour flower flying fond font form
forth foul fours fowl foxes fray fright frog fronts frost frown fund further gall garb gave
gear gill gills given giver gives glue gone grabs grad gram gran gravy greed greens greet
grew grown grub hack hall halls hand hare hear here hick hide hill hills hind hive hone
hour howl howls hugs ills jive jugs kick kind kink lack lager lake land laying lear lefts
lefty lent lest lick lift light link littler live lock locks loft lone loner loser lover
lowers lube mags make mall malls mans many mare marge meddle mellow might mill mills mind
mink mower muddle mums muss nears neat neatest nest newt night none once oranges owes owls
pack pall pans pare pear peck phat picks picky pics pile piles pine ping pinky pins pint
plying poll polls pour power pray prey prom puck pull pulls pups rack rake rand range rare
read rear redo reds reed rend reside riddle ride rights rind rink rugs sack sake sand sans
sarge scan scans scone scones sear seconds segments shall shod shoe shoo shop shot shown
shows showy sided sides sight sill sind sine sink sins sire site size slack slide slow
slower smell smug snide snow sour spill spills stake stall stem stems stop stow stranding
supper tack taken taker takes tale tall tame tape tear teat tens text than thaw thee them
then there they thin thine thingy think thinks thins thirds thongs threes threw thus tick
tide tidy ties tight till tine ting tint tips tone tones tons tops tour tower tray tree
trey tube tubes tugs twin twins twos tying upped uppers vans violent violets vive vying
wack wake wall walls wand ware wear wearer were what wheres while whine whit whiter whites
whitey wick wide wildest will wills wind wink wins wisest write year yellows your zany zone
zones
"""
REAL_WORDS = frozenset(_REAL_WORDS.split())
