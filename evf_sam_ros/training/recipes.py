"""Every training recipe of the project, as functions."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from evf_sam_ros.language.tokenizer import WORD_FILE, load_tokenizer
from evf_sam_ros.models.beit3 import FIRST_POSITION, Beit3Config
from evf_sam_ros.models.compact import sine_positions
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build
from evf_sam_ros.sim.expressions import EVALUATION_MIX, KINDS, sample_expressions
from evf_sam_ros.sim.layout import Viewpoints
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.training.deepen import deepened
from evf_sam_ros.training.export import export
from evf_sam_ros.training.familiar_pictures import disturbed, learn
from evf_sam_ros.training.optimizer import check_available
from evf_sam_ros.training.tabletop_batches import BatchMaker
from evf_sam_ros.training.tabletop_data import TrainingScenes, load_scenes, render_scenes
from evf_sam_ros.training.tabletop_task import BatchSize, LossWeights, Stage, TabletopTask
from evf_sam_ros.training.trainer import Schedule, Trainer
from evf_sam_ros.training.vocabulary import learn_vocabulary

# Seeds from 900000 on are for evaluation, and nothing here may use them.
TRAINING_SCENES = 8192  # seeds from 0
WIDE_SEED, WIDE_SCENES = 200_000, 2048  # seen from where and through what no other scene is
WIDE = Viewpoints(elevation=(20, 76), azimuth=45, fov_y=(28, 70))
draw_wide = partial(render_scene, viewpoints=WIDE)
FAMILIAR_EVERY = 4  # of the training scenes: of so many are the statistics of a known picture
HELD_OUT_SEED, HELD_OUT_SCENES = 800_000, 512
TRAINING_MIX = {
    "attribute": 0.10,
    "size": 0.12,
    "superlative": 0.07,
    "place": 0.19,
    "ordinal": 0.13,
    "relation": 0.24,
    "between": 0.07,
    "several": 0.07,
    "nothing": 0.15,
}

# Once shape, colour and size are told apart, what is left to learn is where things are.
PLACES_MIX = {
    "attribute": 0.06,
    "size": 0.05,
    "superlative": 0.05,
    "place": 0.26,
    "ordinal": 0.12,
    "relation": 0.24,
    "between": 0.05,
    "several": 0.04,
    "nothing": 0.13,
}

RELATIONS_MIX = {
    "attribute": 0.06,
    "size": 0.05,
    "superlative": 0.03,
    "place": 0.19,
    "ordinal": 0.14,
    "relation": 0.30,
    "between": 0.07,
    "several": 0.03,
    "nothing": 0.13,
}
# In the mixes before, one relation in twelve was a false one: too few to learn to refuse them.
REFUSALS_MIX = {
    "attribute": 0.04,
    "size": 0.04,
    "superlative": 0.02,
    "place": 0.12,
    "ordinal": 0.16,
    "relation": 0.22,
    "between": 0.07,
    "several": 0.03,
    "nothing": 0.08,
    "next to": 0.16,
    "wrong relation": 0.13,
}
SETTLED_MIX = {
    "attribute": 0.13,
    "size": 0.08,
    "superlative": 0.05,
    "place": 0.15,
    "ordinal": 0.16,
    "relation": 0.16,
    "between": 0.06,
    "several": 0.04,
    "nothing": 0.09,
    "next to": 0.09,
    "wrong relation": 0.07,
}
MIXES = {
    Stage.DEEPEN: PLACES_MIX,
    Stage.RELATE: RELATIONS_MIX,
    Stage.REFUSE: REFUSALS_MIX,
    Stage.SETTLE: SETTLED_MIX,
}  # the others: TRAINING_MIX

DEEPENED = (0, 1, 2, 2, 3, 3, 4, 4)  # layers of the encoder before the last stage, by `deepened`
STAGES = {
    Stage.SEE: Schedule(steps=1000, learning_rate=2e-3),
    Stage.GROUND: Schedule(steps=1200, learning_rate=1e-3, warmup=200, decay_from=0.99),
    Stage.SEGMENT: Schedule(steps=3150, learning_rate=1e-3, warmup=200, decay_from=0.6),
    Stage.REFINE: Schedule(steps=4780, learning_rate=9e-4, warmup=150, decay_from=0.3, seed=7),
    Stage.DEEPEN: Schedule(
        steps=2640, learning_rate=1e-3, optimizer="muon", warmup=60, decay_from=0.1, seed=11
    ),
    Stage.RELATE: Schedule(steps=500, learning_rate=5e-4, optimizer="muon", warmup=30, seed=12),
    Stage.REFUSE: Schedule(steps=2600, learning_rate=1e-3, optimizer="muon", warmup=60, seed=14),
    Stage.SETTLE: Schedule(steps=1000, learning_rate=4e-4, optimizer="muon", warmup=30, seed=15),
}
SIZES = {
    Stage.SEE: BatchSize(images=16, prompts=1, decoded=0),
    Stage.GROUND: BatchSize(images=8, prompts=8, decoded=0),
    Stage.SEGMENT: BatchSize(images=8, prompts=8, decoded=3),
}
SIZE_AFTERWARDS = BatchSize(images=8, prompts=8, decoded=2)
# Objects cover a hundredth of the picture: at weight 1, their pixels would hardly count.
WEIGHTS = LossWeights(bce=8.0)


def tabletop(folder: Path, *, resume: bool) -> None:
    """Train the embedded default model from nothing: render, learn words, then every stage."""
    check_available(schedule.optimizer for schedule in STAGES.values())
    assert all(set(mix) <= set(KINDS) for mix in (TRAINING_MIX, *MIXES.values()))
    shards = render_scenes(folder / "scenes", 0, TRAINING_SCENES)
    shards += render_scenes(folder / "scenes", WIDE_SEED, WIDE_SCENES, draw_wide)
    scenes = load_scenes(shards)
    held_out = load_scenes(render_scenes(folder / "scenes", HELD_OUT_SEED, HELD_OUT_SCENES))
    learn_vocabulary(sentences(scenes), folder / WORD_FILE)
    tokenizer = load_tokenizer(folder)
    picture = VARIANTS["tabletop"].image_input
    batches = (
        BatchMaker(scenes, tokenizer, picture, TRAINING_MIX),
        BatchMaker(held_out, tokenizer, picture, EVALUATION_MIX),
    )

    torch.manual_seed(0)
    model = build(shallow(VARIANTS["tabletop"]))
    initialise(model)
    previous: Path | None = None
    for stage, schedule in STAGES.items():
        if stage is Stage.DEEPEN:
            model = build(VARIANTS["tabletop"])
        batches[0].mix = MIXES.get(stage, TRAINING_MIX)
        size = SIZES.get(stage, SIZE_AFTERWARDS)
        task = TabletopTask(model, stage, *batches, size, WEIGHTS)
        if previous is not None:
            _continue_from(previous, task)
        trainer = Trainer(task, schedule, folder / stage.value)
        trainer.run(resume=resume)
        previous = trainer.checkpoint
    calibration = export(
        model, VARIANTS["tabletop"], batches[1], folder / WORD_FILE, folder / "model"
    )
    learn(folder / "model", disturbed(scenes.rgb[::FAMILIAR_EVERY]))
    print(f"{folder / 'model'}: found from p = {calibration.threshold:.3f}")


def shallow(config: EvfSamConfig) -> EvfSamConfig:
    """Return what becomes `config` by `DEEPENED`."""
    assert isinstance(config.encoder, Beit3Config)
    assert config.encoder.depth == len(DEEPENED)
    return replace(config, encoder=replace(config.encoder, depth=len(set(DEEPENED))))


def run(name: str, folder: Path, *, resume: bool) -> None:
    """Run a recipe by its name.

    Raises:
        ValueError: no recipe has this name, or the folder holds a run and `resume` is False.
    """
    if name not in RECIPES:
        raise ValueError(f"recipe is {name!r}, need one of {', '.join(RECIPES)}")
    RECIPES[name](folder, resume=resume)


def sentences(scenes: TrainingScenes) -> Iterator[str]:
    """Enough sentences for every word of the grammar."""
    rng = np.random.default_rng(0)
    for objects in scenes.objects[:1000]:
        yield from (e.text for e in sample_expressions(objects, rng, 8, TRAINING_MIX))


def initialise(model: EvfSam) -> None:
    """Start with small words and with patches that know where they are."""
    encoder = model.encoder
    config = encoder.config
    height, width = (side // config.patch for side in config.image_size)
    nn.init.normal_(encoder.text_embed.weight, std=0.3)
    nn.init.normal_(encoder.vision_embed.cls_token, std=0.02)
    vision = encoder.get_parameter("embed_positions.A.weight")
    text = encoder.get_parameter("embed_positions.B.weight")
    nn.init.normal_(text, std=0.1)
    nn.init.normal_(vision, std=0.02)
    with torch.no_grad():
        positions = sine_positions(height, width, config.width)[0].flatten(1).T
        vision[FIRST_POSITION + 1 :] = 0.3 * positions


def _continue_from(checkpoint: Path, task: TabletopTask) -> None:
    """Start a stage with what the one before has learned."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["module"]
    task.module.load_state_dict(deepened(state, DEEPENED) if task.stage is Stage.DEEPEN else state)
    if task.stage is Stage.SEGMENT:
        assert task.model.encoder.vision_embed.trunk is not None
        learned = task.model.encoder.vision_embed.trunk.state_dict()
        task.segmenter.trunk.load_state_dict(learned)


def bridge(folder: Path, *, resume: bool) -> None:
    """Compare a SAM-CLIP bridge with an EVF-SAM of its size: docs/explanation/sam_clip_bridge."""
    from evf_sam_ros.training.bridge import tabletop_bridge  # it is made of what is here

    tabletop_bridge(folder, resume=resume)


def household(folder: Path, *, resume: bool) -> None:
    """Continue the default in the household world: docs/explanation/household.md."""
    from evf_sam_ros.training.household import household as learn_household

    learn_household(folder, resume=resume)


RECIPES: dict[str, Callable[..., None]] = {
    "tabletop": tabletop,
    "household": household,
    "tabletop_bridge": bridge,
}
