"""The default model's recipe as a whole, on a few scenes and one step of every stage."""

from dataclasses import replace

import pytest
import torch

pytest.importorskip("scipy", reason="pip install 'evf_sam_ros[training]'")

from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.training import export, recipes, tabletop_data, tabletop_task


def test_every_stage_starts_from_the_one_before_and_a_model_comes_out(tmp_path, monkeypatch):
    monkeypatch.setattr(tabletop_data, "SHARD", 6)
    (tmp_path / "scenes").mkdir()
    for seed in (0, recipes.WIDE_SEED, recipes.HELD_OUT_SEED):
        tabletop_data._render_shard(tmp_path / "scenes" / f"scenes_{seed:08d}.npz", seed)
    for name in ("TRAINING_SCENES", "WIDE_SCENES", "HELD_OUT_SCENES"):
        monkeypatch.setattr(recipes, name, 6)
    monkeypatch.setattr(recipes, "SIZES", {})
    small = tabletop_task.BatchSize(images=2, prompts=2, decoded=1)
    monkeypatch.setattr(recipes, "SIZE_AFTERWARDS", small)
    for module, name in ((tabletop_task, "BATCHES_HELD_OUT"), (export, "BATCHES")):
        monkeypatch.setattr(module, name, 1)
    monkeypatch.setattr(recipes, "STAGES", {k: _short(s) for k, s in recipes.STAGES.items()})
    recipes.run("tabletop", tmp_path, resume=False)

    for stage in tabletop_task.Stage:
        state = torch.load(tmp_path / stage.value / "checkpoint.pt", weights_only=True)
        assert state["step"] == 1, stage
    predictor = load_predictor(tmp_path / "model", "cpu")
    depth = VARIANTS["tabletop"].encoder.depth
    assert len(predictor.model.encoder.layers) == depth
    scene = render_scene(800_000, 320, 240)
    answer = predictor(scene.rgb, ["the red mug"])
    assert answer.masks.shape == (1, 240, 320)


def _short(schedule):
    return replace(schedule, steps=1, warmup=1, workers=0)
