"""Durations by a clock that is never set: the steady clock, or ROS time in simulation."""

from time import monotonic_ns

from rclpy.clock import Clock


def elapsed_ns(clock: Clock) -> int:
    """Return nanoseconds since some instant; two of them give a duration.

    The system's clock may be set while a command is followed. Simulated time may be slower or
    faster than the system's, and whoever simulates counts in it; before it has begun, its
    durations would never end.
    """
    if getattr(clock, "ros_time_is_active", False) and (simulated := clock.now().nanoseconds):
        return int(simulated)
    return monotonic_ns()
