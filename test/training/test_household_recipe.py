"""The household's recipe as a whole, on a few scenes and one step of every stage."""

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("scipy", reason="pip install 'evf_sam_ros[training]'")

from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.household.household_scene import render_household
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.training import export, household, recipes, tabletop_data, tabletop_task
from evf_sam_ros.training.tabletop_batches import NONE, BatchMaker, Labels, MixedBatches

DRAW = {"household": render_household, "tabletop": render_scene}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four scenes of each world, and four held out."""
    folder = tmp_path_factory.mktemp("household")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabletop_data, "SHARD", 4)
        for world, draw in DRAW.items():
            (folder / "scenes" / world).mkdir(parents=True)
            for seed in (0, household.HELD_OUT_SEED):
                file = folder / "scenes" / world / f"scenes_{seed:08d}.npz"
                tabletop_data._render_shard(file, seed, draw)
    return folder


def test_every_stage_starts_from_the_one_before_and_a_model_comes_out(folder, monkeypatch):
    monkeypatch.setattr(household, "SCENES", dict.fromkeys(DRAW, 4))
    monkeypatch.setattr(household, "HELD_OUT_SCENES", 8)
    small = tabletop_task.BatchSize(images=1, prompts=2, decoded=1)
    monkeypatch.setattr(household, "SIZE", small)
    for module, name in (
        (tabletop_task, "BATCHES_HELD_OUT"), (export, "BATCHES"), (export, "IMAGES")
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 1)
    short = {k: replace(s, steps=1, warmup=1, workers=0) for k, s in household.STAGES.items()}
    monkeypatch.setattr(household, "STAGES", short)
    recipes.run("household", folder, resume=False)
    for stage in short:
        state = torch.load(folder / stage.value / "checkpoint.pt", weights_only=True)
        assert state["step"] == 1, stage

    predictor = load_predictor(folder / "model", "cpu")
    answer = predictor(render_household(800_000, 320, 240).rgb, ["the blue spatula", "the gnu"])
    assert answer.masks.shape == (2, 240, 320)
    assert answer.unknown_words == ((), ("gnu",))


def test_each_batch_comes_from_one_world_by_their_shares():
    class Marked:
        picture = None

        def __init__(self, mark):
            self.mark = mark

        def make(self, rng, images, prompts, *, vary=True):
            return self.mark

    mixed = MixedBatches({Marked("a"): 3.0, Marked("b"): 1.0})
    drawn = [mixed.make(np.random.default_rng(i), 1, 1) for i in range(400)]
    assert 0.68 < drawn.count("a") / 400 < 0.82  # three deviations of a share of 3/4


def test_what_the_labels_lack_gets_no_label(folder):
    scenes = tabletop_data.load_scenes([folder / "scenes" / "household" / "scenes_00000000.npz"])
    shape = scenes.objects[0][0].shape
    labels = Labels((shape,), household.LABELS.colors)

    class Words:
        def encode(self, text):
            return [0, 2]

    maker = BatchMaker(
        scenes, Words(), household.start(folder)[1].image_input, household.MIX, labels
    )
    batch = maker.make(np.random.default_rng(0), 2, 2)
    assert set(batch.shapes_BO.flatten().tolist()) <= {0, NONE}
    assert batch.colors_BO.max() > 0


def test_the_vocabulary_knows_every_name_of_the_household(folder):
    household.start(folder)
    tokenizer = household.load_tokenizer(folder)
    for phrase in household.phrases():
        assert not tokenizer.unknown_words(phrase), phrase
