"""Closed classes of English words, which mark the ends of a noun phrase."""

import re


def word_set(words: str) -> frozenset[str]:
    """Return the words of a table, which are set apart by blanks."""
    return frozenset(words.split())


DETERMINERS = word_set(
    """
    the a an all any every each both that this those these my your our his her its their one
    another some either neither whichever whatever which what no such
    """
)
PREPOSITIONS = word_set(
    """
    on in at of to from with without by near next behind beside besides under underneath beneath
    above over below between among amongst against inside outside facing for around round across
    along into onto upon off toward towards through past within opposite atop about like as
    after before until till during despite except but than via per since beyond up down out away
    left right
    """
)
PRONOUNS = word_set(
    """
    i you he she it we they me him us them myself yourself itself who whom whose anyone anything
    anybody someone something somebody everyone everything everybody nobody nothing none mine
    yours hers ours theirs others there here
    """
)
AUXILIARIES = word_set(
    """
    is are was were be been being am do does did have has had can could will would shall should
    may might must isn't aren't don't doesn't didn't won't can't couldn't wouldn't not never
    i'm i'd i've i'll we're we'd we'll you're it's that's there's where's what's who's let's
    thats wheres whats gotta gonna wanna
    """
)
CONJUNCTIONS = word_set("and or but nor so yet if because while when where why how though")
ADVERBS = word_set(
    """
    now then again also too very just only even still already maybe perhaps please really quite
    rather almost nearly first second third last finally next once twice soon later well ok okay
    yes no yeah yep nope sorry oops hello hi hey thanks thank oh ah actually wrong sure fine
    always often sometimes usually anyway however instead together therefore
    """
)
# Adjectives and nouns that open no request: "mug the", "left the", "same the".
_OTHERS = word_set(
    """
    red orange yellow green blue purple pink white black brown grey gray violet left right top
    bottom middle center front rear big small large little tiny huge tall short other same two
    three four five six seven eight nine ten first fourth fifth many few several most half less
    more mug mugs cup cups bowl bowls plate plates thing things object objects man woman guy girl
    boy lady person people dude kid child someone zebra robot stuff everything item part side
    letter sign number word poster card box boxes block blocks cube ball sphere can cans cylinder
    capsule pill cone bottle bottles tin
    know knows think believe guess hope mean means say says see sees hear like likes love hate
    prefer understand remember own belong seem seems look looks stand stands sit sits lie lies
    """
)
NEVER_VERBS = (
    DETERMINERS | PREPOSITIONS | PRONOUNS | AUXILIARIES | CONJUNCTIONS | ADVERBS | _OTHERS
)

PLACES = r"(?:left|right|middle|cent(?:er|re)|top|bottom|front|back|rear)"
# What opens a noun phrase beyond doubt, behind words that are nouns as often as verbs.
DETERMINER = (
    r"(?:the|a|an|all|any|every|each|both|that|this|those|these|my|your|our|his|her|its|their"
    r"|one|another|some|either|whichever|whatever)"
)
COLOR = r"(?:red|orange|yellow|green|blue|purple|pink|white|black|brown|gr[ae]y|violet)"
_ORDER = (
    r"(?:(?:left|right)(?:most)?|middle|nearest|closest|farthest|furthest|next|other|first|second"
    r"|third|fourth|last|biggest|largest|smallest|tallest|bigger|larger|smaller|big|small|large"
    r"|two|three|four|five|six|several|many|most|half|some|something|anything|another|everything"
    r"|\d+)"
)
OPENER = rf"(?:{DETERMINER}|{COLOR}|{_ORDER}|\[semantic\])(?![\w-])"
OPENS = re.compile(OPENER, re.IGNORECASE)
DETERMINED = re.compile(rf"{DETERMINER}(?![\w-])", re.IGNORECASE)
# What opens one behind a word that may be a noun: "lift black bowl", but not "box left of it".
OPENS_OBJECT = re.compile(
    rf"(?:{DETERMINER}|{COLOR}|two|three|four|five|six|several|many|most|half|some|something"
    r"|anything|everything|biggest|largest|smallest|tallest|bigger|larger|smaller|\d+"
    r"|\[semantic\])(?![\w-])",
    re.IGNORECASE,
)
PERSON = r"(?:me|us|him|her|them|everyone|everybody|somebody|someone)"
