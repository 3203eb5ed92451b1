"""Photographs as a camera: in order, with stamps of now, and no harm from other files."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from processes import running, start
from sensor_msgs.msg import CameraInfo, Image

from evf_sam_ros.ros.cameras.image_files_node import info_from_angle, pictures
from evf_sam_ros.ros.stamps import nanoseconds


@pytest.fixture
def folder(tmp_path):
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((3 * number, 4, 3), number, np.uint8))
    (tmp_path / "2b.jpg").write_text("no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    return tmp_path


def test_pictures_come_in_the_order_of_their_numbers(folder):
    assert [each.name for each in pictures(str(folder))] == ["1.png", "2.png", "2b.jpg", "10.png"]
    assert pictures(str(folder / "2.png")) == [folder / "2.png"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "is empty"), ("missing", "no such folder"), ("empty", r"no pictures in .*\.png")],
)
def test_where_there_are_no_pictures_the_reason_is_told(tmp_path, name, reason):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=reason):
        pictures(str(tmp_path / name) if name else "")


def test_an_angle_of_90_degrees_sees_as_wide_as_it_is_far():
    info = info_from_angle(201, 101, 90.0, Image().header)
    np.testing.assert_allclose(
        np.reshape(info.k, (3, 3)), [[100.5, 0, 100], [0, 100.5, 50], [0, 0, 1]]
    )


def test_pictures_arrive_as_from_a_camera_and_a_broken_file_is_passed_over(robot, folder):
    images, infos = [], []
    listening = [
        robot.node.create_subscription(Image, "/files/image", images.append, 20),
        robot.node.create_subscription(CameraInfo, "/files/camera_info", infos.append, 20),
    ]
    options = [f"files:={folder}", "rate_hz:=10.0", "field_of_view_deg:=60.0"]
    before = robot.node.get_clock().now().nanoseconds
    with running("cameras.image_files_node", *options, namespace="/files"):
        robot.spin_until(lambda: {each.height for each in images} == {3, 6, 30}, what="pictures")
    heights = [each.height for each in images]
    follows = {3: 6, 6: 30, 30: 3}
    assert all(after == follows[height] for height, after in pairwise(heights))
    assert all(nanoseconds(each.header.stamp) > before for each in images)
    assert infos[0].width == 4
    for each in listening:
        robot.node.destroy_subscription(each)


def test_without_a_folder_the_node_ends_with_a_sentence(tmp_path):
    with (tmp_path / "log").open("w") as log:
        assert start("cameras.image_files_node", log=log).wait(60) == 1
    assert "need a folder of pictures" in (tmp_path / "log").read_text()
