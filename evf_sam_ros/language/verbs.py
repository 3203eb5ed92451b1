"""Verbs of English requests in their base form, grouped by what may follow them."""

import re

from evf_sam_ros.language.word_classes import word_set

# Verbs that name no thing: they ask for something even before a noun without an article.
STRONG = word_set(
    """
    acquire add adjust align apply arrange assemble attach avoid bake boil bring carry choose
    chop chuck collect compare connect cook deliver deposit detach detect dice dip disassemble
    disconnect discover dissolve drag dump empty evacuate examine extract fasten fetch fill find
    fix flatten fold gather get grab grasp grate highlight identify insert inspect install
    keep knead lend locate loosen mash melt mince navigate nudge observe obtain organise
    organize overturn palletise palletize peel pick pour preheat prepare put raise recognise
    recognize recycle refill refrigerate relocate remove repair replace retrieve rinse rotate
    scoop scrub segment seize separate serve shove shut soak sprinkle squeeze stir stow
    straighten sweep take throw tighten tilt toggle toss unbox uncap uncover unfold unhook
    unload unlock unmount unpack unplug unroll unscrew untie unwrap unzip use visualise
    visualize weigh whisk wipe
    """
)
# Verbs that are as often nouns or adjectives: they ask for something before a determiner, a
# pronoun or a colour, and where the sentence shows otherwise that it is a request.
WEAK = word_set(
    """
    give aim wash
    approach balance beat blend break brush buckle buy catch center centre centrifuge change
    charge check clamp clean clear clip close count cover crack cut deal dim dock drain draw
    drill drive drop dry dust eat flick flip float flush follow freeze glue grill grind grip
    guide hand hang heat hide hit hold hug kill knock label lay lift light line link load lose
    lower make mark mask measure microwave mix mount move nail open pack pass pile place play
    plug point polish pop position press pull push reach read report return roast roll save scan
    scatter screw seal search secure select send set shake sharpen shelve shift show slice slide
    sling sort spill spin split spread stack start steer store stretch swap swing swipe switch
    tap tidy tie touch tow trace track transfer transport trim tuck tug turn twist upend view
    warm watch wet wrap yank zip
    """
)
# Adjectives as well: "clean white plate", "light blue box".
ADJECTIVAL = word_set(
    "clean dry empty open wet warm cool clear light cut split close lower secure separate cover"
    " upset slim blend chill flush float press"
)

# Verbs of looking: what follows them describes the object, to the end of the sentence.
PERCEPTION = word_set(
    """
    detect examine find highlight identify inspect locate mark mask observe outline point
    recognise recognize report see segment select show target track watch follow search look
    choose check compare view visualise visualize count describe want need buy trace name
    """
)
# Verbs that put something somewhere: a phrase of place behind them is where to, not which.
PUTTING = word_set(
    """
    add apply arrange attach balance chuck clamp clip connect deposit dip drop dump fasten
    fix glue hang hide hook hurl insert install jam join lay lean load mount move nail pack
    park pile pin pitch place plant plug pop position pour put relocate rest scatter screw
    set shelve shove sit slide slip spill spread spray sprinkle stack staple stick stow
    store stuff throw tie toss transfer transport tuck wedge sling deliver ship align
    """
)
# Verbs after which "on" and "in" rather say which: "push the button on the wall".
PUSHING = word_set("push nudge drag shift roll press")
# Verbs that move something along: only "to", "into", "onto", "towards" say where to.
MOVING = word_set(
    """
    bring carry give guide hand hold lead lend lift lower pass pull raise return rotate send
    shake spin steer swing take tilt tip turn twist walk wheel serve tow tug yank straighten
    """
)
TURNING = word_set("move push slide shift nudge drag roll rotate turn spin tilt tip twist")
# Verbs of work on something: what stands in "in", "with" or "using" is the tool.
COOKING = word_set(
    """
    bake boil cook cool chill dissolve dry fry grill heat keep melt microwave mix preheat
    refrigerate rinse roast soak steam stir store toast warm wash freeze grind whisk knead blend
    """
)
# Verbs after which "with" is the tool, or what is added.
TREATING = COOKING | word_set(
    """
    apply beat bind brush chop clean clear cover crack cut dice drill dust empty fasten fill fix
    flip grab grate hammer hit iron line load loosen mash measure mince open paint peel pick
    polish poke press push refill repair replace rub scoop scrub seal season secure separate
    sharpen slice split spray spread sprinkle squeeze stack stir strike support sweep swap tap
    tape tie tighten touch trim turn unlock unscrew wet weigh wipe wrap serve water
    """
)
HANDS = re.compile(
    r"(?:both|your|the|one|two|its|my)?\s*(?:left|right|other|free|bare)?\s*"
    r"(?:hands?|arms?|grippers?|fingers?|claws?|pincers?|suction(?: cup)?)",
    re.IGNORECASE,
)

# The preposition belongs to the verb: what follows it is the object.
PREPOSITIONAL = {
    "look": "at|for|around for|after|into|inside|out for|behind|under",
    "search": "for",
    "hunt": "for",
    "point": "to|at|out|towards?",
    "reach": "for|out for|over for|over to|into",
    "aim": "at|for",
    "focus": "on",
    "zoom": "in on|on|into",
    "listen": "to",
    "step": "on|onto",
    "hold": "on to|onto",
    "deal": "with",
    "gaze": "at",
    "stare": "at",
    "glance": "at",
    "peek": "at|into",
    "tap": "on",
    "press": "on|down on",
    "push": "on|down on|against",
    "pull": "on|at",
    "knock": "on|at",
    "click": "on",
    "work": "on",
    "concentrate": "on",
    "keep": "an eye on|hold of|track of",
    "get": "rid of|hold of|a hold of|a grip on",
    "grab": "hold of|a hold of",
    "take": "hold of|care of|a look at|a hold of|a picture of|a photo of",
    "have": "a look at",
    "start": "with",
    "begin": "with",
    "continue": "with",
    "make": "use of",
    "pay": "attention to",
}
GOING = re.compile(
    r"(?:go|drive|walk|move|come|navigate|head|travel|run|return|fly|roll|turn|dock|get|back up"
    r"|back)"
    r"(?:\s+(?:over|back|up|down|on|across|round|around|out|right|straight|all the way|yourself"
    r"|closer|near|nearer|next))*"
    r"\s+(?:to|towards?)\s+(?P<rest>.+)",
    re.IGNORECASE,
)

_IRREGULAR = {
    "brought": "bring", "got": "get", "took": "take", "found": "find", "gave": "give",
    "held": "hold", "caught": "catch", "chose": "choose", "kept": "keep", "showed": "show",
    "putting": "put", "getting": "get", "setting": "set", "cutting": "cut", "letting": "let",
}  # fmt: skip


def base_form(word: str) -> str | None:
    """Return the base of a known verb: "grabbing" -> "grab", "fetched" -> "fetch"."""
    if is_known(word):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 2:
            continue
        doubled = stem[:-1] if stem[-1] == stem[-2] else stem
        for candidate in (stem, stem + "e", doubled):
            if is_known(candidate):
                return candidate
    return None


def is_known(word: str) -> bool:
    """Tell whether a word is the base form of a listed verb."""
    return word in STRONG or word in WEAK or word in PREPOSITIONAL
