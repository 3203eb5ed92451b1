"""Weights stay in the file that they were loaded from, and the file stays as it is."""

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import EFFICIENT_SAM, randomised

from evf_sam_ros.engines.precision import round_weights, rounded_names
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import document_from_config
from evf_sam_ros.models.variants import build
from evf_sam_ros.models.weights import read_weights
from evf_sam_ros.training.optimizer import build_optimizer

NAMES = {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}
FORMATS = pytest.mark.parametrize("ending", NAMES)
on_linux = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="told on Linux only")


@pytest.fixture(scope="module")
def state():
    return randomised(build(EFFICIENT_SAM)).state_dict()


def write(folder, state, ending):
    """Write a model folder; return its file of weights."""
    document = {checkpoint.CONFIG_KEY: document_from_config(EFFICIENT_SAM)}
    (folder / "config.json").write_text(json.dumps(document))
    file = folder / NAMES[ending]
    (save_file if ending == "safetensors" else torch.save)(state, file)
    return file


def maps(file):
    """Return what of a file is mapped here: (first byte, byte behind the last, anonymous kB)."""
    entries = re.split(
        r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.M
    )
    own = [entry for entry in entries if f" {file}\n" in entry]
    bounds = [re.match(r"(\w+)-(\w+) ", entry).groups() for entry in own]
    anonymous = [int(re.search(r"^Anonymous: +(\d+) kB", entry, re.M)[1]) for entry in own]
    return [
        (int(first, 16), int(end, 16), kilobytes)
        for (first, end), kilobytes in zip(bounds, anonymous, strict=True)
    ]


def same(state, other):
    return state.keys() == other.keys() and all(torch.equal(state[n], other[n]) for n in state)


@on_linux
@FORMATS
def test_float32_weights_are_the_file_and_no_memory_of_their_own(ending, state, tmp_path):
    file = write(tmp_path, state, ending)
    own = checkpoint.load(tmp_path).model.state_dict()
    assert same(own, state)  # every one was read
    mapped = maps(file)
    assert all(
        any(first <= tensor.data_ptr() < end for first, end, _ in mapped)
        for tensor in own.values()
    )
    assert [kilobytes for *_, kilobytes in mapped if kilobytes] == []


@on_linux
@FORMATS
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_leave_their_file(ending, dtype, state, tmp_path):
    rounded = {name: tensor.to(dtype) for name, tensor in state.items()}
    file = write(tmp_path, rounded, ending)
    own = checkpoint.load(tmp_path).model.state_dict()
    assert same(own, {name: tensor.float() for name, tensor in rounded.items()})
    assert maps(file) == []


@FORMATS
def test_training_moves_the_model_and_not_its_file(ending, state, tmp_path):
    file = write(tmp_path, state, ending)
    before = file.read_bytes()
    model = checkpoint.load(tmp_path).model
    optimizer = build_optimizer(
        model, "muon", learning_rate=0.1, weight_decay=0.1, betas=(0.9, 0.99)
    )
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moved = model.state_dict()
    assert not any(torch.equal(moved[name], state[name]) for name, _ in model.named_parameters())
    assert file.read_bytes() == before
    assert same(checkpoint.load(tmp_path).model.state_dict(), state)


@FORMATS
def test_rounding_a_model_leaves_its_file(ending, state, tmp_path):
    file = write(tmp_path, state, ending)
    before = file.read_bytes()
    model = checkpoint.load(tmp_path).model
    round_weights(model, torch.bfloat16)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert file.read_bytes() == before


def test_a_model_saved_over_the_one_that_runs_changes_only_the_file(state, tmp_path):
    write(tmp_path, state, "safetensors")
    running = checkpoint.load(tmp_path).model
    trained = checkpoint.load(tmp_path).model
    with torch.no_grad():
        trained.projector[0].weight += 1
    checkpoint.save(trained, EFFICIENT_SAM, tmp_path)
    assert same(running.state_dict(), state)
    assert same(checkpoint.load(tmp_path).model.state_dict(), trained.state_dict())


def test_tensors_that_share_their_place_in_a_file_do_not_share_it_in_a_model(tmp_path):
    both = torch.arange(12.0)
    tied = {"one": both, "other": both, "part": both[3:6], "all_equal": both[:1].expand(4)}
    torch.save(tied, tmp_path / "pytorch_model.bin")
    state = read_weights(tmp_path)
    assert same(state, tied)
    for tensor in state.values():
        tensor += 1
    assert same(state, {name: tensor + 1 for name, tensor in tied.items()})


def test_numbers_at_odd_places_of_a_file_are_read(tmp_path):
    numbers = np.arange(6, dtype="<f4")
    header = {
        "byte": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "numbers": {"dtype": "F32", "shape": [2, 3], "data_offsets": [1, 25]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    content = struct.pack("<Q", len(text)) + text + b"\7" + numbers.tobytes()
    (tmp_path / "model.safetensors").write_bytes(content)
    state = read_weights(tmp_path)
    assert state["numbers"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert state["numbers"].data_ptr() % 4 == 0
    assert state["byte"].tolist() == [7]


@FORMATS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_another_device_takes_every_tensor_from_the_file(ending, dtype, state, tmp_path):
    write(tmp_path, {name: tensor.to(dtype) for name, tensor in state.items()}, ending)
    own = checkpoint.load(tmp_path, device="meta").model.state_dict()
    assert {(t.device.type, t.dtype) for t in own.values()} == {("meta", torch.float32)}
    assert {name: t.shape for name, t in own.items()} == {n: t.shape for n, t in state.items()}


@FORMATS
@pytest.mark.parametrize("stored", [torch.float32, torch.float16])
def test_another_device_takes_weights_rounded_that_autocast_rounds(
    ending, stored, state, tmp_path
):
    prefixed = {f"module.{name}": tensor.to(stored) for name, tensor in state.items()}
    write(tmp_path, prefixed, ending)
    rounding = checkpoint.Rounding(torch.bfloat16, rounded_names)
    there = checkpoint.load(tmp_path, device="meta", rounding=rounding).model
    here = checkpoint.load(tmp_path).model
    round_weights(here, torch.bfloat16)
    expected = {name: tensor.dtype for name, tensor in here.state_dict().items()}
    assert {name: tensor.dtype for name, tensor in there.state_dict().items()} == expected
    assert set(expected.values()) == {torch.float32, torch.bfloat16}


def test_a_mapped_tensor_is_stored_without_the_rest_of_its_file(state, tmp_path):
    file = write(tmp_path, state, "bin")
    name, tensor = next(iter(read_weights(tmp_path).items()))
    torch.save({name: tensor}, tmp_path / "one.pt")
    assert (tmp_path / "one.pt").stat().st_size < file.stat().st_size / 2
