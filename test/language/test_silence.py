"""Text that speech recognisers write when nobody speaks."""

import pytest

from evf_sam_ros.language.sentence import parse_command
from evf_sam_ros.language.silence import is_silence

WRITTEN_INTO_SILENCE = [
    "[BLANK_AUDIO]",
    "[ Silence ]",
    "(music)",
    "(upbeat music playing)",
    "*coughs*",
    "\u266a\u266a\u266a",
    "\u266a la la la \u266a",
    "<unk>",
    "you",
    "You.",
    "the",
    "huh",
    "the the the",
    "Thank you.",
    "Thanks for watching!",
    "Thank you for watching, see you next time.",
    "Please like and subscribe.",
    "Don't forget to subscribe to my channel!",
    "See you in the next video.",
    "Bye-bye.",
    "Bye. Bye.",
    "Subtitles by the Amara.org community",
    "Transcription by CastingWords",
    "Translated by Releska",
    "www.mooji.org",
    "\u00a9 BF-WATCH TV 2021",
    "Untertitel im Auftrag des ZDF f\u00fcr funk, 2017",
    "Vielen Dank.",
    "Sous-titres r\u00e9alis\u00e9s para la communaut\u00e9 d'Amara.org",
    "Merci d'avoir regard\u00e9 cette vid\u00e9o !",
    "Subt\u00edtulos realizados por la comunidad de Amara.org",
    "\u00a1Gracias por ver el video!",
    "Sottotitoli creati dalla comunit\u00e0 Amara.org",
    "\u3054\u8996\u8074\u3042\u308a\u304c\u3068\u3046\u3054\u3056\u3044\u307e\u3057\u305f",
    "\u5b57\u5e55by\u7d22\u5170\u5a05",
    "\u8bf7\u4e0d\u541d\u70b9\u8d5e \u8ba2\u9605 \u8f6c\u53d1",
    "\u0421\u0443\u0431\u0442\u0438\u0442\u0440\u044b "
    "\u0441\u0434\u0435\u043b\u0430\u043b DimaTorzok",
    "\u041f\u0440\u043e\u0434\u043e\u043b\u0436\u0435\u043d\u0438\u0435 "
    "\u0441\u043b\u0435\u0434\u0443\u0435\u0442...",
    "MBC \ub274\uc2a4 \uc774\ub355\uc601\uc785\ub2c8\ub2e4. "
    "\uc2dc\uccad\ud574\uc8fc\uc154\uc11c \uac10\uc0ac\ud569\ub2c8\ub2e4.",
]
MEANT = [
    "the red mug",
    "mug",
    "stop",
    "wait",
    "[semantic] mugs",
    "[mug] the red one",
    "the mug (the red one)",
    "the music box",
    "the bell on the left",
    "find the subscriber card",
    "\u7ea2\u8272\u7684\u676f\u5b50",
    "die rote Tasse",
    "la tasse rouge",
    "left",
    "right",
    "it",
    "tv",
]


@pytest.mark.parametrize("text", WRITTEN_INTO_SILENCE)
def test_what_is_written_into_silence_is_rejected_as_such(text):
    command = parse_command(text, "the red mug")
    assert command.kind == "rejected"
    assert command.silent


@pytest.mark.parametrize("text", MEANT)
def test_what_somebody_says_is_no_silence(text):
    assert not is_silence(text)


def test_a_note_on_a_sound_beside_words_is_left_out():
    assert parse_command("[MUSIC] find the red mug (coughing)").expressions == ("the red mug",)
    assert parse_command("[semantic] mugs").expressions == ("[semantic] mugs",)
