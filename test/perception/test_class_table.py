"""Ids of classes stay; what cannot be a class is refused in one sentence."""

import pytest

from evf_sam_ros.perception.class_table import ClassTable, check_names


def ids(table):
    return {each.name: each.id for each in table.current}


def test_names_get_the_lowest_ids_and_keep_them_whatever_comes_and_goes():
    table = ClassTable()
    table.change(["floor", "cable"])
    assert ids(table) == {"floor": 1, "cable": 2}
    table.change(["person"])
    assert ids(table) == {"person": 3}  # 1 and 2 would mean two things in one recording
    table.change(["cable", "person", "door"])
    assert ids(table) == {"cable": 2, "person": 3, "door": 4}


def test_ids_may_be_chosen_and_the_others_go_round_them():
    table = ClassTable()
    table.change(["lethal", "slow"], [254, 100])
    assert ids(table) == {"lethal": 254, "slow": 100}
    table.change(["lethal", "floor"])
    assert ids(table) == {"lethal": 254, "floor": 1}


@pytest.mark.parametrize(
    ("names", "numbers", "complaint"),
    [
        (["a"], [0], "the id of 'a' is 0, need 1 to 255"),
        (["a"], [256], "the id of 'a' is 256, need 1 to 255"),
        (["a", "b"], [7, 7], "the id 7 is given twice"),
        (["a", "b"], [7], "1 ids for 2 names"),
        (["a", "a"], [], "classes has 'a' twice"),
        (["floor", " "], [], r"classes\[1\] is ' ', need a name"),
        (["floor"], [9], "'floor' has the id 1, which stays"),
        (["other"], [1], "the id 1 is that of 'floor'"),
        ([f"class {number}" for number in range(300)], [], "300 names, at most 255"),
        ([f"class {number}" for number in range(255)], [], "there is no id for 'class 254'"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(names, numbers, complaint):
    table = ClassTable()
    table.change(["floor"])
    with pytest.raises(ValueError, match=complaint):
        table.change(names, numbers)
    assert ids(table) == {"floor": 1}
    table.change(["next"])
    assert ids(table) == {"next": 2}


def test_as_many_classes_as_a_byte_can_tell_apart_are_taken():
    names = [f"class {number}" for number in range(255)]
    check_names(names)
    table = ClassTable()
    table.change(names)
    assert [each.id for each in table.current] == list(range(1, 256))
