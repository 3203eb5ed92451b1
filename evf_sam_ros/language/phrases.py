"""What people say around the words that name an object: the tables that `command` reads.

Every pattern must match a whole clause; what it calls `rest` is kept. Patterns are tried in
order, over and over until none matches, so each knows one phrase only. None may match a clause
that is a referring expression already: "stop sign", "looking at camera", "give way sign".
"""

import re

FILLERS = r"(?:u+h+m*|u+m+|e+r+m*|a+h+|e+h+|h+m+|mm+)"
# Said twice on purpose; every other word said twice is a slip of the tongue.
INTENSIFIERS = {"very", "far", "really", "so", "way", "super", "little", "big", "no"}

DETERMINER = r"(?:the|a|an|all|any|every|each|both|that|this|those|these|my|your|our|his|her|one)"
_COLOR = r"(?:red|orange|yellow|green|blue|purple|pink|white|black|brown|gr[ae]y|violet)"
_ORDER = (
    r"(?:(?:left|right)(?:most)?|middle|nearest|closest|farthest|furthest|next|other|first|second"
    r"|third|fourth|last|biggest|largest|smallest|tallest|bigger|larger|smaller|big|small|large"
    r"|two|three|four|some|something|another|everything)"
)
# What opens a noun phrase beyond doubt, behind words that are nouns as often as verbs.
OPENER = rf"(?:{DETERMINER}|{_COLOR}|{_ORDER}|\[semantic\])(?![\w-])"
_REST = r"(?![-\w])\s*(?P<rest>.*)"
_OPENED = rf"\s+(?P<rest>{OPENER}.*)"
_DETERMINED = rf"\s+(?P<rest>{DETERMINER}\b.*)"
_ME = r"(?:me|us|him|her|them)"

# Words that ask for something wherever a clause begins with them, and those that do so only
# before a noun phrase that has an opener. PublishThread "would you mind" they stand in -ing.
_STRONG = (
    r"(?:find|locate|detect|segment|highlight|identify|retrieve|fetch|bring|select|grasp|approach"
    r"|get(?!\s+(?:away|well|up|on|off|in|out)\b)|take(?!\s+(?:out|away|off)\b)"
    r"|grab(?!\s+(?:bars?|bags?|handles?|rails?)\b))"
)
_WEAK = (
    r"(?:show|give|pick|hand|pass|lift|touch|mask|hold|reach|see|grip|seize|collect|track|follow"
    r"|watch|open|close|push|pull|press|clean|check|outline|mark|choose|point out|search|want|need"
    r"|hand over|pass over|lift up|clear|carry|move|inspect|examine|target|deliver)"
)
_PICK = r"pick\s+(?:up(?!\s+trucks?\b)|out)"
# What the object is put down at is a place, not what to look for.
_PLACED = (
    rf"(?:put|place|set|drop|move)\s+(?P<rest>{OPENER}.+)\s+(?:in|into|on|onto|inside|on top of"
    r"|(?<!next )(?<!close )(?<!closest )(?<!nearest )to|next to|beside|behind|under|near|over"
    r"|in front of)\s+(?:the|a|an|my|your|that|this)\b.*"
)
_ASKING = (
    r"(?:can|could|will|would)(?: you|ya| u) (?:please |kindly |just |maybe |possibly )*"
    r"(?:be so (?:kind|good)(?: as)? to |be able to |help (?:me|us)(?: to)? |try to |try and "
    r"|manage to )?"
)
VERB_FIRST = re.compile(
    rf"(?:please\s+|kindly\s+|just\s+|also\s+|{_ASKING})*(?:{_STRONG}(?![-\w])|{_PICK}(?![-\w])"
    rf"|(?:{_WEAK}|put|place|set|drop)\s+(?:{OPENER}|me\b|us\b|it\b|them\b)"
    r"|(?:look|search) for\b|where(?:'s| is| are)\b|what about\b|i (?:want|need)\b|i'd like\b)",
    re.IGNORECASE,
)

# Politeness and hesitation. Short words are taken off only before a comma, an opener, a verb.
POLITENESS = (
    r"(?:hey|hi|hello|okay|ok|yo|dear)\s+robot(?:[\s,:!]+(?P<rest>.*)|$)",
    r"robot[,:!](?P<rest>.*)",  # not "robot on the left"
    rf"robot\s+(?P<rest>(?:please\b|(?:can|could|would) you\b|{_STRONG}\b|{_PICK}"
    rf"|{_WEAK}\s+(?:{OPENER}|me\b)|stop\b|cancel\b|where\b).*)",
    r"(?:hey|hi|hello|okay|ok|alright|well|so|now|good (?:morning|evening|day)|excuse me"
    r"|thanks|thank you|yes|yeah|yep|sure|listen|look|oh|hm)"
    r"(?:\s*[,:.!]+\s*(?P<rest>.*)|$)",
    r"(?:(?:hey|hi|hello|okay|ok|alright|well|so|now|then|and|but|also|yes|yeah|thanks(?! a lot)"
    rf"|oh|kindly|just(?! left| right)|first(?! {_ORDER}))[\s,]+)+"
    rf"(?P<rest>(?:{OPENER}|please\b|kindly\b|just\b|can you\b|could you\b|would you\b|i\b|i'"
    r"|let's\b|where\b|what about\b|how about\b|find\b|grab\b|get\b|take\b|bring\b|pick (?:up|out)"
    r"\b|show me\b|give me\b|segment\b|stop\b|cancel\b|look for\b|never ?mind\b).*)",
    r"(?:please|pls|plz)(?:[\s,:]+(?P<rest>.*)|$)",
    r"(?:sorry|excuse me)(?: to bother you)?,?\s+(?P<rest>but .*|(?:can|could|would) you\b.*)",
    rf"{_ASKING}(?P<rest>(?!see\b|tell\b|mind\b).+)",
    r"(?:can|could|will|would) you",
    r"(?:would it be (?:possible|ok|okay) to|i(?:'m| am| was) wondering if you could"
    r"|be (?:a (?:dear|darling|pal|sweetheart)|nice|good) and|i (?:think|guess|suppose)"
    r"(?=\s+(?:i|we|the)\b))" + _REST,
    r"(?:if you (?:can|could|would|please)|if possible|if you don't mind|when you (?:can|get a"
    r" chance)|whenever you(?:'re| are) ready)[\s,]+(?P<rest>.*)",
    r"(?:i|we)(?:'d| would)? (?:want|need|like|wish|love)(?: for)? you to" + _REST,
    r"(?P<rest>.*?)[\s,]*\b(?:if you (?:can|could|would|please|don't mind)|if possible"
    r"|when you (?:can|get a chance)|would you mind|if you (?:would|could) be so kind"
    r"|please and thank you)",
    r"(?P<rest>.*?)\s*[,.!]+\s*(?:please|pls|plz|thanks|thank you|cheers|robot|okay|ok|alright"
    r"|now|again|quickly|will you|would you|can you|could you|you know|buddy|mate)",
    # "the person asking please", "the card with thanks": there these words are what is meant.
    r"(?P<rest>(?:.*\s)?(?!(?:asking|ask|asks|begging|begs|saying|say|says|said|reads?|reading"
    r"|words?|labell?ed|marked|written|called|named|with|a|an|the|of|for|spells?"
    r"|typed|typing|prints?|printed|and|or|big|small|yelling|shouting|means?|meaning|to)\s)\S+)"
    r"\s+(?:please|pls|plz|thanks|thank you(?: very much| so much)?)",
    r"(?P<rest>.*?)(?<!\bthe)(?<!\bfar)(?<!\btop)(?<!\bbottom)(?<!\bon)[\s,]+right (?:now|away)",
    r"(?P<rest>.*?)[\s,]+(?:as soon as possible|asap|real quick)",
    r"(?:please|pls|thanks|thank you)(?: very much| so much| a lot)?",
)
# What may follow a request, and would be part of a referring expression elsewhere.
REQUEST_ENDS = (
    r"(?P<rest>.+?)[\s,]+for (?:me|us|him|her|them)",
    r"(?P<rest>.+?)[\s,]+(?:will|would|can|could) you",
    r"(?P<rest>.+?)[\s,]+(?:now|again|quickly|carefully|(?:over )?(?:here|there)|somewhere"
    r"|anywhere)",
    r"(?P<rest>.+?)(?<!close)(?<!closest)(?<!near)(?<!nearest)(?<!next)(?: over)? to (?:me|us)",
)
REQUESTS = (
    r"(?:i|we)(?:'d| would)? (?:want|need|like|love)(?: to (?:see|have|get|find|pick up|grab))?"
    + _REST,
    r"(?:i|we)(?:'m|'re| am| are)? (?:said|meant?|looking for|searching for|after)" + _REST,
    r"(?:can|could|may|might) (?:i|we) (?:please |maybe )*(?:have|see|get)" + _REST,
    r"(?:let me|let us|let's|lemme) (?:see|have|get)" + _REST,
    r"(?:try to|try and|go and|go ahead and|go|let's|let us|help me(?: to)?|be so kind(?: as)? to"
    rf"|you (?:should|must|have to|need to|can))\s+(?P<rest>(?:{_STRONG}|{_PICK}|{_WEAK}|look"
    r"|search)\b.*)",
    r"(?:your|the|my) (?:target|goal|task|job|mission) is(?: to)?" + _REST,
    r"pick\s+(?!up\b)(?P<rest>.+)\s+up",
    rf"{_PICK}(?: {_ME})?" + _REST,
    rf"(?:hand|pass|tell)(?: over)? {_ME}(?: over)?" + _REST,
    rf"(?:give|show|bring|get|fetch|grab|find|take|pick|locate)(?:\s+{_ME})" + _REST,
    r"gimme" + _REST,
    r"where (?:(?:can|could|do|might) (?:i|we)|(?:i|we) (?:can|could|might)) (?:find|get|see)"
    + _REST,
    rf"pick-?up{_DETERMINED}",
    rf"{_STRONG}(?: out)?(?!\s+of\b)" + _REST,
    _PLACED,
    rf"(?:put|place|set|drop)(?: down)?{_OPENED}",
    r"(?:put|place|set|drop|pour|throw|turn|move|carry|lift|hold|hand|pass|give|use)"
    r"\s+(?P<rest>(?:it|them)\b.*)",
    rf"(?:show|give|pick){_OPENED}",
    rf"{_WEAK}{_DETERMINED}",
    r"(?:look|search|reach) (?:for|around for)" + _REST,
    r"look at" + _DETERMINED,
    r"point (?:to|at|out)" + _DETERMINED,
    rf"(?:go|drive|walk|move|come|navigate|head)(?: over)? to{_DETERMINED}",
    # Words in -ing ask for something only here: "looking at camera" is a referring expression.
    rf"(?:do|would) you mind \w+ing(?: up| out| over| for)?(?: {_ME})?" + _REST,
    r"where (?:did|has|have) (?P<rest>.+) (?:go|gone)",
    r"where(?:'?s| is| are|'re) (?P<rest>.+) at",
    r"where(?:'?s| is| are|'re)" + _REST,
    r"(?:(?:me|us) )?where (?P<rest>.+) (?:is|are)",
    r"(?:which one|which|what|who)(?:'?s| is| are)" + _DETERMINED,
    r"(?:what|how) about" + _REST,
    r"do you (?:see|know|have)" + _REST,
    r"(?:can|could) you (?:see|tell)(?: (?:me|us))?" + _REST,
    rf"(?:is|are) there{_OPENED}",
)

CANCELLATIONS = (
    r"(?:stop|halt|cancel|abort|quit|freeze|pause)(?: (?:it|that|this|there|everything|moving"
    r"|now|all|immediately|(?:the |my |your |this |that |last |previous )*(?:command|search|task"
    r"|request|order|robot|mission|job|tracking)))?",
    r"(?:stop|cancel|quit) (?:looking|searching|segmenting|tracking|following|finding|what|doing)"
    r"\b.*",
    r"(?:never ?mind|forget (?:it|that|about (?:it|that)|(?:the |my )?(?:command|request|task))"
    r"|that(?:'s| is) enough|enough|scratch that|leave it(?: alone)?|let it go"
    r"|i(?:'ve)? changed my mind|(?:do not|don'?t)(?: do (?:it|that))?|hold (?:on|it)|wait"
    r"|wait a (?:moment|minute|second|sec)|(?:i|we) (?:don't|do not) (?:want|need) (?:it|that)"
    r"(?: any ?more)?)(?: (?:then|that|it))?",
)
CANCELLED_OBJECT = r"(?:never ?mind|forget(?: about)?|cancel) (?:the|that|my|this)\b.*"
NEGATIONS = (
    r"(?:do not|don'?t|never|you must ?n[o']t) (?:pick|grab|grasp|take|get|fetch|bring|give|hand"
    r"|pass|find|locate|detect|segment|show|highlight|select|look|search|touch|lift)\b\s*(?:up )?"
    r"(?P<rest>.*)",
    r"(?:it's not|it is not|it isn't|that's not|that is not|that isn't"
    r"|i (?:did not|didn't|don't|do not) (?:say|mean|want|need))"
    r"\s+(?P<rest>(?:the|that|this)\s.+)",
    rf"not (?P<rest>(?:the|that|this|those|these) .+|{_COLOR}|left|right|that|this)",
)
# What is said to a robot and asks for nothing.
CHATTER = (
    r"(?:yes|yeah|yep|no|nope|okay|ok|hello|hi|hey|thanks|thank you(?: very much| so much)?|cheers"
    r"|sorry|well|and|then|good (?:job|morning|evening|night|boy|robot)|well done|great|perfect"
    r"|nice|goodbye|bye|are you there|how are you|who are you|what can you do|test"
    r"|that(?:'s| is)(?: the)? (?:wrong|right|it|correct|not it|not right|good|all)(?: one)?"
    r"|wrong one|(?:pick|put|look|search|show|give|hand|pass|point|where|go)"
    r"(?: me| us| up| out| for| at| to| over| is| are)*)",
)
PRONOUN = (
    r"(?:it|them|that|this|that one|this one|the same(?: one)?)(?: (?:up|over|down|to me"
    r"|to us|for me|back|here|away|there|again|now|too|out)|\s(?:in|into|on|onto|next to|to|under"
    r"|behind|beside|near|inside)\s.+)*"
)


# Where a clause may end, and how the next one then begins if the first words were withdrawn.
SEPARATOR = re.compile(
    r"(?:\s*(?P<mark>[,;.!?\u2026\u2013\u2014]+)\s+(?:(?:and|but)\s+)?|\s+(?P<joined>and|but)\s+)"
    r"(?P<then>(?:then|also|finally|after that|afterwards)[\s,]+)?"
    r"|\s+(?P<alone>then)\s+"
    r"|\s+(?=(?:no,? wait|wait,? no|no,? sorry|i mean|i meant|or rather|scratch that|actually"
    r"|no not|never ?mind|forget it)\b)"
    rf"|(?<=\bone)\s+(?={DETERMINER}\b)",
    re.IGNORECASE,
)
REPAIR = re.compile(
    r"(?:no,? wait|wait,? no|no,? sorry|i mean|i meant|or rather|scratch that|actually)\b"
    r"|(?:no|nope|sorry|oops|wait|rather|correction)(?:\s*[,.!]|\s+(?:the|that|this|my|not|i)\b)",
    re.IGNORECASE,
)
CORRECTIONS = (
    r"(?:no|nope|wait|sorry|oops|actually|rather|correction|hang on)\s*[,.!]+\s*(?P<rest>.+)",
    r"(?:no|nope|wait|sorry|oops|actually|rather|correction|hang on)\s+(?P<rest>(?:the|that|this"
    r"|those|these|my|not|wait|no|sorry|i|actually|stop|cancel|never ?mind|on the|in the|find|take"
    r"|grab|get|pick up)\b.*)",
    r"(?:it's|it is)\s+(?P<rest>(?:the|that)\b.*)",
    r"(?:i mean|i meant|i said|make (?:that|it)|scratch that|or rather)\s*,?\s+(?P<rest>.+)",
)
INSTEAD = r"(?P<rest>.+?),?\s+(?:instead(?: of\b.*)?|rather than\s+(?:the|that)\b.*)"
FOLLOWS = re.compile(r"(?:and|also|now|then|so|but)\b|(?:(?:what|how) about)\b", re.IGNORECASE)


def compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Make a table of patterns that match whole clauses, whatever their case."""
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
