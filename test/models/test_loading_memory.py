"""A checkpoint is loaded without holding two copies of it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import EFFICIENT_SAM, ENCODER

from evf_sam_ros.models.checkpoint import CONFIG_KEY
from evf_sam_ros.models.config_document import document_from_config
from evf_sam_ros.models.variants import VARIANTS, build

MEDIUM = replace(
    EFFICIENT_SAM, encoder=replace(ENCODER, width=256, heads=4, feed_forward=1024, depth=16)
)  # 100 MB
FOLDERS = {
    "float32 .safetensors": (torch.float32, "safetensors", 1),
    "float16 .safetensors": (torch.float16, "safetensors", 1),
    "float32 .bin": (torch.float32, "bin", 1),
    "bfloat16 .bin": (torch.bfloat16, "bin", 1),
    "float16 .safetensors in three shards": (torch.float16, "safetensors", 3),
    "float32 .bin in three shards": (torch.float32, "bin", 3),
}


def write_folder(folder, config, state, dtype, ending, shards):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({CONFIG_KEY: document_from_config(config)}))
    names = list(state)
    for i in range(shards):
        part = {name: state[name].to(dtype) for name in names[i::shards]}
        if ending == "bin":
            torch.save(part, folder / f"pytorch_model-{i}.bin")
        else:
            save_file(part, folder / f"model-{i}.safetensors")


def peaks(folder, config):
    """Write every kind of folder of random weights, and measure how each loads."""
    state = build(config).state_dict()
    for name, kind in FOLDERS.items():
        write_folder(folder / name, config, state, *kind)
    small = build(EFFICIENT_SAM).state_dict()
    write_folder(folder / "small", EFFICIENT_SAM, small, torch.float16, "bin", 1)
    root = Path(__file__).parents[2]
    command = [sys.executable, Path(__file__).with_name("loading_peaks.py")]
    done = subprocess.run(
        [*command, *(str(folder / name) for name in ("small", *FOLDERS))],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    return {Path(path).name: ratio for path, ratio in json.loads(done.stdout).items()}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured on Linux only")
@pytest.mark.parametrize(
    "config", [MEDIUM, pytest.param(VARIANTS["evf_effisam_b"], marks=pytest.mark.slow)]
)
def test_loading_takes_little_more_memory_than_the_weights(config, tmp_path):
    measured = peaks(tmp_path, config)
    assert set(measured) == set(FOLDERS)
    assert {name: ratio for name, ratio in measured.items() if ratio > 1.3} == {}
    assert min(measured.values()) > 0.9, "the measurement misses the weights"
