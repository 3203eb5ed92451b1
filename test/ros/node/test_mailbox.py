"""The mailbox holds one item, the newest, and hands it out once."""

from evf_sam_ros.ros.node.mailbox import Mailbox


def test_a_new_item_replaces_one_not_yet_taken():
    box = Mailbox()
    box.put(1)
    box.put(2)
    assert box.take() == 2
    assert box.take() is None


def test_the_newest_item_can_be_seen_after_it_was_taken_and_taken_again_when_renewed():
    box = Mailbox()
    box.renew(True)
    assert box.take() is None
    box.put(1)
    assert box.take() == 1
    assert box.newest() == 1
    box.renew(True)
    assert box.take() == 1


def test_an_item_can_be_kept_from_being_taken():
    box = Mailbox()
    box.put(1)
    box.renew(False)
    assert box.take() is None
    assert box.newest() == 1


def test_a_cleared_box_is_empty():
    box = Mailbox()
    box.put(1)
    box.clear()
    assert box.take() is None
    assert box.newest() is None


def test_with_room_items_wait_in_order_and_the_oldest_gives_way():
    box = Mailbox(room=2)
    assert [box.put(number) for number in (1, 2, 3)] == [[], [], [1]]
    assert [box.take() for _ in range(3)] == [2, 3, None]


def test_an_item_that_need_not_wait_is_only_seen_and_nothing_waits_any_longer():
    box = Mailbox(room=3)
    box.put(1)
    box.put(2)
    assert box.put(3, queue=False) == [1, 2]
    assert box.take() is None
    assert box.newest() == 3


def test_with_room_what_waits_goes_on_waiting_when_the_box_is_renewed():
    box = Mailbox(room=3)
    box.put(1)
    box.put(2)
    box.renew(True)
    assert [box.take() for _ in range(3)] == [1, 2, None]
    box.renew(True)
    assert box.take() == 2


def test_a_cleared_box_returns_what_waited():
    box = Mailbox(room=3)
    box.put(1)
    box.put(2)
    assert box.clear() == [1, 2]
