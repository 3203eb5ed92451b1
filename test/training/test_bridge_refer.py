"""A bridge learns from a data set in its real files, SAM's features computed once."""

import json
import math

import pytest
import torch
from test_referring import FAST, write_model
from tiny_bridge import ON_SAM
from written_data import write_refcoco

from evf_sam_ros.cli import main
from evf_sam_ros.models import checkpoint
from evf_sam_ros.perception.predictor import load_predictor

pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")
pytest.importorskip("scipy", reason="pip install 'evf_sam_ros[training]'")


def test_a_bridge_learns_from_features_that_were_computed_once(tmp_path):
    data = write_refcoco(tmp_path / "data", pictures=6)
    start = write_model(tmp_path / "start", ON_SAM)
    options = ["--batch", "4", "--steps", "1", "--learning-rate", "5e-3", "--negatives", "0.3"]
    options += ["--features", tmp_path / "features", "--held-out", "refcoco/train"]
    command = ["train", "--recipe", "refer", "--model", start, "--data", data]
    command += ["-o", tmp_path / "o"]
    assert main([str(each) for each in (*command, *FAST, *options)]) == 0
    row = json.loads((tmp_path / "o" / "log.jsonl").read_text().splitlines()[-1])
    for name in ("bce", "dice", "query_bce", "query_dice", "query_sentence", "no_target"):
        assert math.isfinite(row[name]), name
    assert row["held_out/union"] > 0
    before, after = (checkpoint.load(f).model.state_dict() for f in (start, tmp_path / "o/model"))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("encoder.bert.") for name in moved)
    assert any(name.startswith("segmenter.promptable.mask_decoder.output") for name in moved)
    still = ("encoder.picture.", "segmenter.promptable.image_encoder.")
    assert not [name for name in moved if name.startswith(still)]
    predict = load_predictor(tmp_path / "o" / "model", device="cpu")
    assert predict.config == ON_SAM
