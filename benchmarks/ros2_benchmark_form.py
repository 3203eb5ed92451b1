"""The figures of `node.py` in the form of JSON of `ros2_benchmark`."""

import os
import time
from typing import Any

import numpy as np


def as_ros2_benchmark(
    figures: dict[str, Any], stamps: list[float], latencies: list[float]
) -> dict[str, Any]:
    """Return the figures by the keys of `ros2_benchmark`, in its units: ms and images per second.

    Args:
        figures: what `measured` returns.
        stamps: the time of each answered image, seconds.
        latencies: from that time to the arrival of its result, seconds; as many.
    """
    ms = 1e3 * np.array(latencies)
    received_ms = 1e3 * (np.array(stamps) - stamps[0]) + ms
    duration_ms = float(received_ms[-1] - received_ms[0])
    jitter_ms = np.abs(np.diff(np.diff(received_ms)))
    missed = figures["images_without_answer"]
    basic = {
        "RECEIVED_DURATION": duration_ms,
        "MEAN_PLAYBACK_FRAME_RATE": figures["camera_hz"],
        "MEAN_FRAME_RATE": 1e3 * len(ms) / duration_ms,
        "NUM_MISSED_FRAMES": missed,
        "NUM_FRAMES_SENT": len(ms) + missed,
        "FIRST_SENT_RECEIVED_LATENCY": ms[0],
        "LAST_SENT_RECEIVED_LATENCY": ms[-1],
        "FIRST_INPUT_LATENCY": ms[0],
        "LAST_INPUT_LATENCY": ms[-1],
        "MAX_LATENCY": ms.max(),
        "MIN_LATENCY": ms.min(),
        "MEAN_LATENCY": ms.mean(),
        "MAX_JITTER": jitter_ms.max(),
        "MIN_JITTER": jitter_ms.min(),
        "MEAN_JITTER": jitter_ms.mean(),
        "STD_DEV_JITTER": jitter_ms.std(),
    }
    system = os.uname()
    named = {f"BasicPerformanceMetrics.{name}": float(value) for name, value in basic.items()}
    metadata = {
        "name": f"evf_sam {figures['size']}",
        "test_datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "device_hostname": system.nodename,
        "device_arch": system.machine,
        "device_os": f"{system.sysname} {system.release}",
        "benchmark_mode": "LIVE",
    }
    return {**named, "metadata": metadata}
