"""Read the size of a compressed image from its header, to refuse huge ones before decoding."""

from io import BytesIO

from PIL import JpegImagePlugin, PngImagePlugin

MOST_DECODED_PX = 2**26  # the largest cameras of robots have 61 million pixels
_READERS = (PngImagePlugin.PngImageFile, JpegImagePlugin.JpegImageFile)


def decoded_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG picture, None if it is neither."""
    for reader in _READERS:
        try:
            # Not by Image.open, which has a limit of its own and other formats.
            return reader(BytesIO(content)).size
        except (SyntaxError, OSError, ValueError, KeyError, IndexError):
            continue
    return None


def check_decoded_size(content: bytes, most_px: int) -> None:
    """Refuse a picture that would unpack to more pixels than that, or whose size is not told.

    Raises:
        ValueError: it has more pixels, or is neither PNG nor JPEG.
    """
    size = decoded_size(content)
    if size is None:
        raise ValueError(
            f"the {len(content)} bytes of the compressed image are not an image, need JPEG or PNG"
        )
    width, height = size
    if width * height > most_px:
        raise ValueError(
            f"the {len(content)} bytes of the compressed image unpack to {width}x{height} pixels, "
            f"max_decoded_px allows {most_px}"
        )
