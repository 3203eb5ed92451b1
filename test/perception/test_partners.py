"""Depth that belongs to an image, and depth that does not."""

import pytest

from evf_sam_ros.perception.partners import is_settled, not_registered


@pytest.mark.parametrize(
    ("stamps", "settled"), [([], False), ([9], False), ([10], True), ([9, 11], True)]
)
def test_waiting_ends_with_the_partner_or_with_a_later_one(stamps, settled):
    assert is_settled(stamps, 10) == settled


def test_size_and_frame_must_be_the_image_s():
    size = (640, 480)
    assert not_registered(size, size, "camera", "camera") == ""
    assert not_registered(size, size, "", "camera") == ""  # nobody says
    assert "'depth', the image in 'color'" in not_registered(size, size, "depth", "color")
    assert "320x240, the image 640x480" in not_registered((320, 240), size, "camera", "camera")
