"""The camera_info that describes the camera as it was when it took an image."""

from types import SimpleNamespace

import pytest
from played_camera import MS, START, message

from evf_sam_ros.perception.camera_infos import CameraInfos
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.stamped import Stream

FRAME_NS = 50 * MS


def info(stamp, focal, frame_id="camera"):
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False)
    said = message(stamp, 0, frame_id)
    said.width, said.height, said.distortion_model, said.roi = 640, 480, "plumb_bob", roi
    said.binning_x = said.binning_y = 0
    said.d, said.k = [0.0] * 5, [focal, 0.0, 320.0, 0.0, focal, 240.0, 0.0, 0.0, 1.0]
    said.r, said.p = [0.0] * 9, [0.0] * 12
    return said


class Played:
    """Images of one camera, each with its camera_info, but those of frames that are left out."""

    def __init__(self, focals, lost=(), frame_id="camera"):
        self.images, self.infos = Stream(), CameraInfos()
        for number, focal in enumerate(focals):
            at = START + number * FRAME_NS
            self.images.put(message(at, number), at)
            if number not in lost:
                self.infos.put(info(at, focal, frame_id), at)

    def find(self, number):
        return self.infos.find(self.images.items[number])

    def settled(self, number):
        return self.infos.is_settled(self.images.items[number], self.images)


def focal(found):
    return found.message.k[0]


def test_a_zoom_that_changes_with_each_image_gives_each_its_own_camera():
    played = Played([500, 400, 300, 600])
    assert [focal(played.find(number)) for number in range(4)] == [500, 400, 300, 600]


def test_one_that_is_lost_is_known_where_those_around_it_agree():
    played = Played([500, 500, 500, 400, 400], lost=[1])
    assert focal(played.find(1)) == 500


@pytest.mark.parametrize("lost", [2, 3])
def test_one_that_is_lost_while_the_camera_zooms_is_not_guessed(lost):
    played = Played([500, 500, 500, 400, 400], lost=[lost])
    assert played.find(lost).status is DepthStatus.OUT_OF_SYNC
    assert "camera_info changes" in played.find(lost).reason


def test_a_camera_info_that_was_sent_once_holds():
    played = Played([500] * 30, lost=range(1, 30))
    assert focal(played.find(29)) == 500
    assert played.settled(29)  # after a second there is nothing to wait for


def test_the_image_s_own_is_waited_for_where_each_image_has_one():
    played = Played([500] * 5, lost=[4])
    assert not played.settled(4)
    played.infos.put(info(START + 4 * FRAME_NS, 400), START + 4 * FRAME_NS)
    assert played.settled(4)
    assert focal(played.find(4)) == 400


def test_of_another_camera_both_frame_ids_are_named():
    found = Played([500] * 3, frame_id="wrist").find(2)
    assert found.status is DepthStatus.CAMERA_MISMATCH
    assert "'wrist', the image in 'camera'" in found.reason


def test_of_two_cameras_on_one_topic_the_image_s_own_is_taken():
    played = Played([500] * 3)
    for number in range(3):
        at = START + number * FRAME_NS
        played.infos.put(info(at, 250, "wrist"), at)
    assert focal(played.find(2)) == 500


def test_an_info_of_another_camera_with_the_image_s_stamp_is_refused_though_others_came_before():
    played = Played([500] * 5, lost=[3, 4])
    for number in (3, 4):
        at = START + number * FRAME_NS
        played.infos.put(info(at, 250, "wrist"), at)
    assert played.find(4).status is DepthStatus.CAMERA_MISMATCH


def test_two_that_differ_and_bear_one_stamp_are_not_guessed_between():
    played = Played([500] * 3)
    played.infos.put(info(START + 2 * FRAME_NS, 250), START + 2 * FRAME_NS)
    assert played.find(2).status is DepthStatus.STAMPS_NOT_DISTINCT


def test_infos_without_stamps_hold_while_they_all_say_the_same():
    played = Played([500] * 3, lost=range(3))
    for _ in range(3):
        played.infos.put(info(0, 500), START)
    assert focal(played.find(1)) == 500
    played.infos.put(info(0, 400), START)
    assert played.find(1).status is DepthStatus.OUT_OF_SYNC


def test_without_any_the_reason_says_so():
    played = Played([500], lost=[0])
    assert played.find(0).status is DepthStatus.NONE
    assert "no camera_info" in played.find(0).reason


def test_numbers_that_are_nan_are_no_change():
    played = Played([float("nan")] * 3, lost=[2])
    assert played.find(2).message.height == 480
