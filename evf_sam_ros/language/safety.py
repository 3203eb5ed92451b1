"""Words that end a search: stopping, waiting and prohibitions; they never name an object."""

import re

from evf_sam_ros.language.imperatives import imperative
from evf_sam_ros.language.word_classes import COLOR, DETERMINER

_MOMENT = r"(?:an?|one|just a|just one|another)? ?(?:moment|minute|min|second|sec|bit|while|tick)"
_MACHINE = (
    r"(?:command|search|task|request|order|robot|mission|job|tracking|motion|movement|arm|gripper"
    r"|hand|operation|machine|motors?|program|programme|process|action|thing|engine|vehicle"
    r"|system)"
)
_BEHIND = (
    r"(?:[\s,]+(?:it|that|this|there|here|everything|anything|all|moving|now|immediately|please"
    rf"|at once|right (?:now|there|here|away)|motion|motions|movement|already|instantly|dead"
    rf"|for {_MOMENT}|{_MOMENT}|then|everybody|robot|still|up|for now|for me|on me|the presses"
    rf"|(?:the |my |your |this |that |last |previous |all |current )*{_MACHINE}|what you(?:'re"
    rf"| are)"
    r" doing|everything you(?:'re| are) doing|right where you are|where you are|again|thanks"
    r"|thank you|ok|okay|emergency|quickly|fast|any ?more|doing (?:that|it|this)))*"
)
_HALT = (
    r"(?:stop|halt|freeze|abort|cancel|quit|pause|cease|desist|stopp|whoa|woah|e-?stop|emergency"
    r"(?:[- ](?:stop|halt|off|shut ?down|brake|stopp))?|stop emergency|brake|stand (?:down|still"
    r"|by)"
    r"|hold (?:on|it|up|still|everything|(?:your |that )?position|that thought|your horses)"
    r"|hang on|hold|wait(?: up)?|shut ?(?:it |yourself )?(?:down|off)"
    r"|(?:power|turn|switch) (?:yourself |it all |everything )?(?:down|off)|stay|sit tight"
    r"|back (?:off|away|up)|step back|get (?:back|away)|let (?:it |that |them |me )?go"
    r"|release(?: it)?"
    r"|hands off|knock it off|cut it out|give it a rest|call it (?:off|a day)|stand back"
    r"|keep still|don't|do not|never ?mind|forget it|enough|no more|that(?:'s| is| will be) enough"
    r"|that(?:'ll| will) (?:do|be all)|that's all|easy|danger|panic|red alert|mayday|at ease|relax"
    r"|watch out|look out|(?:be )?careful|time ?out|interrupt|standby|kill switch|halt stop"
    r"|no stop"
    r"|leave it(?: alone| be)?|let it (?:be|go)|drop everything|terminate|disengage|undo"
    r"|(?:i(?:'ve)? )?changed my mind)"
)
_STOP = re.compile(rf"{_HALT}(?:[\s,.!-]+{_HALT})*{_BEHIND}", re.IGNORECASE)
# "stop moving your arm", "stop the robot"; but "stop sign", "stop button".
_STOP_DOING = re.compile(
    r"(?:stop|halt|abort|cancel|quit|cease|pause)\s+(?:(?:looking|searching|segmenting|tracking"
    r"|following|finding|what|doing)\b.*|(?!(?:ring|string|king|sling|spring|wing"
    r"|thing)\b)\w{2,}ing"
    rf"\b(?:\s+(?!sign|button|light)\S.*)?|(?:{DETERMINER}|everything|all)\b.*)",
    re.IGNORECASE,
)
_MISCELLANEOUS = re.compile(
    rf"(?:(?:just |give me |hold on |wait |hang on )*{_MOMENT}(?: please)?"
    r"|(?:stay|remain|stand|stop|wait|freeze|hold|keep) (?:put|back|away|there|here|still"
    r"|where you"
    r" are|exactly where you are|in place|right there|right here|calm|for me|your distance"
    r"|off|until\b.*|at a distance|quiet)"
    r"|(?:never ?mind|forget) (?:it|that|this|about (?:it|that)|what i (?:said|asked|told)\b.*"
    r"|(?:the |my )?(?:command|request|task)|everything|i said\b.*)"
    r"|that(?:'s| is) (?:quite )?enough(?: now| already| thanks)?|scratch that"
    r"|(?:you|we) (?:can|may|should|must|need to|have to|could) (?:please )?(?:stop|halt|quit|rest"
    r"|relax|pause|wait|cancel|abort)(?: (?:now|it|that|here|there|looking|searching|working))?"
    r"|(?:i|we)(?:'ve| have)? (?:changed my mind|(?:don't|do not|no longer) (?:want|need)"
    r" (?:it|that|this|them|anything)(?: any ?more| now)?)"
    r"|(?:do not|don'?t|never|no) (?:you )?(?:move|moving|do (?:it|that|anything|this)|budge"
    r"|continue"
    r"|go|proceed|start|act|stir|touch|come closer|come near(?:er)?|get closer"
    r"|go (?:any )?(?:further"
    r"|farther|closer|on|there|near)|take (?:another|one more) step|even think about it|dare"
    r"|bother|worry|drive|run|turn|reach|grab|pick(?: up)?)"
    r"(?: (?:it|that|this|them|anything|any of (?:them|that)|now|yet|please|any ?more|at all|any"
    r" (?:closer|further|farther)|an inch|a muscle|your (?:arm|hand|gripper)|up|there|forward|back"
    r"|me|us|everything))*"
    r"|(?:get|take|keep) (?:your|those|the) (?:hands?|grippers?|claws?|fingers) off(?: (?:it|that"
    r"|this|them|me|everything))?"
    r"|(?:forget|nevermind|never mind|cancel|forget about|abort) (?:the|that|my|this)\b.*"
    r"|(?:keep|stay|get|move|back|stand) (?:away|clear|off|back)(?: (?:from|of) (?:it|that|this|me"
    r"|us|them|there|here|everything))?"
    r"|hands off(?: (?:it|that|this|everything))?|let go(?: of (?:it|that|this|everything))?)",
    re.IGNORECASE,
)
_FORBIDS = re.compile(
    r"(?:please )?(?:(?:do not|don'?t|never|must ?n[o']t|you (?:must|should|may|can|shall|better"
    r"|are)"
    r"(?: not|n't| never)(?: to| allowed to)?|you'?d better not|no|avoid|not to|stop|refrain from"
    r"|i (?:do not|don't) want you to|let's not|under no circumstances)"
    r"\s+(?:ever |you dare |even |please |just |try to |you )*(?P<verb>\S.*))",
    re.IGNORECASE,
)
_AWAY_FROM = re.compile(
    r"(?:(?:keep|stay|get|move|back|stand) (?:your hands? )?(?:away|clear|off|back)(?: (?:from"
    r"|of))?"
    r"|hands off(?: of)?|let go of|(?:get|take|keep) (?:your|those) (?:hands?|grippers?"
    r"|fingers) off"
    r"(?: of)?|avoid|beware of|(?:be )?careful with|watch out for|mind)\s+"
    rf"(?P<rest>(?:{DETERMINER})\b.*)",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:leave|let)\s+(?P<rest>.+?)\s+(?:alone|be|where it is|there|as it is"
    r"|in peace|untouched|where (?:they|it) (?:are|is|stands?))",
    re.IGNORECASE,
)
_LEFT = re.compile(
    rf"leave\s+(?P<rest>(?:{DETERMINER})\s+(?:(?!(?:on|in|at|to|by|next|under|with|for|near|behind"
    r"|inside|beside)\b)\S+\s*)+)",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"(?:it's not|it is not|it isn't|that's not|that is not|that isn't"
    r"|i (?:did not|didn't|don't|do not) (?:say|mean|want|need|like))"
    rf"\s+(?P<rest>(?:the|that|this|an?|any)\s.+)"
    rf"|not (?P<wrong>(?:the|that|this|those|these) .+|{COLOR}|left|right|that|this)",
    re.IGNORECASE,
)
_ANYTHING = re.compile(
    r"(?:it|that|this|them|these|those|anything|everything|any of (?:it|them|that|those)|me|us"
    r"|that one|this one)?(?:\s+(?:up|down|yet|now|there|again|away|else|alone|at all))*",
    re.IGNORECASE,
)


def ends_all(clause: str) -> bool:
    """Tell whether a clause stops the robot, whatever it is doing."""
    if any(rule.fullmatch(clause) for rule in (_STOP, _STOP_DOING, _MISCELLANEOUS)):
        return True
    forbidden = prohibited(clause)
    return forbidden is not None and _ANYTHING.fullmatch(forbidden) is not None


def prohibited(clause: str) -> str | None:
    """Return the object that a clause prohibits; None if it prohibits nothing."""
    for rule in (_AWAY_FROM, _ALONE, _LEFT):
        if found := rule.fullmatch(clause):
            return str(found["rest"])
    found = _FORBIDS.fullmatch(clause)
    if found is None or re.match(r"(?:forget|hesitate) to\b", found["verb"], re.IGNORECASE):
        return None
    gerund = bool(re.match(r"(?:please )?(?:no|avoid|stop|refrain)\b", clause, re.IGNORECASE))
    forbidden = imperative(found["verb"], asked=not gerund, gerund=gerund)
    return None if forbidden is None else forbidden.object


def denied(clause: str) -> str | None:
    """Return the object that a clause denies: "not the red one"."""
    found = _DENIES.fullmatch(clause)
    return None if found is None else str(found["rest"] or found["wrong"])
