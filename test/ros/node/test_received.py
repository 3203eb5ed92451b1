"""Messages read from the bytes that came, and the time at which they did."""

import struct
from time import monotonic_ns, time_ns

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from evf_sam_ros.ros.conversions import image_message, rgb_from_image
from evf_sam_ros.ros.node.gate import arrived_ns
from evf_sam_ros.ros.node.received import received

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def header(frame_id):
    return Header(stamp=Time(sec=-3, nanosec=7), frame_id=frame_id)


@pytest.mark.parametrize("frame_id", ["", "a", "ab", "abc", "abcd", "äöü_optical"])
def test_an_image_has_the_fields_that_were_sent(frame_id):
    """Each length of a string moves the numbers behind it to another alignment."""
    sent = image_message(PIXELS, "rgb8", header(frame_id))
    read = received(Image, serialize_message(sent))
    assert read.header == sent.header
    for name in ("height", "width", "encoding", "is_bigendian", "step"):
        assert getattr(read, name) == getattr(sent, name)
    assert bytes(read.data) == PIXELS.tobytes()
    assert np.array_equal(rgb_from_image(read), PIXELS)


def test_a_compressed_image_has_the_fields_that_were_sent():
    sent = CompressedImage(header=header("eye"), format="jpeg", data=[1, 2, 3])
    read = received(CompressedImage, serialize_message(sent))
    assert (read.header, read.format, bytes(read.data)) == (sent.header, "jpeg", b"\1\2\3")


def test_other_messages_are_read_by_rclpy():
    sent = CameraInfo(header=header("eye"), width=5, k=[2.0] * 9)
    assert received(CameraInfo, serialize_message(sent)) == sent


def test_a_big_endian_sender_is_understood():
    text = lambda word: struct.pack(">I", len(word) + 1) + word + b"\0"  # noqa: E731
    body = struct.pack(">iI", 5, 6) + text(b"eye")  # 16 bytes: aligned
    body += struct.pack(">II", 1, 2) + text(b"mono8") + b"\0"  # 35 bytes, one to fill up
    body += b"\0" + struct.pack(">I", 2) + struct.pack(">I", 2) + b"\x0a\x0b"
    read = received(Image, b"\0\0\0\0" + body)
    assert (read.header.stamp.sec, read.header.frame_id) == (5, "eye")
    assert (read.height, read.width, read.encoding, read.step) == (1, 2, "mono8", 2)
    assert bytes(read.data) == b"\x0a\x0b"


@pytest.mark.parametrize("count", [6, 12, 40, 71])
def test_a_message_that_ends_too_early_is_refused(count):
    serialized = serialize_message(image_message(PIXELS, "rgb8", header("eye")))
    assert len(serialized) == 72
    with pytest.raises(ValueError, match=f"{count} bytes that came as Image are none"):
        received(Image, serialized[:count])


def test_a_frame_that_is_no_text_is_refused():
    serialized = serialize_message(image_message(PIXELS, "rgb8", header("eye")))
    with pytest.raises(ValueError, match="came as Image are none"):
        received(Image, serialized.replace(b"eye", b"\xff\xfe\xfd"))


def test_what_waited_arrived_earlier():
    now = monotonic_ns()
    waited = arrived_ns({"received_timestamp": time_ns() - 2_000_000_000})
    assert -2_000_000_000 <= waited - now < -1_000_000_000


@pytest.mark.parametrize("info", [{}, {"received_timestamp": 0}, {"received_timestamp": 2**62}])
def test_without_a_time_of_arrival_it_is_now(info):
    before = monotonic_ns()
    assert before <= arrived_ns(info) <= monotonic_ns()
