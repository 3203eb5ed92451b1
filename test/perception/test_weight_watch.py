"""Weights that are overwritten under a running model are noticed; replaced ones do no harm."""

import os

import pytest
import torch
from safetensors.torch import save_file

from evf_sam_ros.models.weights import read_weights, weight_files
from evf_sam_ros.perception.weight_watch import WeightWatch, mapped_files


@pytest.fixture
def folder(tmp_path):
    save_file({"weight": torch.ones(4096)}, tmp_path / "model.safetensors")
    # Long ago, so that what comes differs however coarse the file system's clock is.
    os.utime(tmp_path / "model.safetensors", ns=(1, 1))
    return tmp_path


@pytest.fixture
def watched(folder):
    """Give the file of a model that is loaded from it, and its watch."""
    watch = WeightWatch(folder)
    weights = read_weights(folder)
    watch.keep_mapped()
    yield folder / "model.safetensors", watch
    del weights


def test_nothing_is_said_while_the_file_stays(watched):
    path, watch = watched
    assert path in mapped_files()
    watch.check()


def cut(path):
    os.truncate(path, 100)


def write_over(path):
    content = bytearray(path.read_bytes())
    content[-4:] = b"\x00\x00\x00\x40"
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [cut, write_over])
def test_a_file_that_is_overwritten_is_named(watched, harm):
    path, watch = watched
    harm(path)
    with pytest.raises(ValueError, match=r"model\.safetensors were overwritten .* configure"):
        watch.check()


def rename_over(path):
    other = path.with_name("other")
    other.write_bytes(b"of another model")
    os.replace(other, path)


@pytest.mark.parametrize("replaced", [rename_over, os.unlink])
def test_a_file_that_is_renamed_over_or_deleted_does_no_harm(watched, replaced):
    path, watch = watched
    replaced(path)
    watch.check()


def test_a_file_that_is_not_mapped_may_change(folder):
    watch = WeightWatch(folder)
    watch.keep_mapped()
    [path] = weight_files(folder)
    write_over(path)
    watch.check()
