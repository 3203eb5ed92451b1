"""Image messages as they came over the wire, their pixels viewed and not copied.

rclpy makes a Python object of every message that it takes: three copies of an image that mostly
nobody looks at. A raw subscription gives the serialized bytes, of which only the few before the
pixels are read here. The layout is CDR, the first version, aligned to the size of each number
(OMG DDS-RTPS, section 10); what comes in any other is left to rclpy.
"""

import struct
from dataclasses import dataclass
from typing import Any, TypeAlias

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

_BYTE_ORDERS = {b"\x00\x01": "<", b"\x00\x00": ">"}
_START = 4  # bytes that tell the representation; alignment counts from behind them


@dataclass(eq=False, slots=True)
class ReceivedImage:
    """The fields of sensor_msgs/Image."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


@dataclass(eq=False, slots=True)
class ReceivedCompressed:
    """The fields of sensor_msgs/CompressedImage."""

    header: Header
    format: str
    data: memoryview


Frame: TypeAlias = Image | CompressedImage | ReceivedImage | ReceivedCompressed


def received(kind: type, serialized: bytes) -> Any:
    """Read a serialized message.

    Args:
        kind: its type; of Image and CompressedImage only what stands before the pixels is read.
        serialized: what a raw subscription gives; the result refers to it.

    Raises:
        ValueError: the bytes are no such message.
    """
    order = _BYTE_ORDERS.get(serialized[:2])
    if order is None or kind not in (Image, CompressedImage):
        return deserialize_message(serialized, kind)
    fields = _Fields(serialized, order)
    try:
        return _compressed(fields) if kind is CompressedImage else _image(fields)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{len(serialized)} bytes that came as {kind.__name__} are none: {error}"
        ) from error


def _image(fields: "_Fields") -> ReceivedImage:
    header = fields.header()
    height, width = fields.number("I"), fields.number("I")
    encoding, is_bigendian = fields.text(), fields.number("B")
    return ReceivedImage(
        header, height, width, encoding, is_bigendian, fields.number("I"), fields.bytes()
    )


def _compressed(fields: "_Fields") -> ReceivedCompressed:
    return ReceivedCompressed(fields.header(), fields.text(), fields.bytes())


class _Fields:
    """Reads the fields of a serialized message one after the other."""

    def __init__(self, serialized: bytes, order: str) -> None:
        self._bytes = memoryview(serialized)[_START:]
        self._order = order
        self._at = 0

    def number(self, code: str) -> int:
        """Read a number of a `struct` code; it starts at a multiple of its size."""
        size = struct.calcsize(code)
        self._at += -self._at % size
        value: int = struct.unpack_from(self._order + code, self._bytes, self._at)[0]
        self._at += size
        return value

    def bytes(self) -> memoryview:
        """View a sequence of bytes, which its length precedes."""
        count = self.number("I")
        if count > len(self._bytes) - self._at:
            raise struct.error(f"{count} bytes are announced, {len(self._bytes) - self._at} come")
        self._at += count
        return self._bytes[self._at - count : self._at]

    def text(self) -> str:
        """Read a string, which ends with a zero."""
        return str(self.bytes()[:-1], "utf-8")

    def header(self) -> Header:
        stamp = Time(sec=self.number("i"), nanosec=self.number("I"))
        return Header(stamp=stamp, frame_id=self.text())
