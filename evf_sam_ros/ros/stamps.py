"""Conversion between ROS times and integer nanoseconds."""

from builtin_interfaces.msg import Duration, Time

_INT32_MAX = 2**31 - 1
_BILLION = 1_000_000_000


def nanoseconds(stamp: Time | Duration) -> int:
    return int(stamp.sec) * _BILLION + int(stamp.nanosec)


def time_message(nanoseconds: int) -> Time:
    seconds, rest = divmod(nanoseconds, _BILLION)
    return Time(sec=_as_int32(seconds), nanosec=rest)


def duration_message(nanoseconds: int) -> Duration:
    seconds, rest = divmod(nanoseconds, _BILLION)
    return Duration(sec=_as_int32(seconds), nanosec=rest)


def _as_int32(seconds: int) -> int:
    # Clocks that disagree by decades must not end the node.
    return max(-_INT32_MAX - 1, min(_INT32_MAX, seconds))
