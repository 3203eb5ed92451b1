"""A small file that unpacks to a huge picture is refused from its head, and no other is."""

import struct
import zlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from evf_sam_ros.perception.decoded_size import decoded_size
from evf_sam_ros.perception.image_messages import depth_from_message, rgb_from_compressed


def png_head(width, height, bits=8):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg_claiming(width, height):
    """Encode a small JPEG and write another size into its frame header."""
    data = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def message(data, form="png"):
    return SimpleNamespace(data=data, format=form)


@pytest.mark.parametrize("content", [png_head(30000, 30000), jpeg_claiming(60000, 50000)])
def test_a_picture_of_too_many_pixels_is_refused_with_its_size_and_the_limit(content, monkeypatch):
    def unpack(*_):
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(cv2, "imdecode", unpack)
    width, height = decoded_size(content)
    with pytest.raises(
        ValueError, match=f"{width}x{height} pixels, max_decoded_px allows 67108864"
    ):
        rgb_from_compressed(message(content))


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_the_limit_is_the_last_size_that_is_read(extension):
    picture = np.full((30, 40, 3), 90, np.uint8)
    content = cv2.imencode(extension, picture)[1].tobytes()
    assert rgb_from_compressed(message(content), 1200).shape == (30, 40, 3)
    with pytest.raises(ValueError, match="unpack to 40x30 pixels, max_decoded_px allows 1199"):
        rgb_from_compressed(message(content), 1199)


def test_what_tells_no_size_is_not_unpacked_either():
    bitmap = cv2.imencode(".bmp", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    with pytest.raises(ValueError, match="need JPEG or PNG"):
        rgb_from_compressed(message(bitmap, "bmp"))


def test_compressed_depth_of_too_many_pixels_is_refused():
    with pytest.raises(ValueError, match="30000x30000 pixels"):
        depth_from_message(message(png_head(30000, 30000, 16), "16UC1; png"))
