"""Reader of depth images from compressed_depth_image_transport.

Twelve bytes of header, then 16 bit numbers as a PNG or in RVL (A. D. Wilson, Fast Lossless Depth
Image Compression, 2017): millimetres of 16UC1, or of 32FC1 the steps q of an inverse depth, for
which the header has A and B: depth = A / (q - B).
"""

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.decoded_size import MOST_DECODED_PX, check_decoded_size, decoded_size
from evf_sam_ros.perception.depth_readings import NO_READING

Depth = NDArray[np.float32]  # (H, W), metres, NaN: no reading
Steps = NDArray[np.uint16]  # (H, W)

HEADER = struct.Struct("<iff")  # a number that is always 0, A, B
RVL_SIZE = struct.Struct("<II")  # width, height
PNG_SIGNATURE = b"\x89PNG"
ENCODINGS = ("", "16UC1", "mono16", "32FC1")


def depth_from_compressed(message: Any) -> Depth:
    """Read a compressed depth image; raise ValueError, naming the fault, if it is invalid.

    Args:
        message: with the fields of sensor_msgs/CompressedImage.
    """
    text, data = str(message.format), bytes(message.data)
    encoding = text.split(";")[0].strip() if ";" in text else ""
    if encoding not in ENCODINGS:
        known = ", ".join(filter(None, ENCODINGS))
        raise ValueError(f"compressed depth is {text!r}, need one of {known}")
    starts = 0 if data.startswith(PNG_SIGNATURE) else HEADER.size
    if "rvl" in text.lower():
        steps = _from_rvl(data[HEADER.size :], text)
    else:
        steps = _from_png(data[starts:], text)
    if encoding == "32FC1":
        if starts == 0 or len(data) < HEADER.size:
            raise ValueError(f"compressed depth is {text!r} without the header that scales it")
        return _from_inverse(steps, *HEADER.unpack_from(data)[1:])
    depth_m = steps.astype(np.float32) * np.float32(0.001)
    depth_m[(steps == 0) | (steps == NO_READING)] = np.nan
    return depth_m


def _from_inverse(steps: Steps, a: float, b: float) -> Depth:
    if not (np.isfinite([a, b]).all() and a > 0):
        raise ValueError(f"the header of the compressed depth says A = {a:g}, B = {b:g}")
    with np.errstate(divide="ignore"):
        depth_m = np.float32(a) / (steps.astype(np.float32) - np.float32(b))
    depth_m[(steps == 0) | ~np.isfinite(depth_m) | (depth_m <= 0)] = np.nan
    return depth_m


def _from_png(data: bytes, text: str) -> Steps:
    if decoded_size(data) is not None:
        check_decoded_size(data, MOST_DECODED_PX)
    try:
        numbers = np.frombuffer(data, np.uint8)
        decoded = cv2.imdecode(numbers, cv2.IMREAD_UNCHANGED) if numbers.size else None
    except cv2.error:
        decoded = None
    if decoded is None or decoded.dtype != np.uint16 or decoded.ndim != 2:
        raise ValueError(
            f"the {len(data)} bytes of the compressed depth ({text!r}) are not a depth image, "
            "need a PNG of 16 bits, or RVL"
        )
    return np.asarray(decoded, np.uint16)


def _from_rvl(data: bytes, text: str) -> Steps:
    broken = ValueError(f"the {len(data)} bytes of the compressed depth ({text!r}) are not RVL")
    if len(data) < RVL_SIZE.size:
        raise broken
    width, height = RVL_SIZE.unpack_from(data)
    # An RVL image of a few bytes may claim any size.
    if not 0 < width * height <= MOST_DECODED_PX:
        raise ValueError(f"the compressed depth ({text!r}) claims to be {width}x{height}")
    values = _rvl_numbers(data[RVL_SIZE.size :])
    try:
        filled, places = _rvl_runs(values.tolist(), width * height)
    except IndexError:
        raise broken from None
    folded = values[places].astype(np.int64)
    deltas = (folded >> 1) ^ -(folded & 1)
    pixels = np.zeros(width * height, np.uint16)
    pixels[filled] = np.cumsum(deltas).astype(np.uint16)
    return pixels.reshape(height, width)


def _rvl_numbers(data: bytes) -> NDArray[np.int64]:
    """Return a stream's numbers: nibbles of 3 bits, the low ones first, and a bit for more."""
    words = np.frombuffer(data[: len(data) // 4 * 4], "<u4")
    shifts = np.arange(28, -1, -4, dtype=np.uint32)
    nibbles = ((words[:, None] >> shifts) & 15).ravel().astype(np.int64)
    ends = np.flatnonzero(nibbles < 8)
    if not ends.size:
        return np.zeros(0, np.int64)
    nibbles = nibbles[: ends[-1] + 1]
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(nibbles)) - np.repeat(starts, ends - starts + 1)
    return np.add.reduceat((nibbles & 7) << np.minimum(3 * place, 60), starts)


def _rvl_runs(values: list[int], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which pixels have a reading, and the places of their numbers.

    Runs follow each other: how many pixels are 0, how many are not, then a number for each of
    these. IndexError: there are fewer numbers than pixels, or runs that are too long.
    """
    pixels, places, lengths = [0], [0], [0]
    pixel = at = 0
    while pixel < count:
        zeros, others = values[at], values[at + 1]
        pixel, at = pixel + zeros, at + 2
        if pixel + others > count or at + others > len(values) or zeros + others == 0:
            raise IndexError
        pixels.append(pixel)
        places.append(at)
        lengths.append(others)
        pixel, at = pixel + others, at + others
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    return np.repeat(pixels, lengths) + within, np.repeat(places, lengths) + within
