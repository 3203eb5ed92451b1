"""Conversion of image messages to arrays: encodings, row padding and byte order.

It reads any object with the fields of sensor_msgs, from a topic or from a recording, and imports
no ROS. Images come out as (H, W, 3) RGB uint8, depth as (H, W) float32 metres with NaN for no
reading. The listed encodings are read by NumPy views and OpenCV.
"""

from dataclasses import replace
from math import isfinite
from typing import Any, NamedTuple, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.compressed_depth import depth_from_compressed
from evf_sam_ros.perception.decoded_size import (
    MOST_DECODED_PX,
    check_decoded_size,
    decoded_size,
)
from evf_sam_ros.perception.depth_readings import DepthImage
from evf_sam_ros.pictures import jpeg, png
from evf_sam_ros.pictures.bit_depth import eight_bits

Rgb = NDArray[np.uint8]  # (H, W, 3)
Depth = NDArray[np.float32]  # (H, W), metres, NaN: no reading
Size: TypeAlias = tuple[int, int]  # width, height, pixels


class Image(Protocol):
    """The fields of sensor_msgs/Image."""

    height: int
    width: int
    encoding: str
    is_bigendian: Any
    step: int
    data: Any


class CompressedImage(Protocol):
    """The fields of sensor_msgs/CompressedImage."""

    format: str
    data: Any


class _Format(NamedTuple):
    """Memory layout of an encoding, and the cv2.cvtColor code that converts it to RGB."""

    item: str  # NumPy type of one channel; u2 may hold fewer bits
    channels: int
    to_rgb: int | None  # None: it is RGB
    pixels: tuple[int, int] = (1, 1)  # height and width of what shares a colour
    rows: float = 1  # in memory, per row of the image: planes of colour follow that of light


_UYVY = _Format("u1", 2, cv2.COLOR_YUV2RGB_UYVY, (1, 2))
_YUY2 = _Format("u1", 2, cv2.COLOR_YUV2RGB_YUY2, (1, 2))
_GRAY = _Format("u1", 1, cv2.COLOR_GRAY2RGB)
_BGR, _BGR16 = (_Format(item, 3, cv2.COLOR_BGR2RGB) for item in ("u1", "u2"))
_BGRA, _BGRA16 = (_Format(item, 4, cv2.COLOR_BGRA2RGB) for item in ("u1", "u2"))
# OpenCV names a Bayer pattern by its second row, ROS by its first.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}

# Of what sensor_msgs/image_encodings names, all that cv2.cvtColor makes RGB of, and NV12. Node,
# recordings and docs/reference/node.md have this table.
_IMAGE_FORMATS = {
    "rgb8": _Format("u1", 3, None),
    "bgr8": _BGR,
    "rgba8": _Format("u1", 4, cv2.COLOR_RGBA2RGB),
    "bgra8": _BGRA,
    "rgb16": _Format("u2", 3, None),
    "bgr16": _BGR16,
    "rgba16": _Format("u2", 4, cv2.COLOR_RGBA2RGB),
    "bgra16": _BGRA16,
    "mono8": _GRAY,
    "mono16": _Format("u2", 1, cv2.COLOR_GRAY2RGB),
    # Names of OpenCV matrices, which are BGR.
    "8UC1": _GRAY,
    "8UC3": _BGR,
    "8UC4": _BGRA,
    "16UC3": _BGR16,
    "16UC4": _BGRA16,
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "yuv422_yuy2": _YUY2,
    "yuyv": _YUY2,
    "nv12": _Format("u1", 1, cv2.COLOR_YUV2RGB_NV12, (2, 2), 1.5),
    "nv21": _Format("u1", 1, cv2.COLOR_YUV2RGB_NV21, (2, 2), 1.5),
    **{f"bayer_{pattern}8": _Format("u1", 1, code) for pattern, code in _BAYER.items()},
    **{f"bayer_{pattern}16": _Format("u2", 1, code) for pattern, code in _BAYER.items()},
}
IMAGE_ENCODINGS = tuple(_IMAGE_FORMATS)
# Why others that are common are not pictures.
_HINTS = dict.fromkeys(
    ("16UC1", "32FC1"),
    ": it holds depth or bare numbers; a grey picture of 16 bits is called mono16",
)

# Metres per unit. mono16 is what some drivers call 16UC1.
_DEPTH_SCALES = {"32FC1": ("f4", 1.0), "16UC1": ("u2", 0.001), "mono16": ("u2", 0.001)}
DEPTH_ENCODINGS = tuple(_DEPTH_SCALES)

# Focal lengths in sides of the image: a view of 179 degrees, and one of 0.06.
LEAST_FOCAL, MOST_FOCAL = 0.005, 1000.0

# How many numbers of D each model has.
_DISTORTIONS: dict[str, tuple[int, ...]] = {
    "": (),
    "none": (),
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "equidistant": (4,),
}


def rgb_from_image(message: Image) -> Rgb:
    """Read an image; raise ValueError, naming the fault and the remedy, if it is invalid."""
    kind = _IMAGE_FORMATS.get(message.encoding)
    if kind is None:
        hint = _HINTS.get(message.encoding, "")
        raise ValueError(
            f"image encoding is {message.encoding!r}, need one of {', '.join(IMAGE_ENCODINGS)}"
            + hint
        )
    if message.height % kind.pixels[0] or message.width % kind.pixels[1]:
        sides = "an even width" if kind.pixels[0] == 1 else "an even width and height"
        raise ValueError(f"{message.encoding} needs {sides}, the image is {_size(message)}")
    pixels = _pixels(message, kind.item, kind.channels, kind.rows)
    if kind.item == "u2":
        pixels = eight_bits(pixels)
    if kind.to_rgb is None:
        return np.ascontiguousarray(pixels)
    try:
        return np.asarray(cv2.cvtColor(pixels, kind.to_rgb), np.uint8)
    except cv2.error as error:
        raise ValueError(
            f"OpenCV cannot convert a {_size(message)} {message.encoding} image"
        ) from error


def rgb_from_compressed(message: CompressedImage, most_px: int = MOST_DECODED_PX) -> Rgb:
    """Read a JPEG or PNG image, its pixels where the camera saw them: never turned by EXIF.

    Args:
        most_px: refuse an image of more pixels before it is decoded.

    Raises:
        DamagedImageError: a part of it was lost on the way.
        ValueError: it is not an image, or not a readable one.
    """
    content = bytes(message.data)
    start = jpeg.starts_at(content)
    if content.startswith(png.START):
        png.check(content)
    if start is None:
        check_decoded_size(content, most_px)
        return _decoded(content, message.format)
    if decoded_size(content[start:]) is not None:  # a broken head is told by the decoder
        check_decoded_size(content[start:], most_px)
    pixels = jpeg.decode(content)
    if pixels is None:
        return _decoded(jpeg.with_end(content[start:]), message.format)
    return pixels


def _decoded(content: bytes, form: str) -> Rgb:
    """Return what OpenCV makes of PNG and other files, as stored."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    data = np.frombuffer(content, np.uint8)
    try:
        decoded = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:
        decoded = None
    if decoded is None or decoded.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"the {data.size} bytes of the compressed image ({form!r}) are not an image, "
            "need JPEG or PNG"
        )
    if decoded.dtype == np.uint16:
        decoded = eight_bits(decoded)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def depth_from_message(message: Any) -> Depth | DepthImage:
    """Read a depth image, compressed or not; in metres where it is indexed."""
    is_compressed = hasattr(message, "format")
    return depth_from_compressed(message) if is_compressed else depth_image(message)


def depth_from_image(message: Image) -> Depth:
    """Read a depth image in metres, (H, W); NaN: no reading."""
    return depth_image(message).whole()


def depth_image(message: Image) -> DepthImage:
    """View a depth image; raise ValueError, naming the fault, if it is invalid."""
    if message.encoding not in _DEPTH_SCALES:
        raise ValueError(
            f"depth encoding is {message.encoding!r}, need one of {', '.join(DEPTH_ENCODINGS)}"
        )
    item, metres = _DEPTH_SCALES[message.encoding]
    return DepthImage(_pixels(message, item, 1), metres)


def intrinsics_from_info(info: Any, width: int, height: int, rectified: bool) -> Intrinsics:
    """Return the camera of an image of that size: P of a rectified one, K and D of a raw one.

    The matrices are for the whole sensor; region of interest and binning move and scale them
    (REP 104). ValueError where the camera is not calibrated or the image is of another size.
    """
    binning_x, binning_y = max(info.binning_x, 1), max(info.binning_y, 1)
    expected = (
        (info.roi.width or info.width) // binning_x,
        (info.roi.height or info.height) // binning_y,
    )
    if all(expected) and expected != (width, height):
        raise ValueError(
            f"camera_info is for {expected[0]}x{expected[1]} pixels, "
            f"the image has {width}x{height}"
        )
    has_p = rectified and info.p[0] != 0  # some drivers fill in K only
    matrix = np.array(info.p).reshape(3, 4) if has_p else np.array(info.k).reshape(3, 3)
    camera = matrix[:, :3].copy()
    camera[0, 2] -= info.roi.x_offset
    camera[1, 2] -= info.roi.y_offset
    camera[0] /= binning_x
    camera[1] /= binning_y
    lens = () if rectified else _distortion(info)
    said = f"{'P' if has_p else 'K'} of camera_info is {matrix.ravel().tolist()}"
    try:
        plain = Intrinsics.from_matrix(camera)
    except ValueError:
        raise ValueError(f"{said}: the camera is not calibrated") from None
    for focal, side in ((plain.fx, width), (plain.fy, height)):
        if not LEAST_FOCAL <= focal / side <= MOST_FOCAL:
            raise ValueError(f"{said}: no lens has a focal length of {focal:g} pixels of {side}")
    return replace(plain, distortion=lens, fisheye=info.distortion_model == "equidistant")


def _distortion(info: Any) -> tuple[float, ...]:
    """Return D, as OpenCV counts it; empty where the lens has none."""
    factors = tuple(float(factor) for factor in info.d)
    if not any(factors):  # NaN is something
        return ()
    counts = _DISTORTIONS.get(info.distortion_model)
    if not counts:
        known = ", ".join(name for name, allowed in _DISTORTIONS.items() if allowed)
        raise ValueError(
            f"the distortion model of camera_info is {info.distortion_model!r}, need {known}, "
            "or rectified images"
        )
    while len(factors) > counts[-1] and factors[-1] == 0:
        factors = factors[:-1]  # some drivers fill up with zeros
    if len(factors) not in counts:
        raise ValueError(
            f"D of camera_info has {len(factors)} numbers, need "
            f"{' or '.join(map(str, counts))} for {info.distortion_model}"
        )
    if not all(map(isfinite, factors)):
        raise ValueError(f"D of camera_info is {list(factors)}: need finite numbers")
    return factors


def _pixels(message: Image, item: str, channels: int, planes: float = 1) -> NDArray[Any]:
    """View the data as (H, W) or (H, W, channels), without the rows' padding.

    `planes` is how often the image's height the data has in rows.
    """
    if message.width == 0 or message.height == 0:
        raise ValueError(f"the image is {_size(message)}: it has no pixels")
    dtype = np.dtype(item).newbyteorder(">" if message.is_bigendian else "<")
    row = message.width * channels * dtype.itemsize
    if message.step < row:
        raise ValueError(
            f"step is {message.step} bytes, but a row of {message.width} {message.encoding} "
            f"pixels takes {row}"
        )
    rows = int(message.height * planes)
    needed = message.step * (rows - 1) + row  # the last row may lack its padding
    if len(message.data) < needed:
        raise ValueError(
            f"the image has {len(message.data)} bytes, but {rows} rows of "
            f"{message.step} take {message.step * rows}"
        )
    shape = (rows, message.width, channels)
    strides = (message.step, channels * dtype.itemsize, dtype.itemsize)
    view: NDArray[Any] = np.ndarray(shape, dtype, message.data, strides=strides)
    return view[..., 0] if channels == 1 else view


def _size(message: Image) -> str:
    return f"{message.width}x{message.height}"
