"""The household's words: names, hypernyms, colours and relations, for the grammar of `sim`."""

from evf_sam_ros.sim.household.kinds import GROUPS, SORTS, UNNAMED
from evf_sam_ros.sim.household.support import SUPPORTS
from evf_sam_ros.sim.palette import COLORS
from evf_sam_ros.sim.relations import RELATIONS
from evf_sam_ros.sim.words import Lexicon

SILVER, CLEAR = "silver", "clear"
MASS = frozenset(  # of the names, those that have no plural of their own
    {
        "toothpaste", "soap", "toilet paper", "grapes", "broccoli", "bread", "cheese", "scissors",
        "pliers", "tape", "keys", "headphones", "eyeglasses", "spectacles", "drawers", "tissues",
    }
)  # fmt: skip

HOUSEHOLD = Lexicon(
    nouns={
        **{name: sort.names for name, sort in SORTS.items()},
        **{group: (group,) for group in GROUPS},
        UNNAMED: (),
        None: ("object", "thing"),
    },
    groups=GROUPS,
    colors=(*COLORS, SILVER, CLEAR),
    relations={**RELATIONS, **SUPPORTS},
    without_plural=MASS,
)
