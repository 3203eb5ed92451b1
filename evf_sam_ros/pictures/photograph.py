"""Read and write picture files, turned upright by their EXIF data."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.ExifTags
import PIL.Image
from numpy.typing import NDArray

from evf_sam_ros.pictures import jpeg, png
from evf_sam_ros.pictures.bit_depth import eight_bits
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.whole_files import write_bytes

PICTURES = (".png", ".jpg", ".jpeg")
LOSSLESS = (".png",)
JPEG_QUALITY = 82  # of pictures in reports


def read_rgb(path: Path, *, turned: bool = True) -> NDArray[np.uint8]:
    """Read a picture as (H, W, 3) RGB: grey expanded, alpha dropped.

    Args:
        path: the file.
        turned: as its EXIF data says, as viewers show it; False: as it is stored.

    Raises:
        DamagedImageError: a part of it is missing or spoilt.
        ValueError: the file is missing or is not a picture.
    """
    check_file(path)
    return decode_rgb(path.read_bytes(), str(path), turned=turned)


def check_file(path: Path) -> None:
    """Refuse a path at which no file is, and say what is missing of it."""
    if path.is_file():
        return
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder, need a file")
    if not path.parent.is_dir():
        raise ValueError(f"no such file: {str(path)!r}; there is no folder {str(path.parent)!r}")
    raise ValueError(f"no such file: {str(path)!r}")


def decode_rgb(content: bytes, name: str, *, turned: bool = True) -> NDArray[np.uint8]:
    """Decode the content of a picture file as `read_rgb` does; `name` is for what is raised.

    Raises:
        DamagedImageError: a part of it is missing or spoilt.
        ValueError: it is empty or is not a picture.
    """
    # Decoding bytes, not a path, so that no name is beyond OpenCV's file access.
    if not content:
        raise ValueError(f"{name!r} is not a picture: it is empty")
    if content.startswith(jpeg.START):
        stored = _stored(content, name)
        if stored is not None and not (turned and _is_to_be_turned(content)):
            return stored
        content = jpeg.with_end(content)
    if content.startswith(png.START):
        _check_png(content, name)
    flags = cv2.IMREAD_COLOR if turned else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = _decoded(content, flags | cv2.IMREAD_ANYDEPTH)
    if pixels is not None and pixels.dtype == np.uint16:
        pixels = eight_bits(pixels)
    elif pixels is not None and pixels.dtype != np.uint8:
        pixels = _decoded(content, flags)
    if pixels is None:
        raise ValueError(f"{name!r} is not a picture that OpenCV reads, such as JPEG or PNG")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _stored(content: bytes, name: str) -> NDArray[np.uint8] | None:
    """Return the pixels of a JPEG; None: OpenCV may know more of it."""
    try:
        return jpeg.decode(content)
    except DamagedImageError as error:
        raise DamagedImageError(error.trouble, name) from error
    except ValueError:
        return None


def _check_png(content: bytes, name: str) -> None:
    try:
        png.check(content)
    except DamagedImageError as error:
        raise DamagedImageError(error.trouble, name) from error


def _is_to_be_turned(content: bytes) -> bool:
    try:
        with PIL.Image.open(io.BytesIO(content)) as picture:
            return picture.getexif().get(PIL.ExifTags.Base.Orientation, 1) != 1
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return True  # OpenCV decides


def _decoded(content: bytes, flags: int) -> NDArray[Any] | None:
    data = np.frombuffer(content, np.uint8)
    try:
        return cv2.imdecode(data, flags) if data.size else None
    except cv2.error:  # such as more pixels than OpenCV allows
        return None


def check_ending(path: Path, endings: tuple[str, ...]) -> None:
    """Refuse a name that does not end as wanted, before any work is done for it."""
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"cannot write {str(path)!r}: its name must end in {' or '.join(endings)}"
        )


def encode_jpeg(image_rgb: NDArray[np.uint8]) -> bytes:
    """Return (H, W, 3) RGB as a JPEG file, for a report."""
    bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return content.tobytes()


def write_image(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB or (H, W) grey; the name's ending chooses the format."""
    shown = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    _, content = cv2.imencode(path.suffix, shown)
    write_bytes(path, content.tobytes())
