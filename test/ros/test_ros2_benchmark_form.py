"""Figures of the node under the names, and in the units, of ros2_benchmark."""

import pytest

from benchmarks.ros2_benchmark_form import as_ros2_benchmark

BASIC = "BasicPerformanceMetrics."


def test_rates_latencies_and_jitter_are_those_of_the_times_of_arrival():
    # Images at 0, 100, 300 and 400 ms; one at 200 ms had no answer. Results at 20, 130, 320, 430.
    figures = {"camera_hz": 10.0, "images_without_answer": 1, "size": "640x480"}
    written = as_ros2_benchmark(figures, [5.0, 5.1, 5.3, 5.4], [0.02, 0.03, 0.02, 0.03])
    values = {
        name.removeprefix(BASIC): each for name, each in written.items() if name != "metadata"
    }
    assert values == pytest.approx(
        {
            "RECEIVED_DURATION": 410.0,
            "MEAN_PLAYBACK_FRAME_RATE": 10.0,
            "MEAN_FRAME_RATE": 4 / 0.41,
            "NUM_MISSED_FRAMES": 1.0,
            "NUM_FRAMES_SENT": 5.0,
            "FIRST_SENT_RECEIVED_LATENCY": 20.0,
            "LAST_SENT_RECEIVED_LATENCY": 30.0,
            "FIRST_INPUT_LATENCY": 20.0,
            "LAST_INPUT_LATENCY": 30.0,
            "MAX_LATENCY": 30.0,
            "MIN_LATENCY": 20.0,
            "MEAN_LATENCY": 25.0,
            # Gaps of 110, 190 and 110 ms change by 80 ms twice.
            "MAX_JITTER": 80.0,
            "MIN_JITTER": 80.0,
            "MEAN_JITTER": 80.0,
            "STD_DEV_JITTER": 0.0,
        },
        abs=1e-6,
    )
    assert written["metadata"]["name"] == "evf_sam 640x480"
