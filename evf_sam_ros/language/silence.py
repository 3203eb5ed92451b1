"""Phrases that speech recognisers invent during silence; they are never treated as commands."""

import re
import unicodedata

from evf_sam_ros.language.word_classes import word_set

# Notes on sounds, in brackets, asterisks or between notes of music: "[BLANK_AUDIO]", "(music)".
_NOTE = re.compile(
    r"[\[(<{*\u266a\u266b\u3010\u300a\uff08][^\])>}*\u266a\u266b\u3011\u300b\uff09]*"
    r"[\])>}*\u266a\u266b\u3011\u300b\uff09]"
)
_MEANT = re.compile(r"\[semantic\]", re.IGNORECASE)
_SOUND = re.compile(
    r"(?:\b|_)(?:blank|audio|music|silence|silent|applau\w*|laugh\w*|noise\w*|inaudible"
    r"|unintelligible"
    r"|cough\w*|sigh\w*|sneez\w*|breath\w*|typing|click\w*|beep\w*|sound\w*|speaking|speech"
    r"|foreign|crosstalk|chatter|static|wind|footsteps?|door|phone|ring\w*|sniff\w*|groan\w*"
    r"|cheer\w*|clap\w*|scream\w*|buzz\w*|hum\w*|engine|gasp\w*|whistl\w*|bell|bang\w*|thud"
    r"|knock\w*"
    r"|pause|no|end|start|background|indistinct|singing|throat|mumbl\w*|crackl\w*|water|rain"
    r"|birds?"
    r"|barking|dog|crying|playing|whoosh|swoosh|rustl\w*|snor\w*|yawn\w*|unk|eos|nospeech"
    r"|musik|musique|m\u00fasica|musica|applaus|rires|applaudissements|silencio|risas|aplausos)",
    re.IGNORECASE,
)
# Single words and exclamations that recognisers fall back on; nobody asks for an object by them.
_EMPTY_WORDS = word_set(
    """
    you the huh a an and i oh so uh um hm hmm mm mhm mmhm ah eh er but or of to in on is
    he she we they yeah yep yup yes no nah okay ok well like just what who how why hey hi
    bye goodbye thanks thank please wow ooh aw aww ha haha hah heh ugh ow whoo woo yay shh psst tsk
    boom bang beep ding la da na me my be do go at as if for with not now then here there his her
    uhhuh ahem sigh mhmm oops whoosh hello amen peace cheers i'm it's that's you're
    """
)
# By what they contain, whatever stands around it.
_CREDITS = re.compile(
    r"amara\s*\.?\s*org|www\.\S+|https?:|\.com\b|\.org\b|\.tv\b|copyright|\u00a9"
    r"|(?:subtitle|caption|transcri(?:pt|b)\w*|translat\w*|closed caption\w*|timing|sync\w*)s?\b"
    r".{0,20}\b(?:by|from|provided|community|service)\b|subtitles?$|captions?$"
    r"|untertitel|untertitelung|sous-?titr\w+|subt[i\u00ed]tul\w+|sottotitol\w+|legenda\w* "
    r"|ondertitel\w*"
    r"|napisy|titulky|titlovi|altyaz|undertext\w*|tekstitys"
    r"|\u0441\u0443\u0431\u0442\u0438\u0442\u0440"
    r"|\u0440\u0435\u0434\u0430\u043a\u0442\u043e\u0440|\u5b57\u5e55|\uc790\ub9c9"
    r"|\u062a\u0631\u062c\u0645\u0629"
    r"|\u05db\u05ea\u05d5\u05d1\u05d9\u05d5\u05ea|feliratok|amara",
    re.IGNORECASE,
)
_GOODBYES = re.compile(
    r"(?:(?:okay|ok|so|and|all right|alright|well|please|hi|oh|yeah),?\s+)*"
    r"(?:(?:thank(?:s| you)(?: all| guys| everyone)?(?: so| very)?(?: much)?(?: a lot)?"
    r"(?: for (?:watching|listening|viewing|joining|tuning in|your (?:attention|time"
    r"|support))\b.*)?)"
    r"|(?:please |don'?t forget to |remember to |make sure to )*(?:like(?:,? (?:and|comment"
    r"|share)\b.*)?"
    r"|subscribe\b.*|hit (?:the|that) (?:like|bell|subscribe)\b.*|(?:leave|write) a comment\b.*"
    r"|share this video\b.*|click the bell\b.*)"
    r"|(?:i(?:'ll| will)? |we(?:'ll| will)? )*see (?:you|ya)(?: all| guys| later| soon| again"
    r"| next"
    r"(?: time| video| week| one)?| in (?:the|my) next\b.*| tomorrow| around| there)*"
    r"|(?:good ?)?bye(?:[\s,-]+bye)*(?: for now| everyone| guys)?|good ?night|take care"
    r"|have a (?:nice|good|great) (?:day|one|night|evening|weekend)"
    r"|i(?:'m| am) (?:sorry|going to go|not sure|done)|the end|to be continued|end of (?:video"
    r"|part)\b.*"
    r"|god bless you\b.*|i love you|let'?s go|oh my god|oh god|oh no|uh[- ]?oh|uh[- ]?huh"
    r"|mm[- ]?hmm?"
    r"|that'?s (?:it|all)|all right|of course|you know|i don'?t know|i think so|yes sir|my god"
    r"|(?:hello|hi|welcome)(?: back)?(?: everyone| everybody| guys| to (?:my|the|our) \w+)?"
    r"|it'?s (?:okay|ok)|and so on|what(?: the)?|so|silence|music|applause|laughter|foreign"
    r"|blank)",
    re.IGNORECASE,
)
# The same in other languages, without punctuation and in lower case.
_FOREIGN = re.compile(
    r"\u3054\u89d6\u8074|\u3054\u8996\u8074|\u3042\u308a\u304c\u3068\u3046"
    r"|\u304a\u3084\u3059\u307f"
    r"|\u30c1\u30e3\u30f3\u30cd\u30eb\u767b\u9332|\u8c22\u8c22|\u8b1d\u8b1d|\u8bf7\u4e0d\u541d"
    r"|\u8acb\u4e0d\u541d"
    r"|\u8ba2\u9605|\u8a02\u95b1|\u70b9\u8d5e|\u6253\u8d4f|\u660e\u955c|\uc2dc\uccad"
    r"|\uac10\uc0ac\ud569\ub2c8\ub2e4|\uad6c\ub3c5"
    r"|\u0441\u043f\u0430\u0441\u0438\u0431\u043e"
    r"|\u043f\u0440\u043e\u0434\u043e\u043b\u0436\u0435\u043d\u0438\u0435"
    r" \u0441\u043b\u0435\u0434\u0443\u0435\u0442"
    r"|\u043f\u043e\u0434\u043f\u0438\u0441"
    r"|\u0434\u043e \u0432\u0441\u0442\u0440\u0435\u0447\u0438|\u0634\u0643\u0631\u0627"
    r"|^(?:vielen dank|danke)\b.*|^(?:bis zum n\u00e4chsten mal|tsch\u00fcss)\b.*|^merci\b.*"
    r"|^gracias\b.*"
    r"|^grazie\b.*|^obrigad[oa]\b.*|^au revoir\b.*|^hasta (?:la|luego|pronto)\b.*|^arrivederci\b.*"
    r"|^dzi\u0119kuj\u0119\b.*|^dank (?:je|u)\b.*|^bedankt\b.*|^te\u015fekk\u00fcr\w*\b.*"
    r"|^tack (?:f\u00f6r|s\u00e5)\b.*"
    r"|^takk for\b.*|^tak for\b.*|^kiitos\b.*|^\u0111\u0103ng k\u00fd\b.*"
    r"|^h\u1eb9n g\u1eb7p l\u1ea1i\b.*|^c\u1ea3m \u01a1n\b.*"
    r"|^terima kasih\b.*|^\u0e02\u0e2d\u0e1a\u0e04\u0e38\u0e13.*"
    r"|^\u03b5\u03c5\u03c7\u03b1\u03c1\u03b9\u03c3\u03c4\u03ce\b.*"
    r"|^\u4f5c\u8bcd|^\u4f5c\u66f2|^copyright\b|^zdf\b.*|^swr\b.*|^wdr\b.*|^ard\b.*|^\u8a5e\u66f2",
    re.IGNORECASE,
)


def is_silence(text: str) -> bool:
    """Tell whether a text is what recognisers such as Whisper and Vosk write into silence."""
    notes = _NOTE.sub(" ", text)
    if _NOTE.search(text) and not any(each.isalnum() for each in notes):
        return not _MEANT.search(text)
    words = _words(without_notes(text))
    if not words:
        return any(unicodedata.category(each) == "So" for each in text)
    if len(words) > 1 and len(set(words)) == 1 and words[0] in _EMPTY_WORDS - {"no"}:
        return True
    plain = " ".join(words)
    if len(words) == 1 and plain in _EMPTY_WORDS:
        return True
    return any(rule.search(text) or rule.search(plain) for rule in (_CREDITS, _FOREIGN)) or (
        _GOODBYES.fullmatch(plain) is not None
    )


def without_notes(text: str) -> str:
    """Remove notes on sounds; other brackets may belong to an expression."""
    return _NOTE.sub(lambda note: " " if _is_sound(note[0]) else note[0], text)


def _is_sound(note: str) -> bool:
    if _MEANT.fullmatch(note):
        return False
    return note[0] in "\u266a\u266b*" or (len(note.split()) < 5 and bool(_SOUND.search(note)))


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.lower().replace("\u2019", "'"))
