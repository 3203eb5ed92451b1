"""JPEG from cameras: decodes whole pictures and rejects damaged ones.

OpenCV gives neither a picture without its end marker nor a word about one whose data is damaged;
libjpeg-turbo says what it stumbled over, and `jpeg_seams` finds errors that it cannot see.
"""

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.pictures.jpeg_seams import seam_of

START, END = b"\xff\xd8\xff", b"\xff\xd9"
JUNK = 64  # bytes that a camera may send before the picture
MOST_PIXELS = 2**30


def starts_at(content: bytes) -> int | None:
    """Return the offset at which a JPEG picture begins; None if the data has none."""
    place = content[: JUNK + len(START)].find(START)
    return None if place < 0 else place


def decode(content: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels, (H, W, 3) RGB as stored, whatever the EXIF data says of turning.

    None: a kind of JPEG that libjpeg-turbo does not make RGB of, such as CMYK, or the package
    simplejpeg is not installed; OpenCV then reads what it can.

    Raises:
        DamagedImageError: it ends early, its data is damaged, or wrong bits have changed it from
            some block on.
        ValueError: it is not a JPEG, or one with more pixels than can be meant.
    """
    start = starts_at(content)
    if start is None:
        raise ValueError("no JPEG: its first bytes are missing")
    content = content[start:]
    turbo = _turbo()
    sampling = "" if turbo is None else _sampling_of_rgb(turbo, content)
    if turbo is None or not sampling:
        return None
    pixels = _whole(turbo, content)
    if (seam := seam_of(pixels, sampling)) is not None:
        raise DamagedImageError(str(seam))
    return pixels


def with_end(content: bytes) -> bytes:
    """Return a JPEG with its end marker, which some cameras leave out."""
    return content if END in content[-2:] else content + END


def _without_padding(content: bytes) -> bytes:
    """Return a JPEG without zeros before its end marker, which some cameras fill up with."""
    return content.removesuffix(END).rstrip(b"\0") + END


def _turbo() -> ModuleType | None:
    try:
        import simplejpeg  # rosdep has no key for it, so not every ROS machine has the package
    except ImportError:
        return None
    return simplejpeg


def _sampling_of_rgb(turbo: ModuleType, content: bytes) -> str:
    """Return the sampling of its colour; empty: libjpeg-turbo does not make RGB of it."""
    try:
        height, width, space, sampling = turbo.decode_jpeg_header(content, strict=False)
    except (ValueError, KeyError) as error:  # KeyError: a head without a colour space
        raise ValueError("no JPEG that can be read: its head is broken") from error
    if height * width > MOST_PIXELS:
        raise ValueError(f"a JPEG of {width}x{height} pixels, need {MOST_PIXELS} at most")
    return str(sampling) if space in ("YCbCr", "Gray", "RGB") else ""


def _whole(turbo: ModuleType, content: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a JPEG about which the decoder has no complaint."""
    trouble = ""
    for attempt in dict.fromkeys((content, with_end(content), _without_padding(content))):
        try:
            return _strictly(turbo, attempt)
        except ValueError as error:
            trouble = str(error)
    raise DamagedImageError(trouble)


def _strictly(turbo: ModuleType, content: bytes) -> NDArray[np.uint8]:
    return np.asarray(turbo.decode_jpeg(content, "RGB", strict=True), np.uint8)
