"""Every form that compressed_depth_image_transport writes, against an encoder written for it."""

import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from evf_sam_ros.perception.compressed_depth import depth_from_compressed

NO_SCALE = struct.pack("<iff", 0, 0.0, 0.0)


def compressed(text, data):
    return SimpleNamespace(format=text, data=np.frombuffer(data, np.uint8))


def png(numbers):
    return cv2.imencode(".png", numbers)[1].tobytes()


def rvl(numbers):
    """Encode (H, W) uint16 number by number, as the paper of RVL describes it."""
    nibbles = []

    def write(value):
        while True:
            value, low = value >> 3, value & 7
            nibbles.append(low | (8 if value else 0))
            if not value:
                return

    flat, at, previous = numbers.ravel().tolist(), 0, 0
    while at < len(flat):
        start = at
        while at < len(flat) and flat[at] == 0:
            at += 1
        end = at
        while end < len(flat) and flat[end] != 0:
            end += 1
        write(at - start)
        write(end - at)
        for value in flat[at:end]:
            delta = value - previous
            write(2 * delta if delta >= 0 else -2 * delta - 1)
            previous = value
        at = end
    nibbles += [0] * (-len(nibbles) % 8)
    words = [
        int("".join(f"{nibble:x}" for nibble in nibbles[i : i + 8]), 16)
        for i in range(0, len(nibbles), 8)
    ]
    height, width = numbers.shape
    return struct.pack("<II", width, height) + struct.pack(f"<{len(words)}I", *words)


def holes(seed, most):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, most, (24, 37)).astype(np.uint16)
    return np.where(rng.random(numbers.shape) < 0.3, 0, numbers).astype(np.uint16)


def test_rvl_of_three_pixels_by_hand():
    # Run of 1 zero, run of 2 numbers: +3 -> 6, -1 -> 1; the nibbles 1 2 6 1 0 0 0 0.
    data = struct.pack("<II", 3, 1) + struct.pack("<I", 0x12610000)
    depth_m = depth_from_compressed(compressed("16UC1; compressedDepth rvl", NO_SCALE + data))
    np.testing.assert_allclose(depth_m, [[np.nan, 0.003, 0.002]], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "encode"),
    [
        ("16UC1; compressedDepth png", png),
        ("16UC1; compressedDepth", png),
        ("mono16; compressedDepth png", png),
        ("16UC1; compressedDepth rvl", rvl),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_millimetres_come_back_with_their_holes(text, encode, seed):
    numbers = holes(seed, 65535)
    depth_m = depth_from_compressed(compressed(text, NO_SCALE + encode(numbers)))
    expected = np.where(numbers > 0, numbers / 1000, np.nan)
    np.testing.assert_allclose(depth_m, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "encode"),
    [("32FC1; compressedDepth png", png), ("32FC1; compressedDepth rvl", rvl)],
)
def test_metres_are_scaled_by_the_numbers_of_the_header(text, encode):
    # As the transport quantises: A = q (q + 1), B = 1 - A / most; a step is A / depth + B.
    depth_m = np.linspace(0.3, 9.5, 24 * 37, dtype=np.float32).reshape(24, 37)
    a, most = 100.0 * 101.0, 10.0
    b = 1 - a / most
    steps = (a / depth_m + b).astype(np.uint16)
    steps[3, 4] = 0
    message = compressed(text, struct.pack("<iff", 0, a, b) + encode(steps))
    read_m = depth_from_compressed(message)
    assert np.isnan(read_m[3, 4])
    # A step is rounded down, and one step is depth^2 / A.
    error = np.delete(read_m - depth_m, 3 * 37 + 4)
    assert error.min() > -1e-4
    assert (error < np.delete(1.01 * depth_m**2 / a, 3 * 37 + 4) + 1e-4).all()


def test_all_zero_is_no_reading_anywhere():
    nothing = np.zeros((480, 640), np.uint16)
    depth_m = depth_from_compressed(
        compressed("16UC1; compressedDepth rvl", NO_SCALE + rvl(nothing))
    )
    assert depth_m.shape == (480, 640)
    assert np.isnan(depth_m).all()


def test_the_largest_number_of_16_bits_is_no_reading():
    numbers = np.array([[1000, 65535]], np.uint16)
    for data in (png(numbers), rvl(numbers)):
        text = "16UC1; compressedDepth " + ("rvl" if data[:4] != b"\x89PNG" else "png")
        read_m = depth_from_compressed(compressed(text, NO_SCALE + data))
        np.testing.assert_allclose(read_m, [[1.0, np.nan]])


NUMBERS = np.full((4, 4), 1000, np.uint16)


@pytest.mark.parametrize(
    ("text", "data", "sentence"),
    [
        ("16UC1; compressedDepth rvl", NO_SCALE, "not RVL"),
        ("16UC1; compressedDepth rvl", NO_SCALE + rvl(NUMBERS)[:12], "not RVL"),
        ("16UC1; compressedDepth rvl", NO_SCALE + struct.pack("<II", 0, 4), "claims to be 0x4"),
        ("16UC1; compressedDepth rvl", NO_SCALE + struct.pack("<II", 2**31, 2**31), "claims"),
        ("16UC1; compressedDepth rvl", NO_SCALE + struct.pack("<IIII", 4, 4, 0, 0), "not RVL"),
        ("32FC1; compressedDepth png", NO_SCALE + png(NUMBERS), "A = 0"),
        ("32FC1; png compressed", png(NUMBERS), "without the header"),
        ("rgb8; compressedDepth png", NO_SCALE + png(NUMBERS), "need one of 16UC1"),
        ("16UC1; jpeg compressed", cv2.imencode(".jpg", np.zeros((4, 4)))[1].tobytes(), "PNG of"),
        ("16UC1; compressedDepth png", b"", "need a PNG"),
    ],
)
def test_what_is_no_depth_is_refused_with_a_sentence(text, data, sentence):
    with pytest.raises(ValueError, match=sentence):
        depth_from_compressed(compressed(text, data))
