"""A recording made in front of the node holds what `evf-sam bag` reads."""

import json
import subprocess
import sys
import time

import pytest
from patience import patience
from processes import running
from rosbags.highlevel import AnyReader
from tiny_model import ALWAYS, write_tiny_model

from evf_sam_ros.cli import main

PATIENCE_S = patience(60.0)
ENOUGH_BYTES = 4_000_000  # seven colour and depth images of 320 x 240


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_what_the_camera_showed_is_answered_from_the_recording(tmp_path, storage):
    folder = tmp_path / "bag"
    with (
        running("demo.record_node", f"path:={folder}", f"storage:={storage}", namespace="/rec"),
        running("cameras.sim_camera_node", "width:=320", "height:=240", namespace="/rec"),
    ):
        deadline = time.monotonic() + PATIENCE_S
        while _size_of(folder) < ENOUGH_BYTES:
            assert time.monotonic() < deadline, "nothing was recorded"
            time.sleep(0.1)
    model = write_tiny_model(tmp_path / "model", ALWAYS)
    with AnyReader([folder]) as reader:
        kinds = {name: topic.msgtype for name, topic in reader.topics.items()}
    assert kinds["/rec/image"] == "sensor_msgs/msg/Image"
    assert kinds["/rec/evf_sam/result"] == "evf_sam_ros/msg/SegmentationResult"
    out = tmp_path / "out"
    code = main(
        ["bag", str(folder), "the red mugs", "-o", str(out), "--model", str(model), "--limit", "3"]
    )
    assert code == 0
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert line["frame_id"] == "camera_color_optical_frame"
        assert line["answers"][0]["depth_status"] in ("OK", "TOO_SPARSE")


def _size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*")) if folder.exists() else 0


def test_a_folder_that_is_there_is_not_written_to(tmp_path):
    command = [sys.executable, "-m", "evf_sam_ros.ros.demo.record_node", "--ros-args"]
    done = subprocess.run(
        [*command, "-p", f"path:={tmp_path}"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 1
    assert "is there already: name a new folder" in done.stderr
