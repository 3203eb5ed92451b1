"""The recipe of the household: the default model, continued on the household and its tabletop."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from evf_sam_ros.language.tokenizer import WORD_FILE, load_tokenizer
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.sim.expressions import EVALUATION_MIX
from evf_sam_ros.sim.household.household_scene import render_household
from evf_sam_ros.sim.household.household_words import HOUSEHOLD
from evf_sam_ros.sim.household.kinds import SORTS
from evf_sam_ros.sim.palette import SHAPES
from evf_sam_ros.sim.words import plural_of
from evf_sam_ros.training.export import export
from evf_sam_ros.training.familiar_pictures import disturbed, learn
from evf_sam_ros.training.grow import finer, grown
from evf_sam_ros.training.new_words import missing_words, with_words
from evf_sam_ros.training.optimizer import check_available
from evf_sam_ros.training.recipes import (
    FAMILIAR_EVERY,
    HELD_OUT_SCENES,
    HELD_OUT_SEED,
    SETTLED_MIX,
    WEIGHTS,
)
from evf_sam_ros.training.tabletop_batches import Batches, BatchMaker, Labels, MixedBatches
from evf_sam_ros.training.tabletop_data import TrainingScenes, load_scenes, render_scenes
from evf_sam_ros.training.tabletop_task import BatchSize, Stage, TabletopTask
from evf_sam_ros.training.trainer import Schedule, Trainer

# Seeds from 900000 on are for evaluation, and nothing here may use them.
SCENES = {"household": 12288, "tabletop": 4096}  # seeds from 0
SHARES = {"household": 0.75, "tabletop": 0.25}  # of the batches: the old table must stay
PICTURE = (224, 304)  # height and width, pixels
LABELS = Labels((*SHAPES, *(kind for kind in SORTS if kind not in SHAPES)), HOUSEHOLD.colors)
MIX = {**SETTLED_MIX, "attribute": 0.22, "resting": 0.08}
HELD_OUT_MIX = {**EVALUATION_MIX, "resting": 0.08}
STAGES = {
    # The default's trunk already tells most kinds apart, so that the words come first.
    Stage.GROUND: Schedule(
        steps=1500, learning_rate=1e-3, warmup=50, decay_from=0.9, save_every=20, seed=20
    ),
    Stage.REFINE: Schedule(
        steps=4500, learning_rate=5e-4, warmup=100, decay_from=0.4, save_every=20, seed=21
    ),
    Stage.REFUSE: Schedule(
        steps=2000, learning_rate=5e-4, optimizer="muon", warmup=60, save_every=20, seed=22
    ),
    Stage.SETTLE: Schedule(
        steps=1000, learning_rate=3e-4, optimizer="muon", warmup=30, save_every=20, seed=23
    ),
}  # fmt: skip
SIZE = BatchSize(images=8, prompts=8, decoded=2)


@dataclass(frozen=True)
class Worlds:
    """The scenes of both worlds by name."""

    training: dict[str, TrainingScenes]
    held_out: dict[str, TrainingScenes]


def household(folder: Path, *, resume: bool) -> None:
    """Continue the default in the household: render, learn words, train; `folder`/model."""
    check_available(schedule.optimizer for schedule in STAGES.values())
    train(folder, load_worlds(folder / "scenes"), resume=resume)


def load_worlds(folder: Path) -> Worlds:
    """Render what is not there yet, and read all scenes."""
    return Worlds(
        {name: _scenes(folder, name, 0, count) for name, count in SCENES.items()},
        {name: _scenes(folder, name, HELD_OUT_SEED, HELD_OUT_SCENES // 2) for name in SCENES},
    )


def _scenes(folder: Path, world: str, seed: int, count: int) -> TrainingScenes:
    if world == "household":
        return load_scenes(render_scenes(folder / world, seed, count, render_household))
    return load_scenes(render_scenes(folder / world, seed, count))


def train(folder: Path, worlds: Worlds, *, resume: bool) -> None:
    """Run every stage and write `folder`/model."""
    model, config = start(folder)
    training = batches(worlds.training, folder, config, MIX)
    held_out = batches(worlds.held_out, folder, config, HELD_OUT_MIX)
    previous: Path | None = None
    for stage, schedule in STAGES.items():
        task = TabletopTask(model, stage, training, held_out, SIZE, WEIGHTS, LABELS)
        if previous is not None:
            state = torch.load(previous, map_location="cpu", weights_only=True)["module"]
            task.module.load_state_dict(state)
        trainer = Trainer(task, schedule, folder / stage.value)
        trainer.run(resume=resume)
        previous = trainer.checkpoint
    calibration = export(model, config, held_out, folder / WORD_FILE, folder / "model")
    pictures = (rgb for scenes in worlds.training.values() for rgb in scenes.rgb[::FAMILIAR_EVERY])
    learn(folder / "model", disturbed(pictures))
    print(f"{folder / 'model'}: found from p = {calibration.threshold:.3f}")


def start(folder: Path) -> tuple[EvfSam, EvfSamConfig]:
    """Grow the default model, and write the vocabulary with the household's words."""
    default = model_folder("default")
    words = missing_words(default, phrases())
    tokens = with_words(default, words, folder)
    loaded = checkpoint.load(default)
    config = finer(loaded.config, PICTURE, tokens)
    return grown(loaded.model, loaded.config, config), config


def phrases() -> Iterator[str]:
    """Every word of the household, in phrases."""
    for nouns in HOUSEHOLD.nouns.values():
        for noun in nouns:
            yield noun
            if noun not in HOUSEHOLD.without_plural:
                yield plural_of(noun)
    yield from HOUSEHOLD.colors
    yield from HOUSEHOLD.relation_phrases


def batches(
    worlds: dict[str, TrainingScenes], folder: Path, config: EvfSamConfig, mix: dict[str, float]
) -> Batches:
    """Return what draws from both worlds by their shares."""
    tokenizer = load_tokenizer(folder)
    return MixedBatches(
        {
            BatchMaker(scenes, tokenizer, config.image_input, mix, LABELS): SHARES[name]
            for name, scenes in worlds.items()
        }
    )
