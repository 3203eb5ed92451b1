"""Numbers of objects: the same while one is followed, a new one for another."""

import numpy as np

from evf_sam_ros.perception.track_ids import FORGOTTEN, TrackIds

SIZE = (
    120,
    160,
)  # a diagonal of 200: what is 6 px away may be the same, by half its own size more


def square(left, top=50, side=20):
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_an_object_that_moves_a_little_keeps_its_number():
    ids = TrackIds()
    assert [ids({"mug": [square(left)]})["mug"] for left in (10, 16, 22, 60)] == [
        [1], [1], [1], [2],
    ]  # fmt: skip


def test_two_objects_keep_their_numbers_whichever_is_the_larger():
    ids = TrackIds()
    assert ids({"mugs": [square(10), square(100)]})["mugs"] == [1, 2]
    assert ids({"mugs": [square(102, side=24), square(12)]})["mugs"] == [2, 1]


def test_neighbours_are_not_confused_when_both_move_the_same_way():
    ids = TrackIds()
    assert ids({"mugs": [square(20), square(44)]})["mugs"] == [1, 2]
    # Each is now nearer to the other's place than a step: what overlaps most wins.
    assert ids({"mugs": [square(52), square(28)]})["mugs"] == [2, 1]


def test_what_was_hidden_for_a_while_comes_back_with_its_number():
    ids = TrackIds()
    assert ids({"mug": [square(10)]})["mug"] == [1]
    for _ in range(9):
        assert ids({"mug": []})["mug"] == []
    # Ten images later it may be three times as far away: 30 px between the rims.
    assert ids({"mug": [square(50)]})["mug"] == [1]


def test_what_is_gone_for_long_is_another():
    ids = TrackIds()
    ids({"mug": [square(10)]})
    for _ in range(FORGOTTEN):
        ids({"mug": []})
    assert ids({"mug": [square(10)]})["mug"] == [2]


def test_each_target_has_numbers_of_its_own_and_a_new_command_new_ones():
    ids = TrackIds()
    assert ids({"mug": [square(10)], "bowl": [square(10)]}) == {"mug": [1], "bowl": [2]}
    assert ids({"bowl": [square(10)]}) == {"bowl": [2]}
    assert ids({"mug": [square(10)], "bowl": [square(10)]}) == {"mug": [3], "bowl": [2]}


def test_pictures_of_another_size_show_other_objects():
    ids = TrackIds()
    ids({"mug": [square(10)]})
    assert ids({"mug": [np.ones((60, 80), bool)]})["mug"] == [2]
