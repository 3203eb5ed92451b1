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
    rows = np.frombuffer(pixels.tobytes(), np.uint8).reshape(height, -1)
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
            return _mosaic(rgb, BAYER[pattern.removesuffix("8")])
        case ["yuv422" | "uyvy"]:
            return _yuv(rgb)[..., ::-1]
        case ["yuv422", "yuy2"] | ["yuyv"]:
            return _yuv(rgb)
    if encoding in ("mono8", "8UC1", "mono16"):
        gray = np.round(rgb @ [0.299, 0.587, 0.114])
        order = ">u2" if is_bigendian else "<u2"
        return (gray * 257).astype(order) if encoding == "mono16" else gray.astype(np.uint8)
    ordered = rgb if encoding.startswith("rgb") else rgb[..., ::-1]
    opaque = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    return np.dstack([ordered, opaque]) if encoding in ("rgba8", "bgra8") else ordered


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
