"""Expressions that a command line asks for, and the exit code for their answers."""

import argparse

import pytest

from evf_sam_ros import cli
from evf_sam_ros.cli.command_line import _parser
from evf_sam_ros.cli.wanted import add_wanted, exit_code, wanted


def asked(*arguments):
    parser = argparse.ArgumentParser()
    add_wanted(parser)
    return wanted(parser.parse_args(arguments))


def test_a_sentence_is_read_as_the_node_reads_it():
    assert asked("could you pick up the red mug, please?") == ["the red mug"]
    assert asked("the red mug; the bowl") == ["the red mug", "the bowl"]
    assert asked("find the red mug", "no, the blue one") == ["the red mug", "the blue mug"]


def test_an_expression_is_taken_literally():
    literal = "could you pick up the red mug; please?"
    assert asked("--expression", literal) == [literal]
    assert asked("the bowl", "--expression", "mug") == ["the bowl", "mug"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "nothing to look for"), (("stop",), "names no object"), (("",), "is empty")],
)
def test_what_names_nothing_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        asked(*arguments)


def test_one_missing_object_of_several_is_told_by_the_exit_code():
    assert exit_code([True, True]) == 0
    assert exit_code([True, False]) == 1


def commands():
    [choices] = [each for each in _parser()._actions if each.choices]
    return choices.choices


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_help_says_what_the_exit_codes_mean(command):
    assert "exit code: 0 " in commands()[command].epilog


class TestSegment:
    @pytest.fixture
    def photo(self, tmp_path):
        import cv2
        import numpy as np

        pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "photo.png"), pixels)
        return str(tmp_path / "photo.png")

    def test_the_exit_code_says_whether_all_was_found(self, tiny, photo, capsys):
        options = ["--model", str(tiny), "--min-area", "1"]
        assert cli.main(["segment", photo, "show me the mugs, please", *options]) == 0
        assert capsys.readouterr().out.startswith("the mugs: found")
        assert cli.main(["segment", photo, "the mugs", "the xyzzy", *options]) == 1
        assert cli.main(["segment", photo, "--expression", "find the mugs", *options]) == 1
        assert capsys.readouterr().out.count("does not know") == 2
        assert cli.main(["segment", photo, "forget it", *options]) == 2
