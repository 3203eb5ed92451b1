"""Tables of the phrases that surround the name of an object, for the parser.

Every pattern must match a whole clause; what it calls `rest` is kept. Patterns are tried in
order, over and over until none matches, so each knows one phrase only. None may match a clause
that is a referring expression already: "stop sign", "looking at camera", "give way sign".
"""

import re

from evf_sam_ros.language.word_classes import COLOR, DETERMINER, PERSON

FILLERS = r"(?:u+h+m*|u+m+|e+r+m*|a+h+|e+h+|h+m+|mm+)"
ASIDES = (
    r"(?:you know(?: what i mean)?|what do you call (?:it|that)|what's it called|how do you say"
    r"|let me think|let's see|let me see|i mean you know|like you know)"
)
# Said twice on purpose; every other word said twice is a slip of the tongue.
INTENSIFIERS = {"very", "far", "really", "so", "way", "super", "little", "big", "no"}

REST = r"(?![-\w])[\s,]*(?P<rest>.*)"
DETERMINED = rf"\s+(?P<rest>{DETERMINER}\b.*)"
_MODAL = (
    r"(?:can|could|will|would|should|shall|may|might|must|please|kindly|just|like|maybe|possibly"
    r"|also"
    r"|perhaps|now|then|next|first|simply|quickly|go|have to|need to|want to|ought to|able to"
    r"|be able to|try to|try and|manage to|go and|go ahead and|start to|gonna|going to|to|not mind"
    r"|help(?: me| us)?(?: to)?|be so (?:kind|good|nice)(?: as)?(?: to)?)"
)
_ABOUT_ASKING = (
    r"(?:i|we|it|is|isn't|be|been|was|were|am|are|would|wouldn't|will|could|couldn't|can|can't"
    r"|do|does|may|might|should|i'd|i'm|i've|i'll|we'd|we'll|it'd|it's|that'd|if|whether|that|this"
    r"|great|nice|lovely|good|wonderful|awesome|kind|grateful|thankful|happy|glad|delighted"
    r"|appreciate|appreciated|appreciative|wonder|wondering|wondered|hope|hoping|think|believe"
    r"|guess|suppose|reckon|any|chance|possible|possibly|way|much|really|very|so|greatly|there"
    r"|ask|asking|request|want|need|like|love|wish|for|to|please|kindly|just|maybe|perhaps"
    r"|bother|trouble|sorry|but|me|us|somehow|require|expect|order|command|have|quite|all|best)"
)
# A wrapping of the kind "I was wondering whether you might ..."; then a verb must follow.
EMBEDDED = re.compile(
    rf"(?:{_ABOUT_ASKING}[\s,]+)*(?:you|u|ya)(?:'d|'ll)?\s+(?:{_MODAL}[\s,]+)*(?P<rest>\S.*)",
    re.IGNORECASE,
)
INFINITIVE = re.compile(
    rf"(?:{_ABOUT_ASKING}[\s,]+)+?(?<=to\s)(?:(?:please|just|go and|go|try to)\s+)*(?P<rest>\S.*)",
    re.IGNORECASE,
)
GERUND = re.compile(
    r"(?:.*\b)?(?:mind|appreciate you(?:r)?|(?:how|what) about(?: you)?|thanks for|thank you for"
    r"|fancy|try|start by|begin by)\s+(?P<rest>\w+ing\b.*)",
    re.IGNORECASE,
)
# Words and half sentences before a request; what follows must be one.
BEFORE_REQUEST = re.compile(
    r"(?:please|pls|plz|kindly|just|now|then|next|first|second|third|finally|lastly|afterwards"
    r"|also"
    r"|again|and|but|so|like|basically|maybe|perhaps|okay|ok|alright|all right|right|well|yo|hey"
    r"|hi|hello|oh|yes|yeah|yep|sure|great|good|perfect|fine|cool|nice|thanks|thank you|quick"
    r"|quickly|carefully|gently|slowly|hurry(?: up)?|immediately|simply|robot|buddy|mate|pal|dude"
    r"|man|bro|sir|friend|everyone|guys|listen(?: carefully| up)?|look|come on|come here"
    r"|go ahead(?: and)?|go(?: and)?|come(?: here| over)?(?: and)?|let's|let us|try to|try and"
    r"|remember to|do(?: not|n't) forget to|be sure to|make sure (?:to|you|that you)|feel free to"
    r"|help(?: me| us)?(?: to)?|do (?:me|us) an? \w+(?: \w+)?(?: and)?|be (?:a|an|so|nice|kind"
    r"|good"
    r"|careful)(?: \w+)?(?: and)|(?:do|be) \w+(?: \w+){0,3} and|this time|for now|after that"
    r"|i (?:think|guess|suppose|believe)|(?:sorry|excuse me)(?: to bother you)?(?: but)?"
    r"|at last|let me|looks like|it looks like|seems like|your (?:next )?(?:task|job|goal|mission)"
    r" is(?: to)?|time to|start to|get ready to|instead|what i (?:want|need) is)"
    r"[\s,:.!]+(?P<rest>\S.*)",
    re.IGNORECASE,
)
# The same before a noun phrase: shorter, for many of those words begin one.
_BEFORE_NOUN = (
    r"(?:hey|hi|hello|okay|ok|alright|well|so|now|then|and|but|also|yes|yeah|thanks(?! a lot)|oh"
    r"|kindly|basically|please|maybe|perhaps|just(?! left| right)|first(?! (?:two|three|four"
    r"|second|and)\b))"
)
_SUBORDINATE = r"(?:if|when|whenever|once|before|after|as soon as|while|unless|since|now that)"
CONDITION = re.compile(rf"{_SUBORDINATE}\s+[^,]+,\s*(?P<rest>\S.*)", re.IGNORECASE)
LONG_CONDITION = re.compile(
    rf"{_SUBORDINATE}\s+(?:you|i|we|it|it's|you're|i'm|we're|possible|that)\b.*"
    r"|(?:instead of|rather than)\s.*",
    re.IGNORECASE,
)
INSTEAD_OF = re.compile(r"(?:instead of|rather than)\s+[^,]+,\s*(?P<rest>\S.*)", re.IGNORECASE)

COURTESY = (
    r"(?:hey|hi|hello|okay|ok|yo|dear|alright)\s+robot(?:[\s,:!]+(?P<rest>.*)|$)",
    r"robot[,:!](?P<rest>.*)",  # not "robot on the left"
    r"(?:hey|hi|hello|yo)\s+[A-Z]\w+\s*,\s*(?P<rest>.*)",
    r"(?:hey|hi|hello|okay|ok|alright|all right|well|so|now|good (?:morning|evening|day)"
    r"|excuse me|thanks|thank you|yes|yeah|yep|sure|listen|look|oh|hm|great|perfect|nice|cool|good"
    r"|hooray|fine)"
    r"(?:\s*[,:.!]+\s*(?P<rest>.*)|$)",
    rf"(?:{_BEFORE_NOUN}[\s,]+)+(?P<rest>(?:(?!next\b|one\b){DETERMINER}|{COLOR}|(?:left|right)"
    r"(?:most)?|middle|nearest|closest|farthest|furthest|other|last|biggest|largest|smallest"
    r"|tallest|bigger|larger|smaller|something|anything|everything|\[semantic\])(?![\w-]).*)",
    r"right\s*[,.!]+\s*(?P<rest>.+)",
    r"(?:please|pls|plz)(?:[\s,:]+(?P<rest>.*)|$)",
    r"(?:can|could|will|would) you",
    r"(?:would it be (?:possible|ok|okay) to|i(?:'m| am| was) wondering if you could"
    r"|i (?:think|guess|suppose)(?=\s+(?:i|we|the)\b))" + REST,
    r"(?:if you (?:can|could|would|please)|if possible|if you don't mind|when you (?:can|get a"
    r" chance)|whenever you(?:'re| are) ready)[\s,]+(?P<rest>.*)",
    r"(?P<rest>.*?)[\s,]*\b(?:if you (?:can|could|would|please|don't mind|have (?:time|a (?:moment"
    r"|minute|second)))|if (?:possible|it's not too much (?:trouble|to ask)|that's (?:okay|ok"
    r"|alright|possible))|when(?:ever)? you (?:can|get a chance|have (?:a (?:moment|minute|second"
    r"|chance)|time)|are ready|'re ready)|would you mind|if you (?:would|could) be so kind"
    r"|please and thank you|(?:that|it)(?:'d| would) be (?:great|nice|lovely|helpful|perfect)"
    r"|i (?:think|guess|suppose|believe)|or (?:something|whatever)|as soon as you can)",
    r"(?P<rest>.*?)\s*[,.!?]+\s*(?:please|pls|plz|thanks|thank you|cheers|robot|okay|ok|alright"
    r"|now|again|quickly|hurry(?: up)?|will (?:you|ya)|would you|can you|could you|you know|buddy"
    r"|mate|pal|dude|man|sir|yeah|it's urgent|i beg you|thank you so much|be careful|quick"
    r"|carefully)",
    # "the person asking please", "the card with thanks": there these words are what is meant.
    r"(?P<rest>(?:.*\s)?(?!(?:asking|ask|asks|begging|begs|saying|say|says|said|reads?|reading"
    r"|words?|labell?ed|marked|written|called|named|with|a|an|the|of|for|spells?"
    r"|typed|typing|prints?|printed|and|or|big|small|yelling|shouting|means?|meaning|to)\s)\S+)"
    r"\s+(?:please(?: robot)?|pls|plz|thanks(?: a lot| a million| in advance)?"
    r"|thank you(?: very much| so much)?)",
    r"(?P<rest>.*?)(?<!\bthe)(?<!\bfar)(?<!\btop)(?<!\bbottom)(?<!\bon)[\s,]+right (?:now|away)",
    r"(?P<rest>.*?)[\s,]+(?:as soon as possible|asap|real quick)",
    r"(?:please|pls|thanks|thank you)(?: very much| so much| a lot)?",
    r"(?P<rest>(?:the|an?)\s.+?)\s+(?:is|are) what (?:i|we) (?:want|need|meant?)",
)
# What may follow a request, and would be part of a referring expression elsewhere.
REQUEST_ENDS = (
    rf"(?P<rest>.+?)[\s,]+for {PERSON}",
    r"(?P<rest>.+?)[\s,]+(?:will|would|can|could) you",
    r"(?P<rest>.+?)[\s,]+(?:now|again|quickly|carefully|immediately|(?:over )?(?:here|there)"
    r"|somewhere|anywhere|around here|nearby|lying around|at the moment|next|left over|too"
    r"|as well|anymore|any more)",
    r"(?P<rest>.+?)(?<!close)(?<!closest)(?<!near)(?<!nearest)(?<!next)(?: over)? to (?:me|us)",
)
_KNOWING = r"(?:see|seen|know|have|got|spot|notice|noticed|find|found|own)"
_KEEPING = r"(?:leave|put|place|store|keep|hide|drop|see|lose|find|stash|left|last see)"
_WISHING = (
    r"(?:want(?:ed)?|need(?:ed)?|like|love|require|prefer|wish for|am after|could (?:use|do with)"
    r"|take|have|meant?|said|lost|dropped|misplaced|forgot|miss|am missing|(?:can't|cannot"
    r"|can not|couldn't|don't|do not) (?:find|see|reach|spot)|choose|pick|request)"
)
STATEMENTS = (
    rf"(?:i|we)(?:'d| would|'ll| will|'m going to|'re going to| am going to| are going to|'m gonna"
    rf"|'re gonna)?(?: really| just| also| still| think i| actually)* {_WISHING}(?: to (?:see|have"
    r"|get|find|pick up|grab|use))?" + REST,
    r"(?:i|we)(?:'m|'re| am| are)? (?:looking for|searching for|after|missing)" + REST,
    r"(?:can|could|may|might) (?:i|we) (?:please |maybe |just )*(?:have|see|get|use|borrow|take"
    r"|trouble you for|ask (?:you )?for|bother you for)" + REST,
    r"(?:let me|let us|let's|lemme) (?:see|have|get|take|use)" + REST,
    r"(?:your|the|my) (?:target|goal|task|job|mission) is(?: to)?" + REST,
    r"(?:the|your|my) next (?:thing|one|item|object|target)(?: i (?:want|need))? is" + REST,
    r"(?:what|the (?:thing|one|object|item)) (?:i|we)(?:'m| am|'re)? (?:want|need|meant?|mean"
    r"|looking for|after) is" + REST,
    r"(?:object|target|find|query|prompt|goal|expression|text|item)\s*:\s*(?P<rest>.+)",
    r"gimme" + REST,
    r"tell me (?:when you see|if you (?:can )?see|if there(?:'s| is| are))" + REST,
    rf"(?:tell|show) {PERSON}(?: again)?(?= (?:where|which|what|who|how many)\b)" + REST,
    r"where (?:(?:can|could|do|might|should) (?:i|we|you)|(?:i|we|you) (?:can|could|might))"
    rf" (?:find|get|{_KEEPING}|see|spot)" + REST,
    r"where (?:you|i|we) (?:see|saw|left|put|keep)" + REST,
    rf"where (?:did|do|does|have|has) (?:i|you|we|he|she|they|somebody|someone) {_KEEPING}" + REST,
    rf"pick-?up{DETERMINED}",
    r"where (?:did|has|have) (?P<rest>.+) (?:go|gone|end up|been)",
    r"where(?:'?s| is| are|'re) (?P<rest>.+) at",
    r"where (?:on earth|exactly|the hell|in the world|the heck)" + r"\s+(?P<rest>(?:is|are)\b.*)",
    r"where(?:'?s| is| are|'re| was| were)" + REST,
    r"(?:me |us )?where (?P<rest>.+) (?:is|are|went|has gone)",
    r"(?:which one|which|what|who)(?:'?s| is| are)" + DETERMINED,
    r"(?:what|how) about" + REST,
    rf"(?:do|did|can|could|have|does|has) (?:you|we|they|i|anyone|anybody|someone|somebody|he|she)"
    rf"(?: still| already| maybe| ever)? {_KNOWING}" + REST,
    r"(?:can|could) you (?:see|tell)(?: (?:me|us))?" + REST,
    r"(?:is|are|was|were) there(?: still| also)?(?P<rest>\s(?:\S+).*)",
    r"how (?:many|much)\s+(?P<rest>.+?)\s+(?:are there|is there|do (?:you|we|i) (?:see|have)"
    r"|can (?:you|we|i) (?:see|find)|are left|do they have)(?:\s.*)?",
    r"how (?:many|much)\s+(?P<rest>.+?)\s+(?:are|is)(?P<place>\s.+)",
    r"(?:got|any sign of|count|spotted|see|notice|there(?:'s| is| are)|help(?: me| us)? with"
    r"|this is|here(?:'s| is))" + DETERMINED,
    r"(?:check|make sure|see|verify|confirm|ensure|tell me|find out)(?: (?:if|whether|that))?"
    r"(?: there(?:'s| is| are))?\s+(?P<rest>(?:(?:the|an?|my|any|all|that|this|some|our|your)\s)"
    r".+?)\s+(?:is|are|has|have|was|were)\b.*",
    r"(?:check|see|find out|tell me) (?:if|whether) there(?:'s| is| are)" + REST,
    r"(?:is|are)\s+(?P<rest>(?:the|that|this|those|these|my|your|our)\b.+?)\s+(?:still |already"
    r" |now |all )*(?:here|there|visible|gone|ready|done|available|left|on|off|open|closed|empty"
    r"|full|hot|cold|clean|dirty|finished|broken|free|back|safe|reachable|working)",
    r"(?:is|are)\s+(?P<rest>(?:the|that|this|those|these|my|your|our)\b.+)",
)
STILL = re.compile(r"\s(?:still|already|currently)(?=\s)", re.IGNORECASE)

# What is said to a robot and asks for nothing.
_WAYS = (
    r"(?:left|right|up|down|forwards?|back|backwards?|ahead|straight|around|home|here|there|away"
    r"|out|in|closer|further|farther|over|on|slowly|faster|slower|a (?:bit|little)|more|again"
    r"|to the (?:left|right|front|back|side)|to your (?:left|right)|now|quickly|ninety|\d+"
    r"|degrees|(?:an?|one|two|three|half an?|\d+) (?:met(?:er|re)s?|steps?|cm|inch(?:es)?|feet))"
)
CHATTER = (
    r"(?:go|drive|turn|move|walk|come|step|back|look|rotate|spin|roll|fly|head|run|return|reverse"
    rf"|lean)(?:[\s,]+{_WAYS})+",
    r"(?:\w+ )?(?:help|wave|dance|jump|smile|nod|sing|start|continue|resume|proceed|begin|repeat"
    r"(?: that)?|try again|again|go|sleep|wake up|go to sleep|reset|reboot|restart|speed up"
    r"|slow down|hurry(?: up)?|faster|slower|calibrate|say \w+|shut up|be quiet|good luck"
    r"|take it easy|give me a hand|clap|charge)",
    r"\w+ (?:yourself|yourselves)\b.*",
    r"(?:me|us|you|i|we|myself|yourself|him|her)",
    r"(?:yes|yeah|yep|no|nope|okay|ok|hello|hi|hey|thanks|thank you(?: very much| so much)?|cheers"
    r"|sorry|well|and|then|good (?:job|morning|evening|night|boy|robot|work|girl|afternoon|one)"
    r"|well done|great|perfect|nice|goodbye|bye|test(?:ing)?|nice one|awesome|excellent|cool"
    r"|nicely done|amazing|thanks for \w+ing.*|you're welcome|no problem|my bad|never"
    r"|that(?:'s| is)(?: the)? (?:wrong|right|it|correct|not it|not right|good|all|great|fine"
    r"|perfect|okay|ok|nice)(?: one)?|(?:no )?thanks|congratulations|what|why|how|who|when|where"
    r"|wrong one|(?:pick|put|look|search|show|give|hand|pass|point|where|go)"
    r"(?: me| us| up| out| for| at| to| over| is| are)*)(?: robot| buddy| everyone)?",
    r"(?:are|is) (?:you|it|this|that|there)(?: \w+)?(?: (?:there|ready|okay|ok|on|working))?",
    r"(?:how|who|what|when|why)(?:'s| is| are|'re) (?:you|your|everything|up|going on"
    r"|new|the (?:time|weather|date|day|temperature|matter|problem|point|capital|meaning))\b.*",
    r"(?:how|who|what|when|why)(?:'s| is| are|'re) (?:it|that|this)",
    r"who (?:made|built|created|programmed|designed|do you|did you|does)\b.*",
    r"what (?:time|day|date|year|happened|can|do|did|does|should|will|would|have you|were"
    r"|kind)\b.*",
    r"(?:how|why|when) (?:do|does|did|can|could|would|will|come|old|long|far|fast|tall|about you"
    r"|heavy|big|was|were|come|much is|much does|much do)\b.*",
    r"(?:can|do|did|could|will|would|are) you (?:hear|speak|understand|talk|dance|sing|think|like"
    r"|love|feel|work|listening|there|okay|ready|sure|alive|real|human|help me|hungry"
    r"|tired|remember|listen)\b.*",
    r"(?:tell|sing|say|talk|speak|play|read)\b(?: (?:me|us|to me|to us))?(?: (?:a|an|some"
    r"|something"
    r"|about|the (?:time|weather|news|truth|story))\b.*|)",
    r"i(?:'m| am) (?!looking|searching|after|missing|gonna|going)\w+(?: \w+)?",
    r"i (?:love|hate|like|miss|trust|thank|hear|see) (?:you|it|that|this)\b.*",
    r"(?:that|this|it)(?:'s| is| was| looks| sounds| seems| works?| worked) (?:so |very |really "
    r"|not"
    r" |quite |too |a )*(?:great|good|nice|bad|fun|funny|cool|awesome|amazing|fine|okay|ok|wrong"
    r"|right|correct|perfect|hot|cold|late|early|time|pity|shame|mistake|boring|enough|easy|hard"
    r"|better|raining|sunny|lovely|wonderful|impressive|true|me|terrible|stupid)\b.*",
    r"(?:nice|good|great|pleased|glad|happy) (?:to (?:meet|see|hear)|weather|luck|day|evening"
    r"|night"
    r"|afternoon|idea|question|point|birthday|work|job|catch|boy|girl|robot)\b.*",
    r"(?:see|talk to) you\b.*",
)
PRONOUN = (
    r"(?:it|them|that|this|these|those|that one|this one|the same(?: (?:one|thing))?|him|her"
    r"|the thing again)"
    r"(?:\s+(?:up|over|down|off|out|away|back|here|there|again|now|too|once|inside|open|shut"
    r"|closed|upright|around|round|aside|carefully|gently|slowly|quickly|first|please|instead"
    r"|upside|forward|apart|together|clean|right|left|yourself|properly|all|please|for|to|from"
    r"|in|into|on|onto|next|under|behind|beside|near|over|with|by|at|between|above|as|before|after"
    r"|until|so|because|using|clockwise|anticlockwise|counterclockwise|ninety|\d+|a)\b.*)?"
)

# Where a clause may end, and how the next one then begins if the first words were withdrawn.
_AFTER_A_MISTAKE = (
    r"(?:no,? wait|wait,? no|no,? sorry|sorry,? no|i mean|i meant|or rather|scratch that|actually"
    r"|oh no|oops|make (?:that|it)|or no)"
)
SEPARATOR = re.compile(
    r"(?:\s*(?P<mark>[,;.!?\u2026\u2013\u2014]+)\s+(?:(?:and|but)\s+)?|\s+(?P<joined>and|but)\s+)"
    r"(?P<then>(?:then|also|finally|lastly|next|after that|afterwards|after this|later)[\s,]+)?"
    r"|\s+(?P<alone>then|after that|and then)\s+"
    rf"|\s+(?={_AFTER_A_MISTAKE}\b|no not\b|never ?mind\b|forget it\b"
    rf"|(?:no|sorry|wait)\s+{DETERMINER}\s)"
    rf"|(?<=\bone)\s+(?={DETERMINER}\b)",
    re.IGNORECASE,
)
REPAIR = re.compile(
    rf"{_AFTER_A_MISTAKE}\b"
    r"|(?:no|nope|nah|sorry|oops|wait|rather|correction|wrong|or,? no)"
    r"(?:\s*[,.!]|\s+(?:the|that|this|my|not|i|make)\b)",
    re.IGNORECASE,
)
CORRECTIONS = (
    r"(?:no|nope|nah|wait|sorry|oops|whoops|actually|rather|correction|hang on|wrong(?: one)?"
    r"|incorrect|not quite|or|no that's wrong|that's wrong|my bad|my mistake|apologies)"
    r"\s*[,.!]+\s*(?P<rest>.+)",
    r"(?:no|nope|nah|wait|sorry|oops|actually|rather|correction|hang on|wrong)\s+"
    r"(?P<rest>(?:the|that|this|those|these|my|not|wait|no|sorry|i|actually|stop|cancel|make"
    r"|never ?mind|on the|in the|find|take|grab|get|pick up|try)\b.*)",
    r"(?:it's|it is)\s+(?P<rest>(?:the|that)\b.*)",
    r"or\s+(?P<rest>(?:no|rather|actually|make)\b.*)",
    r"(?:i mean|i meant|i said|i (?:actually )?wanted|make (?:that|it)|scratch that|or rather"
    r"|try(?= (?:the|that|another|my)\b))\s*,?\s+(?P<rest>.+)",
    r"(?P<rest>(?:the|that|my)\s.+?),?\s+i (?:mean|meant)",
    r"the same(?: one| thing)?,? (?:but|only|just)(?: (?:in|the|an?))? (?P<rest>\w+(?: one)?)",
    r"(?:yes|yeah|yep)\s+(?P<rest>(?:that|this)(?: one)?)",
)
INSTEAD = r"(?P<rest>.+?),?\s+(?:instead(?: of\b.*)?|rather than\s+(?:the|that)\b.*)"
FOLLOWS = re.compile(r"(?:and|also|now|then|so|but)\b|(?:(?:what|how) about)\b", re.IGNORECASE)


def compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Make a table of patterns that match whole clauses, whatever their case."""
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
