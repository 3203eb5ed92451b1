"""Pairing of depth and image: never another frame's, whatever stamps and network do."""

import random

import pytest
from played_camera import MS, SECOND, START, Camera, message

from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.no_depth import NoDepth
from evf_sam_ros.perception.pairing import Pairing

ODD = 20  # the frame with which something is wrong


def played(**differences):
    camera = Camera(**differences)
    camera.play()
    return camera


def whole(step_ns):
    return lambda number, taken: taken // step_ns * step_ns


NOT_DISTINCT = {
    "zero": lambda number, taken: 0,
    "frozen": lambda number, taken: START,
    "whole seconds": whole(SECOND),
    "whole tenths, at 15 Hz": whole(SECOND // 10),
    "frozen from the 30th on": lambda number, taken: min(taken, START + 2 * SECOND),
    "zero from the 30th on": lambda number, taken: taken if number < 30 else 0,
    "whole seconds from the 30th on": lambda n, taken: (
        taken if n < 30 else whole(SECOND)(n, taken)
    ),
}


@pytest.mark.parametrize("lag_ns", [-5 * MS, 2 * MS, 68 * MS])
@pytest.mark.parametrize("model_ns", [0, 50 * MS, 300 * MS])
@pytest.mark.parametrize("stamp", NOT_DISTINCT.values(), ids=NOT_DISTINCT)
def test_stamps_that_do_not_tell_frames_apart_never_give_another_frame_s_depth(
    stamp, model_ns, lag_ns
):
    camera = played(image_stamp=stamp, model_ns=model_ns, depth_lag_ns=lag_ns)
    assert camera.wrong() == []
    assert "STAMPS_NOT_DISTINCT" in camera.statuses()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stamp", [NOT_DISTINCT["zero"], whole(SECOND), whole(SECOND // 10)])
def test_nor_do_they_where_a_third_of_the_messages_is_lost(stamp, seed):
    assert played(image_stamp=stamp, loss=0.3, seed=seed).wrong() == []


@pytest.mark.parametrize("lag_ns", [-5 * MS, 2 * MS])
def test_good_stamps_give_every_frame_its_own_depth(lag_ns):
    camera = played(depth_lag_ns=lag_ns)
    assert camera.right() == list(range(60))


@pytest.mark.parametrize("bad", ["zero", "frozen", "whole seconds", "whole tenths, at 15 Hz"])
def test_a_camera_that_is_mended_is_believed_at_once(bad):
    camera = played(image_stamp=lambda n, taken: NOT_DISTINCT[bad](n, taken) if n < 30 else taken)
    assert camera.wrong() == []
    assert camera.right() == list(range(30, 60))


def test_depth_that_comes_five_frames_late_is_still_each_frame_s_own():
    camera = played(depth_lag_ns=340 * MS, model_ns=300 * MS)
    assert camera.right() == list(range(1, 60))  # when the first was answered none had come


def test_stamps_that_jump_to_and_fro_still_tell_frames_apart():
    def jumping(number, taken):
        return taken + random.Random(number).randint(-SECOND // 2, SECOND // 2)

    camera = played(image_stamp=jumping)
    assert camera.wrong() == []
    assert len(camera.right()) >= 57  # the first ones may wait for others to compare with


def only(stamp):
    return lambda number, taken: stamp(taken) if number == ODD else taken


ONE_BAD = {
    "zero": only(lambda taken: 0),
    "an hour ahead": only(lambda taken: taken + 3600 * SECOND),
    "an hour back": only(lambda taken: taken - 3600 * SECOND),
}


@pytest.mark.parametrize("topic", ["image", "depth", "both"])
@pytest.mark.parametrize("stamp", ONE_BAD.values(), ids=ONE_BAD)
def test_one_bad_stamp_costs_its_own_frame_and_no_other(stamp, topic):
    good = Camera.image_stamp
    camera = played(
        image_stamp=good if topic == "depth" else stamp,
        depth_stamp=good if topic == "image" else stamp,
    )
    assert camera.wrong() == []
    assert set(range(60)) - {ODD} <= set(camera.right())


def test_an_image_that_repeats_a_stamp_costs_no_other_frame():
    before = START + round((ODD - 1) * SECOND / 15)
    camera = played(image_stamp=only(lambda taken: before), depth_stamp=Camera.image_stamp)
    assert camera.wrong() == []
    assert camera.right() == [n for n in range(60) if n != ODD]
    assert camera.answers[ODD].status is DepthStatus.STAMPS_NOT_DISTINCT


def test_two_depth_images_with_one_stamp_are_never_guessed_between():
    before = START + round((ODD - 1) * SECOND / 15)
    camera = played(
        image_stamp=Camera.image_stamp, depth_stamp=only(lambda taken: before), model_ns=90 * MS
    )
    assert camera.wrong() == []
    assert set(range(60)) - set(camera.right()) == {ODD - 1, ODD}


# Depth without the images' own stamps


def test_a_camera_that_stamps_depth_a_little_later_is_paired_with_the_nearest():
    camera = played(depth_stamp=lambda number, taken: taken + 20 * MS)
    assert camera.wrong() == []
    assert camera.right() == list(range(1, 60))  # of the first no second one tells the pace


def test_a_camera_that_begins_to_stamp_depth_later_is_paired_with_the_nearest_at_once():
    camera = played(depth_stamp=lambda number, taken: taken + (20 * MS if number >= 30 else 0))
    assert camera.right() == list(range(60))


def test_depth_stamps_half_a_frame_away_belong_to_neither_neighbour():
    camera = played(rate_hz=30, depth_stamp=lambda number, taken: taken - 17 * MS)
    assert camera.wrong() == []
    assert "OUT_OF_SYNC" in camera.statuses()


def test_the_neighbour_s_depth_does_not_stand_in_for_one_that_was_lost():
    # At 60 Hz the neighbours are 16.7 ms away, within the slop.
    for seed in range(5):
        assert played(rate_hz=60, loss=0.3, seed=seed).wrong() == []


def test_depth_farther_away_than_the_slop_is_out_of_sync():
    pairing = Pairing(10)
    for number in range(3):
        image = pairing.put_image(message(START + number * SECOND, number), number * SECOND)
        pairing.put_depth(message(START + number * SECOND + 80 * MS, number), number * SECOND)
    found = pairing.depth_of(image, slop_s=0.03)
    assert found.status is DepthStatus.OUT_OF_SYNC
    assert "0.080 s away" in found.reason


# The first messages, and the last ones


def test_without_depth_nothing_is_said():
    pairing = Pairing(10)
    image = pairing.put_image(message(START, 0), 0)
    assert pairing.depth_of(image, 0.03) == NoDepth(DepthStatus.NONE, "")


@pytest.mark.parametrize(("gap_ns", "certain"), [(2 * MS, True), (200 * MS, False)])
def test_a_single_pair_belongs_together_if_it_arrives_at_once(gap_ns, certain):
    pairing = Pairing(10)
    image = pairing.put_image(message(START, 0), 0)
    pairing.put_depth(message(START, 7), gap_ns)
    found = pairing.depth_of(image, 0.03)
    assert isinstance(found, NoDepth) is not certain
    if not certain:
        assert found.status is DepthStatus.STAMPS_NOT_DISTINCT


def test_a_depth_image_that_came_twice_is_one():
    pairing = Pairing(10)
    for number in range(3):
        image = pairing.put_image(message(START + number * SECOND, number), number)
        for _ in range(2):
            pairing.put_depth(message(START + number * SECOND, number), number)
        assert number == 0 or pairing.depth_of(image, 0.03).message.number == number


def test_the_depth_of_the_image_at_work_stays_however_much_comes_after_it():
    pairing = Pairing(10)
    images = [pairing.put_image(message(START + n * SECOND, n), n * SECOND) for n in range(2)]
    pairing.expect(images[0])
    for number in range(100):
        pairing.put_depth(message(START + number * SECOND, number), number * SECOND)
    assert pairing.depth_of(images[0], 0.03).message.number == 0
    kept = [item for item in pairing.depths.items if item.message is not None]
    assert len(kept) <= 10 + 3


def test_depth_that_had_to_give_way_is_said_to_be_gone():
    pairing = Pairing(10)
    image = pairing.put_image(message(START, 0), 0)
    for number in range(100):
        pairing.put_depth(message(START + number * SECOND, number), number * SECOND)
    assert "give way" in pairing.depth_of(image, 0.03).reason


# Several cameras, several rounds


def test_cameras_mixed_on_one_topic_are_told_apart_by_frame_id():
    pairing = Pairing(10)
    for number in range(6):
        at = START + number * 10 * MS
        name = f"camera_{number % 2}"
        pairing.put_depth(message(at, number, name), at)
        image = pairing.put_image(message(at + MS, number, name), at + MS)
    found = pairing.depth_of(image, 0.03)
    assert found.frame_id == image.frame_id == "camera_1"


def test_where_several_publish_only_equal_stamps_belong_together():
    camera = Camera(depth_stamp=lambda number, taken: taken + 20 * MS)
    pairing = Pairing(10)
    pairing.are_mixed = True
    for at, kind, number, stamp in camera.events():
        if kind == "image":
            image = pairing.put_image(message(stamp, number), at)
        else:
            pairing.put_depth(message(stamp, number), at)
    assert pairing.depth_of(image, 0.03).status is DepthStatus.OUT_OF_SYNC


@pytest.mark.parametrize("start", [START, START // SECOND * SECOND])
def test_a_loop_of_three_frames_gets_the_depth_of_its_own_round(start):
    pairing, found = Pairing(60), []
    for turn in range(3):
        images = []
        for number in range(3):
            stamp, at = start + number * 100 * MS, (10 * turn + number) * 100 * MS
            images.append(pairing.put_image(message(stamp, number), at))
            pairing.put_depth(message(stamp, 10 * turn + number), at + MS)
        found += [pairing.depth_of(image, 0.03).message.number for image in images]
        assert {image.round for image in images} == {turn}
    assert found == [0, 1, 2, 10, 11, 12, 20, 21, 22]


def test_a_glitch_is_no_new_round():
    pairing = Pairing(60)
    for number, stamp in enumerate([1, 2, 3, 0, 5, 90, 7, 8]):
        pairing.put_image(message(START + stamp * SECOND if stamp else 0, number), number * SECOND)
    assert pairing.images.round == 0


def test_simulated_time_that_starts_at_zero_is_time_like_any_other():
    pairing = Pairing(60)
    images = []
    for number in range(3):
        images.append(pairing.put_image(message(number * 100 * MS, number), number * 100 * MS))
        pairing.put_depth(message(number * 100 * MS, number), number * 100 * MS + MS)
        assert pairing.images.is_undecided(images[0]) == (number == 0)
    assert [pairing.depth_of(image, 0.03).message.number for image in images] == [0, 1, 2]
