"""The demo as one runs it: real processes, real topics, a folder of results."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
from patience import patience
from safetensors.torch import load_file, save_file
from tiny_model import ALWAYS, write_tiny_model

from evf_sam_ros.ros.demo.demo import SEED, choose_commands
from evf_sam_ros.sim.expressions import find_targets
from evf_sam_ros.sim.scene import render_scene

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = patience(300.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Make a model that finds every object it has a word for, always on the whole image."""
    folder = write_tiny_model(tmp_path_factory.mktemp("model"), ALWAYS)
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name in ("up_to_half", "skip_half", "mask_head.2"):
        weights[f"segmenter.{name}.weight"].zero_()
    for name in ("up_to_half", "mask_head.2"):
        weights[f"segmenter.{name}.bias"].fill_(1.0)
    weights["segmenter.skip_half.bias"].zero_()
    save_file(weights, path)
    return folder


def command_line(folder, model, *texts):
    options = ["--output", str(folder), "--model", str(model)]
    return [sys.executable, "-m", "evf_sam_ros.ros.demo.demo", *options, *texts]


def run(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "ROS_DOMAIN_ID"}
    return subprocess.run(
        command_line(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=TIMEOUT_S,
    )  # fmt: skip


def children_of(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition, timeout_s=TIMEOUT_S):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("demo") / "output"
    return folder, run(folder, model)


def test_the_scene_offers_a_sentence_and_one_expression_of_each_kind():
    scene = render_scene(SEED, 320, 240)
    commands = choose_commands(scene)
    sentence, *_, nothing = commands
    assert sentence == "pick up the red mug, please"
    assert [scene.objects[i].shape for i in commands[sentence]] == ["mug"]
    assert commands[nothing] == ()
    assert len(commands) == 5
    assert any(len(targets) > 1 for targets in commands.values())


def test_every_command_leaves_a_picture_and_a_line_with_the_truth(first_run):
    folder, done = first_run
    assert done.returncode == 0, done.stderr
    rows = json.loads((folder / "results.json").read_text())
    scene = render_scene(SEED)
    assert [row["command"] for row in rows] == list(choose_commands(scene))
    for row in rows:
        assert cv2.imread(str(folder / row["picture"])).shape == (480, 640, 3)
        assert row["picture"] in done.stdout
    mug = rows[0]
    assert (mug["expression"], mug["score"]) == ("the red mug", 0.8808)
    assert (mug["status"], mug["message"]) == ("FOUND", "")
    assert 0 < mug["latency_ms"] < 5000
    truth = scene.surface_centroid(find_targets("the red mug", scene.objects))
    np.testing.assert_allclose(mug["true_centroids_m"], [truth], atol=1e-4)
    assert len(mug["centroids_m"]) == 1
    assert (folder / "results.txt").read_text().strip() in done.stdout
    assert str(folder) in done.stdout


def test_what_is_asked_later_is_added_to_what_is_there(first_run, model):
    folder, _ = first_run
    before = {path.name: path.read_bytes() for path in folder.glob("[0-9]*.png")}
    done = run(folder, model, "the blue bowl", "please")
    assert done.returncode == 0, done.stderr
    added = {path.name for path in folder.glob("[0-9]*.png")} - before.keys()
    assert added == {"06_the_blue_bowl.png", "07_please.png"}
    for name, content in before.items():
        assert (folder / name).read_bytes() == content
    bowl, please = json.loads((folder / "results.json").read_text())[len(before) :]
    assert (bowl["seed"], len(bowl["true_centroids_m"])) == (SEED, 1)
    assert (please["status"], please["true_centroids_m"]) == ("COMMAND_REJECTED", None)


def test_a_model_that_is_not_there_ends_the_demo_with_the_reason(tmp_path):
    done = run(tmp_path, tmp_path / "no_model")
    assert done.returncode == 1
    assert "did not become active" in done.stderr
    assert "no_model" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_shows_the_demo_while_it_stays_and_ctrl_c_ends_it_well(tmp_path, model):
    demo = subprocess.Popen(
        [*command_line(tmp_path, model, "the red mug"), "--stay"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = ""
    for line in demo.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    url = re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as page:
        assert "EVF-SAM" in page.read().decode()
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=TIMEOUT_S)
    assert (demo.returncode, errors) == (0, "")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=TIMEOUT_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_leaves_nothing_running(tmp_path, model, number):
    demo = subprocess.Popen(
        command_line(tmp_path, model, "the red mug"),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    node_log = tmp_path / "segmentation_node.log"
    wait_for(lambda: node_log.is_file() and len(children_of(demo.pid)) == 3)
    children = children_of(demo.pid)
    demo.send_signal(number)
    _, errors = demo.communicate(timeout=TIMEOUT_S)
    assert demo.returncode == 130, errors
    assert "demo: stopped" in errors
    assert "Traceback" not in errors
    # One that was only just started ends by itself, a moment after the demo.
    wait_for(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()])
