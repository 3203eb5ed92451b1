"""Model folders as training tools and accidents leave them load, or one sentence says why not."""

import json
import os
import random
import shutil
import struct

import numpy as np
import pytest
import torch
from rounding import assert_same
from safetensors.torch import load_file, save_file

from evf_sam_ros.perception.predictor import load_predictor

IMAGE = np.zeros((60, 80, 3), np.uint8)
WEIGHTS, CONFIG, WORDS = "model.safetensors", "config.json", "tokenizer.json"


@pytest.fixture
def folder(tiny, tmp_path):
    """Return a copy of a whole model that a test may spoil."""
    return shutil.copytree(tiny, tmp_path / "model")


@pytest.fixture
def state(tiny):
    return load_file(tiny / WEIGHTS)


def rewrite(folder, content, name="pytorch_model.bin"):
    """Put a file of torch in place of the weights."""
    (folder / WEIGHTS).unlink()
    torch.save(content, folder / name)


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


WRAPPED = {
    "plain": lambda state: state,
    "model": lambda state: {"model": state, "epoch": 3, "optimizer": {"step": 7}},
    "state_dict": lambda state: {"state_dict": state},
    "DataParallel": lambda state: prefixed(state, "module."),
    "compiled, in DataParallel": lambda state: prefixed(state, "module._orig_mod."),
    "PEFT": lambda state: prefixed(state, "base_model.model."),
    "Lightning": lambda state: {"state_dict": prefixed(state, "model."), "global_step": 1},
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_weights_as_training_tools_wrap_them_answer_as_before(folder, state, wrap):
    expected = load_predictor(folder, "cpu")(IMAGE, ["the red mug"]).logits
    rewrite(folder, wrap(state))
    computed = load_predictor(folder, "cpu")(IMAGE, ["the red mug"]).logits
    assert_same(computed, expected)  # tensors lie elsewhere: sums differ in their last digit


def refused(folder, said):
    with pytest.raises(ValueError, match=said) as caught:
        load_predictor(folder, "cpu")
    assert "\n" not in str(caught.value)


def test_two_models_in_one_file_are_refused_with_the_cure(folder, state):
    rewrite(folder, {"model": state, "state_dict": state})
    refused(
        folder, r"than tensors by name: write it by torch\.save\(model\.state_dict\(\), \.\.\.\)"
    )


@pytest.mark.parametrize("name", ["checkpoint.pth", "best.pt", "last.ckpt"])
def test_weights_under_another_name_are_refused_with_the_cure(folder, state, name):
    rewrite(folder, state, name)
    refused(folder, rf"rename {name} to pytorch_model\.bin")


def test_the_file_of_the_weights_in_place_of_its_folder_is_refused_with_the_cure(folder):
    refused(folder / WEIGHTS, "is a file: give the folder it is in")


def test_a_byte_order_mark_does_no_harm(folder):
    content = (folder / CONFIG).read_bytes()
    (folder / CONFIG).write_bytes(b"\xef\xbb\xbf" + content)
    load_predictor(folder, "cpu")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_by_the_name_of_their_tensor(folder, state, value):
    name = next(name for name, tensor in state.items() if tensor.ndim > 1)
    state[name].view(-1)[-1] = value
    save_file(state, folder / WEIGHTS)
    refused(folder, f"are not finite, need numbers: {name.replace('.', '[.]')}; the training")


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64])
def test_weights_that_are_not_floating_point_are_refused(folder, state, dtype):
    save_file({name: tensor.to(dtype) for name, tensor in state.items()}, folder / WEIGHTS)
    refused(folder, f"wrong number format: .* is {str(dtype).removeprefix('torch.')}")


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, WORDS, "added_tokens.json"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(folder, name):
    (folder / name).unlink(missing_ok=True)
    if name == "added_tokens.json":
        (folder / WORDS).rename(folder / "sentencepiece.bpe.model")  # broken as well
    os.mkfifo(folder / name)
    refused(folder, "is not a regular file|no model|is not a sentencepiece model")


@pytest.mark.parametrize("name", [WEIGHTS, WORDS])
def test_a_device_and_a_loop_of_links_are_refused(folder, name):
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    refused(folder, "is not a regular file")
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)
    refused(folder, "Too many levels|holds no tokenizer")


def all_sizes(value, number):
    """Put a number in place of every size of a configuration."""
    if isinstance(value, dict):
        return {key: all_sizes(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [all_sizes(each, number) for each in value]
    is_size = isinstance(value, int) and not isinstance(value, bool) and value > 2
    return number if is_size else value


@pytest.mark.parametrize("number", [0, -1, 10**6, 10**400, 2.5, None, "8", [], {}])
def test_sizes_that_no_model_has_are_refused(folder, number):
    document = json.loads((folder / CONFIG).read_text())
    document["evf_sam_ros"] = all_sizes(document["evf_sam_ros"], number)
    (folder / CONFIG).write_text(json.dumps(document))
    refused(folder, "model")


def test_every_single_entry_of_a_configuration_that_is_spoilt_is_refused_or_does_no_harm(folder):
    document = json.loads((folder / CONFIG).read_text())
    for path in leaves(document):
        for spoilt in (None, -1, "x", [], {}, 1e400):
            (folder / CONFIG).write_text(json.dumps(replaced(document, path, spoilt)))
            loads_or_refuses(folder)


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield (*path, key)
            yield from leaves(each, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    return {**value, path[0]: replaced(value[path[0]], path[1:], new)}


def loads_or_refuses(folder):
    said = "it loads"
    try:
        load_predictor(folder, "cpu")
    except ValueError as error:
        said = str(error)
    assert said.strip()
    assert "\n" not in said


def test_deeply_nested_and_huge_json_is_refused(folder):
    (folder / CONFIG).write_text("[" * 200_000 + "]" * 200_000)
    refused(folder, "is not a JSON file")
    with (folder / CONFIG).open("wb") as file:
        file.truncate(2**30)
    refused(folder, "is not a JSON file: more than 64 MiB")


@pytest.mark.parametrize("length", [0, 20, 10**8, 2**63])
def test_a_header_that_lies_about_its_length_is_refused(folder, length):
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", length) + b"{}" * 10)
    refused(folder, "cut short or damaged|do not fit")


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, WORDS])
@pytest.mark.parametrize("seed", range(8))
def test_bytes_at_random_are_refused_or_do_no_harm(folder, name, seed):
    dice = random.Random(seed)
    content = bytearray((folder / name).read_bytes())
    for _ in range(dice.choice([1, 10, 1000])):
        content[dice.randrange(len(content))] = dice.randrange(256)
    (folder / name).write_bytes(content[: dice.choice([len(content), len(content) // 2])])
    loads_or_refuses(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(folder):
    (folder / WEIGHTS).chmod(0)
    refused(folder, "cannot be read")
