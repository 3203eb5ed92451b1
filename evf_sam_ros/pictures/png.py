"""Check of PNG data before libpng decodes it, which would print its complaints to stderr."""

from zlib import crc32

from evf_sam_ros.pictures.damaged import DamagedImageError

START = b"\x89PNG\r\n\x1a\n"
_FRAME = 12  # bytes of a chunk beside its content: length, kind, checksum


def check(content: bytes) -> None:
    """Refuse a PNG file of which a part is missing or changed.

    Raises:
        DamagedImageError: it ends before its last chunk, or a checksum is wrong.
    """
    place = len(START)
    while place + _FRAME <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        end = place + _FRAME + length
        kind = content[place + 4 : place + 8]
        if end > len(content):
            break
        if crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            name = kind.decode("latin-1")
            raise DamagedImageError(f"the checksum of a PNG chunk ({name!r}) is wrong")
        if kind == b"IEND":
            return
        place = end
    raise DamagedImageError(f"PNG data ends early, after {len(content):,} bytes")
