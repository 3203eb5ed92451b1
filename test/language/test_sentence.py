"""Sentences to a robot and the expressions in them; the sentences are in command_cases.yaml."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tabletop_sentences import sentences

from evf_sam_ros.language.sentence import ParsedCommand, parse_command

CASES = yaml.safe_load((Path(__file__).parent / "command_cases.yaml").read_text("utf-8"))
WRAPPINGS = [
    "{}",
    "{}, please",
    "find {}",
    "Pick up {}.",
    "could you grab {}, please?",
    "can you show me {}",
    "Hey robot! Where is {}?",
    "uh, I'm looking for {}",
    "would you mind handing me {} please",
    "take {}, would you",
    "give me {} now",
    "please segment {} for me",
]


def find(*expressions):
    return ParsedCommand("find", expressions)


def test_there_are_more_than_150_cases_and_none_twice():
    sentences = [
        (case, "")
        if isinstance(case, str)
        else (case[0], case[1] if kind == "corrections" else "")
        for kind, cases in CASES.items()
        for case in cases
    ]
    assert len(sentences) > 300
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize(("sentence", "expression"), CASES["requests"])
def test_a_request_is_peeled_down_to_the_words_that_name_the_object(sentence, expression):
    assert parse_command(sentence) == find(expression)


@pytest.mark.parametrize("expression", CASES["left_alone"])
def test_a_referring_expression_is_left_alone(expression):
    assert parse_command(expression) == find(expression)
    assert parse_command(expression, "the red mug") == find(expression)


@pytest.mark.parametrize(("sentence", "previous", "expression"), CASES["corrections"])
def test_a_correction_keeps_the_noun_of_what_it_corrects(sentence, previous, expression):
    assert parse_command(sentence, previous) == find(expression)


@pytest.mark.parametrize("case", CASES["several"], ids=lambda case: case[0])
def test_several_commands_in_one_sentence_keep_their_order(case):
    assert parse_command(case[0]) == find(*case[1:])


@pytest.mark.parametrize("sentence", CASES["cancellations"])
def test_stopping_is_recognised(sentence):
    assert parse_command(sentence) == ParsedCommand("cancel")


@pytest.mark.parametrize(("sentence", "reason"), CASES["rejected"])
def test_what_asks_for_nothing_is_rejected_with_the_reason(sentence, reason):
    command = parse_command(sentence)
    assert (command.kind, command.expressions, command.expression) == ("rejected", (), "")
    assert reason in command.reason
    assert sentence in command.reason


@pytest.mark.parametrize(
    ("sentence", "followed", "kind"),
    [
        ("don't touch the red mug", "the red mug on the left", "cancel"),
        ("don't touch the mug", "the red mug", "cancel"),
        ("leave the mug alone", "the red mug", "cancel"),
        ("keep away from the mug", "the mug", "cancel"),
        ("don't grab the red one", "the red mug", "cancel"),
        ("don't touch the red mug", ["the red mug", "the bowl"], "cancel"),
        ("don't touch the blue mug", "the red mug", "rejected"),
        ("don't touch the bowl", "the red mug", "rejected"),
        ("not the red one", "the red mug", "rejected"),
    ],
)
def test_a_prohibition_of_what_is_followed_ends_it(sentence, followed, kind):
    assert parse_command(sentence, followed).kind == kind


@pytest.mark.parametrize(
    ("sentence", "several"),
    [
        ("the red mug", (False,)),
        ("all the mugs", (True,)),
        ("find the mug and the two bowls", (False, True)),
        ("stop", ()),
    ],
)
def test_a_command_tells_of_each_expression_whether_it_means_several(sentence, several):
    assert parse_command(sentence).several == several


@pytest.mark.parametrize("sentence", ["", "  ", "\n", "?!", '""', "..."])
def test_an_empty_command_is_rejected_with_an_example(sentence):
    assert 'is empty; say for example "the red mug"' in parse_command(sentence).reason


def test_a_very_long_sentence_is_rejected_and_quoted_in_part_only():
    reason = parse_command("find" + " x" * 5_000).reason
    assert reason.endswith("has 10004 characters; at most 500 are read")
    assert len(reason) < 150


@pytest.fixture(scope="module")
def grammar_sentences():
    """Sentences of the default model's own grammar, over made-up tables."""
    return sentences(np.random.default_rng(7), 300)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_default_models_sentences_keep_their_words_in_every_request(
    grammar_sentences, wrapping
):
    assert len(grammar_sentences) > 200
    for expression in grammar_sentences:
        assert parse_command(wrapping.format(expression)) == find(expression)


@given(st.text(max_size=80))
def test_any_text_gives_a_command_and_parsing_twice_changes_nothing(sentence):
    command = parse_command(sentence)
    assert bool(command.reason) == (command.kind == "rejected")
    for expression in command.expressions:
        again = parse_command(expression)  # capitals alone are a way of writing, not names
        assert [each.casefold() for each in again.expressions] == [expression.casefold()]


_JUMBLE = (
    "the a red blue mug bowl one on left right no not wait find pick up grab and then stop it "
    "please could you , . i mean never mind don't put in that me uh actually"
)


@given(st.lists(st.sampled_from(_JUMBLE.split(" ")), max_size=14).map(" ".join))
def test_any_jumble_of_the_words_that_matter_is_parsed(sentence):
    assert parse_command(sentence, "the red mug on the left").kind in (
        "find",
        "cancel",
        "rejected",
    )
