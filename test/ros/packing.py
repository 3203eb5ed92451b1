"""Pictures packed by hand into every encoding that a camera may send."""

import array

import numpy as np
from sensor_msgs.msg import Image

# Which channel each pixel of a 2x2 tile sees; ROS names the first row, then the second.
BAYER = {"rggb": (0, 1, 1, 2), "bggr": (2, 1, 1, 0), "gbrg": (1, 2, 0, 1), "grbg": (1, 0, 2, 1)}
# BT.601, video range.
YUV_FROM_RGB = np.array([[65.5, 128.6, 25.0], [-37.8, -74.2, 112.0], [112.0, -93.8, -18.2]]) / 255


def packed(image_rgb, encoding, header, padding=0, is_bigendian=False):
    """Return an image message with so many bytes of rubbish behind each row."""
    height, width = image_rgb.shape[:2]
    pixels = _pixels(image_rgb, encoding, is_bigendian)
    rows = np.frombuffer(pixels.tobytes(), np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xA5)
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=rows.shape[1],
        data=array.array("B", rows.tobytes()),
    )


def _pixels(rgb, encoding, is_bigendian):
    match encoding.split("_"):
        case ["bayer", pattern]:
            mosaic = _mosaic(rgb, BAYER[pattern.removesuffix("8").removesuffix("16")])
            return _deep(mosaic, is_bigendian) if pattern.endswith("16") else mosaic
        case ["yuv422" | "uyvy"]:
            return _yuv(rgb)[..., ::-1]
        case ["yuv422", "yuy2"] | ["yuyv"]:
            return _yuv(rgb)
        case ["nv12"]:
            return _planes(rgb, slice(None))
        case ["nv21"]:
            return _planes(rgb, slice(None, None, -1))
    deep = encoding.startswith("16UC") or encoding.endswith("16")
    pixels = _channels(rgb, encoding)
    return _deep(pixels, is_bigendian) if deep else pixels


def _channels(rgb, encoding):
    if encoding in ("mono8", "8UC1", "mono16"):
        return np.round(rgb @ [0.299, 0.587, 0.114]).astype(np.uint8)
    ordered = rgb if encoding.startswith("rgb") else rgb[..., ::-1]
    opaque = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    return np.dstack([ordered, opaque]) if "a" in encoding or "C4" in encoding else ordered


def _deep(pixels, is_bigendian):
    return (pixels.astype(np.uint32) * 257).astype(">u2" if is_bigendian else "<u2")


def _planes(rgb, order):
    """Return (H * 3 / 2, W): light, then u and v of each four pixels by turns, or v and u."""
    y, u, v = np.moveaxis(rgb @ YUV_FROM_RGB.T + [16, 128, 128], -1, 0)
    pairs = np.stack([u, v], axis=-1)[..., order]
    fours = (pairs[0::2, 0::2] + pairs[1::2, 0::2] + pairs[0::2, 1::2] + pairs[1::2, 1::2]) / 4
    return np.round(np.vstack([y, fours.reshape(len(fours), -1)])).astype(np.uint8)


def _yuv(rgb):
    """Return (H, W, 2): luma, and by turns the pair's u and v."""
    y, u, v = np.moveaxis(rgb @ YUV_FROM_RGB.T + [16, 128, 128], -1, 0)
    chroma = np.empty_like(y)
    chroma[:, 0::2] = (u[:, 0::2] + u[:, 1::2]) / 2
    chroma[:, 1::2] = (v[:, 0::2] + v[:, 1::2]) / 2
    return np.round(np.stack([y, chroma], axis=-1)).astype(np.uint8)


def _mosaic(rgb, channels):
    mosaic = np.empty(rgb.shape[:2], np.uint8)
    for number, channel in enumerate(channels):
        row, column = divmod(number, 2)
        mosaic[row::2, column::2] = rgb[row::2, column::2, channel]
    return mosaic
