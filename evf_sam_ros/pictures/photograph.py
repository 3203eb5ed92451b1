"""Pictures from and to files, as the person who took them sees them."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.pictures import jpeg
from evf_sam_ros.pictures.bit_depth import eight_bits
from evf_sam_ros.whole_files import write_bytes

PICTURES = (".png", ".jpg", ".jpeg")
LOSSLESS = (".png",)
JPEG_QUALITY = 82  # of pictures in reports


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a picture as (H, W, 3) RGB: turned as its EXIF says, grey expanded, alpha dropped.

    Raises:
        ValueError: there is no such file, or it is no picture.
    """
    if not path.is_file():
        raise ValueError(f"no such file: {str(path)!r}")
    # Decoding bytes, not a path, so that no name is beyond OpenCV's file access.
    content = path.read_bytes()
    if content.startswith(jpeg.START):
        content = _whole(content, path)
    pixels = _decoded(content, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if pixels is not None and pixels.dtype == np.uint16:
        pixels = eight_bits(pixels)
    elif pixels is not None and pixels.dtype != np.uint8:
        pixels = _decoded(content, cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{str(path)!r} is not a picture that OpenCV reads, such as JPEG or PNG")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _whole(content: bytes, path: Path) -> bytes:
    """Return a JPEG with its end marker; ValueError where it is damaged."""
    try:
        jpeg.decode(content)
    except jpeg.DamagedImageError as error:
        raise ValueError(f"{str(path)!r} is cut off or broken: {error}") from error
    except ValueError:
        return content  # OpenCV may know more of it
    return jpeg.with_end(content)


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
