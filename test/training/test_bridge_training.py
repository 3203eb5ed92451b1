"""The recipe tabletop_bridge on a few scenes: what learns, that it learns, and that it resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rounding import assert_same

pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")
pytest.importorskip("scipy", reason="pip install 'evf_sam_ros[training]'")

from evf_sam_ros.language.tokenizer import WORD_FILE, load_tokenizer
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.training import bridge, export, recipes
from evf_sam_ros.training.bridge_batches import CATEGORIES
from evf_sam_ros.training.tabletop_data import TrainingScenes
from evf_sam_ros.training.trainer import Trainer
from evf_sam_ros.training.vocabulary import learn_vocabulary

BUDGET = bridge.Budget(
    schedule=replace(
        bridge.SCHEDULE, steps=4, warmup=1, save_every=2, measure_every=100, workers=1
    ),
    images=2,
    prompts=2,
)
EVF_SAM, SENTENCE, CATEGORY = bridge.CONTENDERS


@pytest.fixture(scope="module")
def scenes():
    rendered = [render_scene(seed, 320, 240) for seed in range(3)]
    return TrainingScenes(
        np.stack([scene.rgb for scene in rendered]),
        np.stack([scene.instances for scene in rendered]),
        [list(scene.objects) for scene in rendered],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, scenes):
    folder = tmp_path_factory.mktemp("bridge")
    learn_vocabulary(recipes.sentences(scenes), folder / WORD_FILE)
    return folder


def contender(which, scenes, folder):
    torch.manual_seed(0)
    model, config = bridge.start(which, load_tokenizer(folder).size)
    task = bridge.task_for(which, model, config, (scenes, scenes), folder, BUDGET)
    task._held_out_batches = 1
    return model, config, task


def test_all_contenders_learn_about_as_many_parameters(scenes, folder):
    learned = []
    for which in bridge.CONTENDERS:
        model, _, _ = contender(which, scenes, folder)
        learned.append(sum(w.numel() for w in model.parameters() if w.requires_grad))
    assert max(learned) < 1.05 * min(learned)


def test_a_batch_tells_which_objects_and_what_they_are_called(scenes, folder):
    _, config, task = contender(CATEGORY, scenes, folder)
    batch = task.batch(np.random.default_rng(3))
    told = batch.tokens_BPL[..., 1] - config.encoder.bert.vocabulary
    assert torch.equal(told, batch.categories_BP)
    there = batch.found_BP > 0.5
    assert torch.equal(batch.targets_BPO.bool().any(-1), there)
    assert (batch.categories_BP[~there] == CATEGORIES.index("background")).all()
    # The objects that a sentence means cover its mask, cell by cell.
    meant = torch.einsum("bpo,bohw->bphw", batch.targets_BPO, batch.objects_BOhw)
    mask = torch.nn.functional.avg_pool2d(batch.masks_BPmn, 4)
    assert_same(meant, mask)


def test_the_loss_falls_on_a_batch_and_frozen_parts_stay(scenes, folder):
    model, _, task = contender(SENTENCE, scenes, folder)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], 1e-3)
    task.module.train()
    batch = task.batch(np.random.default_rng(0))
    losses = []
    for _ in range(6):
        loss, _ = task.loss(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    moved = {n for n, w in model.state_dict().items() if not torch.equal(w, before[n])}
    assert not [name for name in moved if name.startswith(bridge.BRIDGE_FROZEN)], "nor statistics"
    for part in (
        "encoder.bert.", "encoder.words.", "encoder.fusion.", "encoder.pyramid.",
        "encoder.pixel_decoder.", "encoder.read.", "segmenter.pyramid.", "segmenter.queries.",
        "segmenter.no_target.", "segmenter.promptable.transformer.",
    ):  # fmt: skip
        assert any(name.startswith(part) for name in moved), part


def test_what_teaches_the_mask_leaves_the_queries_alone(scenes, folder):
    """The queries are taught by their own losses: SAM's mask says nothing to them."""
    model, _, task = contender(SENTENCE, scenes, folder)
    losses, _ = task._losses(model, task.batch(np.random.default_rng(0)))
    (losses["bce"] + losses["dice"]).backward(retain_graph=True)
    queries = list(model.segmenter.queries.parameters())
    assert all(weight.grad is None for weight in queries)
    assert model.encoder.pixel_decoder.dense.weight.grad.abs().max() > 0
    assert model.encoder.read.in_proj_weight.grad.abs().max() > 0
    (losses["query_bce"] + losses["query_dice"]).backward(retain_graph=True)
    assert model.segmenter.queries.mask[0].weight.grad.abs().max() > 0
    assert model.segmenter.promptable.trunk.to_half[0].weight.grad is None


@pytest.mark.slow  # the trainer's own test shows the same of a smaller task
def test_a_killed_run_of_the_bridge_ends_with_the_weights_of_one_that_was_not(
    scenes, folder, tmp_path
):
    def trained(name, steps, resume):
        _, _, task = contender(SENTENCE, scenes, folder)
        schedule = replace(BUDGET.schedule, steps=3, save_every=1)
        trainer = Trainer(task, schedule, tmp_path / name)
        alive, left = task.loss, iter(range(steps))

        def loss(batch):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return alive(batch)

        task.loss = loss
        trainer.run(resume=resume)
        return task.model.state_dict()

    whole = trained("whole", 4, False)
    with pytest.raises(KeyboardInterrupt):
        trained("killed", 2, False)
    resumed = trained("killed", 4, True)
    for name, weight in whole.items():
        assert torch.equal(weight, resumed[name]), name


@pytest.mark.parametrize("which", [SENTENCE, CATEGORY], ids=lambda which: which.name)
def test_the_folder_of_a_bridge_answers_behind_the_predictor(
    which, scenes, folder, tmp_path, monkeypatch
):
    model, config, task = contender(which, scenes, folder)
    monkeypatch.setattr(export, "BATCHES", 1)
    monkeypatch.setattr(export, "IMAGES", 2)
    bridge.export(model, config, task.held_out, folder / WORD_FILE, tmp_path / "model")
    predict = load_predictor(tmp_path / "model", device="cpu", score_threshold=0.0)
    say = bridge.told if which is CATEGORY else (lambda scene, expression: expression.text)
    scene, expressions = bridge.evaluation.scene_and_expressions(0)
    answer = predict(scene.rgb, [say(scene, expression) for expression in expressions])
    assert answer.masks.shape == (len(expressions), *scene.rgb.shape[:2])
    assert answer.presence is not None
    if which is CATEGORY:
        with pytest.raises(ValueError, match="names no category, which this model must be told"):
            predict(scene.rgb, ["the red mug"])
