"""Sentences that no rule was made for: a share must be understood, whatever the rules become."""

from pathlib import Path

import pytest

from evf_sam_ros.language.sentence import ParsedCommand, parse_command

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3] / "shared" / "sentences"
LEAST = 0.92
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sentences are not here")


def rows(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line[:2] != "# "]
    header = [name.partition(" (")[0] for name in lines[0].split("\t")]
    return [dict(zip(header, (*line.split("\t"), "", "", ""), strict=False)) for line in lines[1:]]


def own_rows() -> list[dict[str, str]]:
    header = ("sentence", "previous", "expected_kind", "accepted")
    lines = (HERE / "held_out_commands.tsv").read_text("utf-8").splitlines()[1:]
    return [dict(zip(header, (*line.split("\t"), ""), strict=False)) for line in lines]


def is_right(command: ParsedCommand, row: dict[str, str]) -> bool:
    if row["expected_kind"] == "any":
        return True
    accepted = [each.strip() for each in row["accepted"].split("|")]
    named = " ; ".join(command.expressions)
    right = named in accepted or command.kind != "find"
    return command.kind == row["expected_kind"] and right


def wrong_among(table: list[dict[str, str]]) -> list[str]:
    return [
        row["sentence"]
        for row in table
        if not is_right(parse_command(row["sentence"], row["previous"]), row)
    ]


def test_of_the_held_out_commands_a_share_is_understood():
    table = own_rows()
    assert len(table) > 200
    wrong = wrong_among(table)
    assert len(wrong) <= (1 - LEAST) * len(table), wrong


@needs_shared
def test_all_commands_that_were_judged_by_people_are_understood():
    table = rows(SHARED / "commands.tsv")
    assert len(table) == 100
    assert not wrong_among(table)


@needs_shared
def test_all_instructions_of_libero_give_the_thing_to_be_handled():
    table = rows(SHARED / "libero_instructions.tsv")
    assert len(table) == 187
    wrong = {
        row["instruction"]: parse_command(row["instruction"]).expression
        for row in table
        if parse_command(row["instruction"]).expression != row["gold"]
    }
    assert not wrong


def test_a_wrong_object_or_kind_is_not_counted_as_right():
    row = {"expected_kind": "find", "accepted": "the mug | a mug"}
    assert is_right(ParsedCommand("find", ("a mug",)), row)
    assert not is_right(ParsedCommand("find", ("the bowl",)), row)
    assert not is_right(ParsedCommand("cancel"), row)
