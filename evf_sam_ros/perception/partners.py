"""Which depth belongs to an image, live and in a recording: when to wait, what not to take."""

from collections.abc import Iterable

Size = tuple[int, int]  # width, height, pixels


def is_settled(stamps: Iterable[int], wanted: int) -> bool:
    """Tell whether waiting for a depth image is in vain: it is here, or a later one has come."""
    return any(stamp >= wanted for stamp in stamps)


def not_registered(depth: Size, image: Size, depth_frame: str, image_frame: str) -> str:
    """Return why depth does not fit an image pixel by pixel, empty if nothing says so."""
    if depth != image:
        return (
            f"depth is {depth[0]}x{depth[1]}, the image {image[0]}x{image[1]}: "
            "need depth registered to the image"
        )
    if depth_frame and image_frame and depth_frame != image_frame:
        return f"depth is in frame {depth_frame!r}, the image in {image_frame!r}: not registered"
    return ""
