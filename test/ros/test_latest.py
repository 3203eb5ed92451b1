"""The mailbox holds one item, the newest, and hands it out once."""

from evf_sam_ros.ros.latest import Latest


def test_a_new_item_replaces_one_not_yet_taken():
    box = Latest()
    box.put(1)
    box.put(2)
    assert box.take() == 2
    assert box.take() is None


def test_the_newest_item_can_be_seen_after_it_was_taken_and_taken_again_when_renewed():
    box = Latest()
    box.renew(True)
    assert box.take() is None
    box.put(1)
    assert box.take() == 1
    assert box.newest() == 1
    box.renew(True)
    assert box.take() == 1


def test_an_item_can_be_kept_from_being_taken():
    box = Latest()
    box.put(1)
    box.renew(False)
    assert box.take() is None
    assert box.newest() == 1


def test_a_cleared_box_is_empty():
    box = Latest()
    box.put(1)
    box.clear()
    assert box.take() is None
    assert box.newest() is None
