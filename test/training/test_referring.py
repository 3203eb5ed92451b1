"""The paper's recipe, from the command line, on a data set in its real files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from patience import patience
from rounding import assert_same
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from evf_sam_ros.cli import main
from evf_sam_ros.data import catalogue
from evf_sam_ros.language.tokenizer import load_tokenizer
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import build
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.training.referring_task import ReferringTask
from evf_sam_ros.training.samples import Sampler
from evf_sam_ros.training.trainable import Trained, published, train_only

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "models")]
import tiny_networks  # noqa: E402
from written_data import write_refcoco  # noqa: E402

FAST = ["--images", "4", "--workers", "1", "--no-bfloat16"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_refcoco(tmp_path_factory.mktemp("data"))


def write_model(folder, config):
    torch.manual_seed(0)
    model = build(config)
    with torch.no_grad():  # fresh zeros would hide what has no gradient
        for name, parameter in model.named_parameters():
            if not parameter.any():
                parameter.normal_(std=0.05)
            if name.startswith("encoder.") and parameter.dim() == 2:
                parameter.mul_(1.5)
    checkpoint.save(model, config, folder)
    words = ["<s>", "<pad>", "</s>", "<unk>", "the", "red", "green", "blue", "box"]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("start"), tiny_networks.EFFICIENT_SAM)


def train(start, data, folder, *options):
    command = ["train", "--recipe", "refer", "--model", start, "--data", data, "-o", folder]
    return main([str(each) for each in (*command, *FAST, *options)])


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow  # 100 steps
def test_a_tiny_model_finds_the_squares(start, data, tmp_path):
    options = ["--batch", "4", "--steps", "100", "--measure-every", "50"]
    options += ["--learning-rate", "1e-2", "--held-out", "refcoco/train"]
    assert train(start, data, tmp_path, *options) == 0
    halfway, end = rows(tmp_path)
    assert end["held_out/loss"] < 0.9 * halfway["held_out/loss"]
    assert end["held_out/ciou"] > 0.25  # one square of three is a fifteenth of the picture


def test_a_tiny_model_learns_and_can_be_asked(start, data, tmp_path):
    options = ["--batch", "4", "--steps", "12", "--measure-every", "4"]
    options += ["--learning-rate", "1e-2", "--held-out", "refcoco/train"]
    assert train(start, data, tmp_path, *options) == 0
    first, _, end = rows(tmp_path)
    assert end["held_out/loss"] < 0.95 * first["held_out/loss"]
    predict = load_predictor(tmp_path / "model")
    answer = predict(np.full((48, 64, 3), 120, np.uint8), ["the red box"])
    assert answer.masks.shape == (1, 48, 64)


def launched(start, data, folder, *options):
    """Start two processes that train together, in a group of their own."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0", "-m", "evf_sam_ros.cli", "train", "--recipe", "refer"]
    own = ["--model", start, "--data", data, "-o", folder, *FAST, *options]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    command = [str(each) for each in launch + own]
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.slow  # starts three processes that import torch
def test_two_processes_have_the_losses_of_one(start, data, tmp_path):
    pytest.importorskip("accelerate")
    options = ["--batch", "8", "--steps", "3", "--measure-every", "1", "--seed", "5"]
    assert train(start, data, tmp_path / "one", *options) == 0
    two = launched(start, data, tmp_path / "two", *options)
    said = two.communicate(timeout=patience(240))[1]
    assert two.returncode == 0, said[-2000:]
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert [row["step"] for row in two] == [1, 2, 3]
    for name in ("loss", "bce", "dice", "ciou"):
        assert_same([r[name] for r in two], [r[name] for r in one])
    weights = [checkpoint.load(tmp_path / name / "model").model for name in ("one", "two")]
    for mine, other in zip(*(each.parameters() for each in weights), strict=True):
        torch.testing.assert_close(mine, other, atol=2e-4, rtol=1e-3)


@pytest.mark.slow
def test_two_processes_that_were_killed_go_on_as_if_nothing_had_happened(start, data, tmp_path):
    pytest.importorskip("accelerate")
    options = ["--batch", "8", "--steps", "40", "--measure-every", "1", "--save-every", "4"]
    options += ["--learning-rate", "1e-3"]
    assert train(start, data, tmp_path / "whole", *options) == 0
    killed = launched(start, data, tmp_path / "killed", *options)
    deadline = time.monotonic() + patience(240)
    while not list((tmp_path / "killed").glob("checkpoint-*/step.json")):
        assert killed.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert rows(tmp_path / "killed")[-1]["step"] < 40
    resumed = launched(start, data, tmp_path / "killed", *options, "--resume")
    said = resumed.communicate(timeout=patience(240))[1]
    assert resumed.returncode == 0, said[-2000:]
    weights = [checkpoint.load(tmp_path / name / "model").model for name in ("whole", "killed")]
    for mine, other in zip(*(each.parameters() for each in weights), strict=True):
        torch.testing.assert_close(mine, other, atol=2e-3, rtol=1e-2)


def test_kept_features_give_the_same_losses_and_are_made_once(start, data, tmp_path, capsys):
    options = ["--batch", "4", "--steps", "2", "--measure-every", "1"]
    assert train(start, data, tmp_path / "images", *options) == 0
    kept = ["--features", tmp_path / "features"]
    assert train(start, data, tmp_path / "features_run", *options, *kept) == 0
    assert "image features: 12 images x" in capsys.readouterr().out
    plain, fast = rows(tmp_path / "images"), rows(tmp_path / "features_run")
    np.testing.assert_allclose([r["loss"] for r in fast], [r["loss"] for r in plain], rtol=2e-3)
    (file,) = (tmp_path / "features").glob("*.safetensors")
    written = file.stat().st_mtime_ns
    assert train(start, data, tmp_path / "again", *options, *kept) == 0
    assert file.stat().st_mtime_ns == written
    other = write_model(tmp_path / "other", tiny_networks.SAM)
    assert train(other, data, tmp_path / "wrong", *options, *kept) == 2
    assert "another model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["SAM", "EFFICIENT_SAM", "SAM_2"])
@pytest.mark.parametrize("decoder", [True, False])
def test_gradients_flow_where_they_should_and_nowhere_else(name, decoder, data, tmp_path):
    config = getattr(tiny_networks, name)
    folder = write_model(tmp_path, config)
    model = checkpoint.load(folder).model
    sampler = Sampler([catalogue.read(data, "refcoco/train")])
    task = ReferringTask(
        model, config, load_tokenizer(folder), sampler, None, images=2,
        trained=Trained(prompt_encoder=decoder, mask_decoder=decoder),
    )  # fmt: skip
    loss, _ = task.loss(task.batch(np.random.default_rng(0)))
    loss.backward()
    moved = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    parts = {".".join(each.split(".")[:2]) for each in moved}
    assert {"encoder.layers", "projector.0", "projector.2", "encoder.text_embed"} <= parts
    in_segmenter = {part for part in parts if part.startswith("segmenter.")}
    dense = set() if name == "EFFICIENT_SAM" else {"segmenter.prompt_encoder"}
    assert in_segmenter == ({"segmenter.mask_decoder"} | dense if decoder else set())
    assert not [each for each in moved if "conv_s" in each or "iou_prediction" in each]
    assert moved <= set(task.learning)
    assert "encoder.vision_embed.mask_token" not in task.learning


def test_the_paper_freezes_the_decoder_of_sam_2_alone():
    frozen = published(build(tiny_networks.SAM_2))
    assert (frozen.prompt_encoder, frozen.mask_decoder) == (False, False)
    learned = train_only(build(tiny_networks.SAM), published(build(tiny_networks.SAM)))
    assert "segmenter.prompt_encoder.no_mask_embed.weight" in learned
    assert not [name for name in learned if "image_encoder" in name or "point_embed" in name]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--batch", "6"], "batch of 6 images cannot be made of 4"),
        (["--source", "refcoco/train=-1"], "need numbers from 0 on"),
        (["--source", "refcoco/tests"], "no split 'tests'"),
        (["--variant", "evf_sam"], "either a variant"),
        (["--held-out", "ade20k/val"], "no ade20k val"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(
    options, complaint, start, data, tmp_path, capsys
):
    assert train(start, data, tmp_path, *options) == 2
    assert complaint in capsys.readouterr().err
