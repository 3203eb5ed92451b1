"""Images in buffers are read where rclpy offers them, and as bytes elsewhere."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.ros.conversions import image_message, rgb_from_image
from evf_sam_ros.ros.node import buffers

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


class ForTheBufferProtocol(bytearray):
    """Bytes of a backend that knows Python's own protocol alone."""


class ForNobody:
    """Bytes of a backend that can only be copied."""

    def __bytes__(self):
        return PIXELS.tobytes()


def lyrical(self, kind, topic, callback, qos, *, raw=False, acceptable_buffer_backends="cpu"):
    """Take what the create_subscription of a later rclpy takes."""


def kilted(self, kind, topic, callback, qos, *, raw=False):
    """Take what that of an earlier one takes."""


def test_it_is_the_option_that_tells_whether_buffers_are_offered():
    assert buffers.are_offered(lyrical)
    assert not buffers.are_offered(kilted)


@pytest.mark.parametrize(
    ("create", "of_images"),
    [(lyrical, {"acceptable_buffer_backends": "any"}), (kilted, {"raw": True})],
)
def test_images_alone_are_accepted_in_buffers(monkeypatch, create, of_images):
    offered = buffers.are_offered(create)
    monkeypatch.setattr(buffers, "are_offered", lambda: offered)
    assert buffers.subscription_options(Image) == of_images
    assert buffers.subscription_options(CameraInfo) == {"raw": True}


@pytest.mark.parametrize(
    "data",
    [torch.from_numpy(PIXELS.ravel()), ForTheBufferProtocol(PIXELS.tobytes()), ForNobody()],
    ids=["dlpack", "buffer", "copy"],
)
def test_the_pixels_of_a_buffer_are_read_on_the_cpu(data):
    image = image_message(PIXELS, "rgb8", Header(frame_id="eye"))
    names = ("header", "height", "width", "encoding", "is_bigendian", "step")
    sent = SimpleNamespace(**{name: getattr(image, name) for name in names}, data=data)
    read = buffers.in_memory(sent)
    assert read.header.frame_id == "eye"
    assert np.array_equal(rgb_from_image(read), PIXELS)


def test_what_the_cpu_can_read_is_not_copied():
    image = image_message(PIXELS, "rgb8", Header())
    assert buffers.in_memory(image) is image
