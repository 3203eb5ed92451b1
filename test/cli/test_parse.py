"""`evf-sam parse`, as a user types it."""

import json

from evf_sam_ros import cli


def parsed(capsys, *arguments):
    assert cli.main(["parse", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_sentence_is_shown_with_its_expressions_and_unknown_words(capsys):
    told = parsed(capsys, "find all the mugs and the blue zebra")
    assert told["kind"] == "find"
    assert [each["expression"] for each in told["expressions"]] == [
        "all the mugs",
        "the blue zebra",
    ]
    assert [each["several"] for each in told["expressions"]] == [True, False]
    assert [each["unknown_words"] for each in told["expressions"]] == [[], ["zebra"]]


def test_a_correction_is_of_what_was_looked_for(capsys):
    told = parsed(capsys, "no, the blue one", "--previous", "the red mug")
    assert [each["expression"] for each in told["expressions"]] == ["the blue mug"]


def test_a_prohibition_is_of_any_of_the_expressions_looked_for(capsys):
    previous = ["--previous", "the red mug", "--previous", "the bowl"]
    assert parsed(capsys, "don't touch the red mug", *previous)["kind"] == "cancel"


def test_the_lines_name_kind_number_slips_and_unknown_words(capsys):
    assert cli.main(["parse", "the yelow zebra"]) == 0
    assert capsys.readouterr().out == (
        "find\n  the yelow zebra (one); 'yelow' read as 'yellow'; unknown: 'zebra'\n"
    )
    cli.main(["parse", "pick up the"])
    assert capsys.readouterr().out.startswith("rejected: the command 'pick up the' names no")
