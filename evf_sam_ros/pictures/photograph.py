"""Pictures from and to files, as the person who took them sees them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

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
    content = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        pixels = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except cv2.error:  # such as more pixels than OpenCV allows
        pixels = None
    if pixels is None:
        raise ValueError(f"{str(path)!r} is not a picture that OpenCV reads, such as JPEG or PNG")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


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
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.tobytes())
