"""The grammar: what it says is true, by definitions written again here."""

from dataclasses import replace

import numpy as np
import pytest

from evf_sam_ros.sim.expressions import KINDS, find_targets, sample_expressions
from evf_sam_ros.sim.palette import COLORS
from evf_sam_ros.sim.relations import behind, between, left_of
from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import Kind, kind_from, mirror

MUG = SceneObject(
    shape="mug", color="red", radius=0.04, height=0.09, volume=4e-4,
    right=0.0, away=0.7, distance=0.8, u=0.5, v=0.5, pixels=1500, visible=1.0,
)  # fmt: skip


def placed(right: float, away: float, **changes: object) -> SceneObject:
    """A mug somewhere on the ground, seen from straight above."""
    place = {"right": right, "away": away, "u": 0.5 + right, "v": 1.2 - away, "distance": away}
    return replace(MUG, **{**place, **changes})


LEFT_RED_MUG = placed(-0.2, 0.7)
RIGHT_RED_MUG = placed(0.2, 0.7)
BLUE_BOWL = placed(0.0, 0.5, shape="bowl", color="blue")
TABLE = [LEFT_RED_MUG, RIGHT_RED_MUG, BLUE_BOWL]


def everything_said(objects, count=120, seed=0):
    return sample_expressions(objects, np.random.default_rng(seed), count)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("the blue bowl", (2,)),
        ("bowl", (2,)),
        ("the red cups", (0, 1)),
        ("the green bowl", ()),
        ("The Blue Thing.", (2,)),
        ("the leftmost mug", (0,)),
        ("all mugs", (0, 1)),
    ],
)
def test_the_truth_of_a_sentence_is_what_a_person_would_say(text, targets):
    assert find_targets(text, TABLE) == targets


@pytest.mark.parametrize("text", ["the red mug", "the mug", "colourless green ideas", ""])
def test_an_ambiguous_or_foreign_sentence_has_no_known_truth(text):
    assert find_targets(text, TABLE) is None


def test_left_and_right_mugs_are_never_confused():
    said = {e.text: e.targets for e in everything_said(TABLE)}
    left = [text for text in said if "left" in text and "mug" in text and said[text]]
    assert left
    assert all(said[text] == (0,) for text in left if "left of" not in text and "from" not in text)


def test_an_attribute_expression_names_exactly_one_object():
    for expression in everything_said(TABLE):
        if expression.kind == "attribute":
            assert expression.targets == (2,), expression


def test_a_sentence_about_nothing_has_no_target_and_others_have_one():
    for expression in everything_said(TABLE):
        assert bool(expression.targets) == (expression.kind != "nothing"), expression


def test_a_color_that_is_not_there_is_never_a_target():
    absent = set(COLORS) - {"red", "blue"}
    for expression in everything_said(TABLE):
        if absent & set(expression.text.split()):
            assert expression.targets == (), expression


def test_a_mirrored_sentence_is_true_of_the_mirrored_table():
    flipped = [placed(-o.right, o.away, shape=o.shape, color=o.color) for o in TABLE]
    said = {e.text: e.targets for e in everything_said(flipped, 300)}
    both = [e for e in everything_said(TABLE) if e.targets and mirror(e.text) in said]
    assert len(both) > 10
    for expression in both:
        assert said[mirror(expression.text)] == expression.targets, expression


def test_a_kind_that_a_table_does_not_give_is_left_out():
    alone = everything_said([BLUE_BOWL, LEFT_RED_MUG])
    assert not {"ordinal", "between"} & {e.kind for e in alone}
    assert {e.kind for e in alone} <= set(KINDS)


def test_a_wrong_relation_joins_two_things_that_are_there_and_fits_nothing():
    said = {e.text: e.targets for e in everything_said(TABLE)}
    rng = np.random.default_rng(0)
    wrong = sample_expressions(TABLE, rng, 20, {"wrong relation": 1.0})
    assert len(wrong) == 20
    for expression in wrong:
        assert not expression.targets, expression
        assert expression.candidates, expression
        assert len(expression.anchors) == 1, expression
        assert not said.get(expression.text), expression


@pytest.mark.parametrize(
    ("relation", "true", "false", "arguable"),
    [
        (left_of, (placed(-0.2, 0.7), MUG), (placed(0.2, 0.7), MUG), (placed(-0.02, 0.7), MUG)),
        (behind, (placed(0, 0.9), MUG), (placed(0, 0.5), MUG), (placed(0, 0.73), MUG)),
    ],
)
def test_a_relation_is_true_false_or_arguable(relation, true, false, arguable):
    assert relation(*true) is True
    assert relation(*false) is False
    assert relation(*arguable) is None


def test_between_needs_the_middle_of_the_line():
    ends = placed(-0.3, 0.7), placed(0.3, 0.7)
    assert between(placed(0, 0.7), *ends) is True
    assert between(placed(0, 1.2), *ends) is False
    assert between(placed(0, 0.85), *ends) is None


def test_an_attribute_may_follow_its_noun():
    assert kind_from(["mug", "that", "is", "red"]) == (Kind("red", "mug"), False)
    assert kind_from(["boxes", "that", "are", "blue"]) == (Kind("blue", "box"), True)
