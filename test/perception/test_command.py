"""What a robot is told, and what it should look for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evf_sam_ros.perception.command import Command, parse_command

REQUESTS = [
    ("pick up the red mug on the left, please", "the red mug on the left"),
    ("Pick up the red mug, please.", "the red mug"),
    ("pick the red mug up", "the red mug"),
    ("pick out all the boxes", "all the boxes"),
    ("Could you pick up the red mug?", "the red mug"),
    ("could you grab me the bottle next to the bowl?", "the bottle next to the bowl"),
    ("can you please hand me the blue bowl", "the blue bowl"),
    ("Would you mind passing me the green cup?", "the green cup"),
    ("would you please find the second box from the left", "the second box from the left"),
    ("would you be so kind as to bring me a bottle", "a bottle"),
    ("please, show me the largest ball!", "the largest ball"),
    ("please", None),
    ("robot, find the cone", "the cone"),
    ("Hey robot! Where is the yellow capsule?", "the yellow capsule"),
    ("ok robot: segment the boxes", "the boxes"),
    ("the red mug, robot", "the red mug"),
    ("segment the white bowl", "the white bowl"),
    ("segment red mug", "red mug"),
    ("segment", None),
    ("find the mug", "the mug"),
    ("Find.", None),
    ("find me something red", "something red"),
    ("where is the mug", "the mug"),
    ("where's the mug?", "the mug"),
    ("Where\u2019s the mug?", "the mug"),
    ("where are the blue mugs?", "the blue mugs"),
    ("where did the blue ball go?", "the blue ball"),
    ("can you tell me where the red cup is?", "the red cup"),
    ("do you know where the red cup is", "the red cup"),
    ("do you see the black bottle?", "the black bottle"),
    ("can you see the black bottle?", "the black bottle"),
    ("is there a purple cone?", "a purple cone"),
    ("are there any mugs?", "any mugs"),
    ("show me the thing behind the bottle", "the thing behind the bottle"),
    ("show the cone", "the cone"),
    ("give me the small box", "the small box"),
    ("give the small box to me", "the small box"),
    ("take the mug", "the mug"),
    ("take", None),
    ("bring me the bottle closest to me", "the bottle closest to me"),
    ("bring us the bottle", "the bottle"),
    ("what about the blue one?", "the blue one"),
    ("how about the middle one?", "the middle one"),
    ("and the green one?", "the green one"),
    ("now the green one", "the green one"),
    ("no, the other one", "the other one"),
    ("which one is the tallest bottle?", "the tallest bottle"),
    ("what is the red thing?", "the red thing"),
    ("I want the red ball", "the red ball"),
    ("i'd like the red ball, thank you", "the red ball"),
    ("I need you to get the red ball", "the red ball"),
    ("I would like you to pick up the red ball now", "the red ball"),
    ("I'm looking for the orange box", "the orange box"),
    ("I said the orange box", "the orange box"),
    ("let's find the orange box", "the orange box"),
    ("go get the orange box", "the orange box"),
    ("look for the cylinder", "the cylinder"),
    ("look at the cylinder in the middle", "the cylinder in the middle"),
    ("search for a cup", "a cup"),
    ("point to the cup", "the cup"),
    ("point at the cup", "the cup"),
    ("grasp the cup", "the cup"),
    ("fetch the cup for me, please", "the cup"),
    ("get the cup right away", "the cup"),
    ("get the cup on the right now", "the cup on the right"),
    ("grab the cup, would you?", "the cup"),
    ("highlight the cup if you can", "the cup"),
    ("select the cup, thanks", "the cup"),
    ("mask the cup", "the cup"),
    ("touch the cup", "the cup"),
    ("locate   the\tcup \n", "the cup"),
    ('find "the red mug"', "the red mug"),
    ("Um, well, pick up, uh, the mug", "the mug"),
    ("could you just pick up the mug for me, please, robot?", "the mug"),
]
EXPRESSIONS = [
    "the red mug",
    "red mug",
    "zebra top left",
    "the can on the left",
    "can next to the box",
    "the hand on the left",
    "hand of the woman",
    "mask on the wall",
    "segment of the orange",
    "the pick-up truck",
    "pick-up truck on the right",
    "stop sign",
    "the stop sign behind the car",
    "the mug nearest to me",
    "box closest to the camera",
    "the bowl on the right",
    "the thing that is not red",
    "find-the-lady card",
    "pointer on the table",
    "grabber",
    "robot",
    "robot next to the mug",
    "the robot on the left",
    "touch screen",
    "the look-alike",
    "what is behind the mug",
    "man in white with a hat, third from the left",
    "[semantic] mugs",
    "The Red Mug",
    "all the boxes",
    "the 2 mugs in the back",
    "die rote Tasse",
    "红色的杯子",
]
CANCELLATIONS = [
    "stop",
    "Stop!",
    "stop, please",
    "please stop",
    "robot, stop",
    "stop now",
    "stop right now",
    "stop it",
    "could you stop that",
    "cancel",
    "cancel that",
    "Cancel the command.",
    "halt",
    "abort",
    "never mind",
    "nevermind",
    "forget it",
    "stop looking for the red mug",
    "that's enough",
]


@pytest.mark.parametrize(
    ("sentence", "expression"), [case for case in REQUESTS if case[1] is not None]
)
def test_a_request_is_peeled_down_to_the_words_that_name_the_object(sentence, expression):
    assert parse_command(sentence) == Command("find", expression)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_referring_expression_is_left_alone(expression):
    assert parse_command(expression) == Command("find", expression)


@pytest.mark.parametrize("sentence", CANCELLATIONS)
def test_stopping_is_recognised(sentence):
    assert parse_command(sentence) == Command("cancel", "")


@pytest.mark.parametrize("sentence", ["", "  ", "\n", "?!", '""', "..."])
def test_an_empty_command_is_refused_with_an_example(sentence):
    with pytest.raises(ValueError, match=r'is empty; say for example "the red mug"'):
        parse_command(sentence)


@pytest.mark.parametrize(
    "sentence",
    [case[0] for case in REQUESTS if case[1] is None]
    + ["could you please", "pick up", "show me", "where is", "hey robot, find"],
)
def test_a_request_for_nothing_is_refused(sentence):
    with pytest.raises(ValueError, match="names no object"):
        parse_command(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["don't pick up the red mug", "Do not take the knife!", "please don\u2019t touch the cup"],
)
def test_a_negated_command_is_refused_rather_than_turned_around(sentence):
    with pytest.raises(ValueError, match="says what not to do"):
        parse_command(sentence)


def test_a_very_long_sentence_is_refused_and_quoted_in_part_only():
    with pytest.raises(ValueError, match=r"^.{1,100} has 10004 characters; at most 500 are read$"):
        parse_command("find" + " x" * 5_000)


@given(st.text(max_size=80))
def test_any_text_gives_a_command_or_a_sentence_and_parsing_twice_changes_nothing(sentence):
    try:
        command = parse_command(sentence)
    except ValueError:
        return
    if command.kind == "find":
        assert parse_command(command.expression) == command
