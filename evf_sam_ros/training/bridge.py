"""The recipe `tabletop_bridge`: trains a small bridge and an EVF-SAM of equal size on equal data.

Nobody can give these small models pretrained towers, so both start from what the embedded
default has learned to see: its segmenter stands for SAM, its trunk for CLIP's first layers.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from evf_sam_ros.evaluation import tabletop as evaluation
from evf_sam_ros.language.tokenizer import WORD_FILE, load_tokenizer
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.beit3 import Beit3Config
from evf_sam_ros.models.bridge.config import (
    BertConfig,
    BridgeEncoderConfig,
    BridgeSegmenterConfig,
    PixelDecoderConfig,
    QueryConfig,
    Sparse,
)
from evf_sam_ros.models.clip import ClipTower
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig, build, is_bridge
from evf_sam_ros.perception.model_folder import EMBEDDED_MODELS
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.sim.expressions import EVALUATION_MIX, Expression
from evf_sam_ros.sim.scene import Scene
from evf_sam_ros.training import recipes
from evf_sam_ros.training.bridge_batches import CATEGORIES, BridgeBatchMaker, category_number
from evf_sam_ros.training.bridge_losses import BridgeWeights
from evf_sam_ros.training.bridge_task import (
    BRIDGE_FROZEN,
    EVF_SAM_FROZEN,
    BridgeTask,
    bridge_losses,
    evf_sam_losses,
)
from evf_sam_ros.training.export import export
from evf_sam_ros.training.tabletop_data import SIZE, load_scenes, render_scenes
from evf_sam_ros.training.trainer import Schedule, Trainer
from evf_sam_ros.training.vocabulary import learn_vocabulary
from evf_sam_ros.whole_files import write_text

# Objects are small here: at the published weight, their pixels would hardly count. Their masks
# are no larger than the queries', so every cell is compared.
WEIGHTS = BridgeWeights(bce=8.0, dice=2.0, points=0)
EVF_SAM_DEPTH = 7  # layers, with which it learns as many parameters as the bridge
# A short training learns names, colours, several and none first; places need far longer.
TRAINING_MIX = {
    "attribute": 0.30,
    "size": 0.05,
    "superlative": 0.05,
    "place": 0.15,
    "ordinal": 0.05,
    "relation": 0.08,
    "between": 0.02,
    "several": 0.12,
    "nothing": 0.18,
}
STANDS_FOR_CLIP = 0  # seed of the fixed vectors that stand for CLIP's texts of the categories


# From nothing: the paper's learning rate of 5e-5 is for pretrained towers.
SCHEDULE = Schedule(
    steps=500, learning_rate=1e-3, warmup=60, decay_from=0.5, save_every=50, measure_every=200
)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The training budget of every model in the comparison."""

    schedule: Schedule = SCHEDULE
    images: int = 3
    prompts: int = 3  # per image; batches of 32, the paper's, would mean fewer steps
    scenes: int = 2048
    held_out: int = 256
    evaluated: int = 200  # scenes, from seed 900000 on


@dataclass(frozen=True)
class Contender:
    """One row of the table."""

    name: str
    label: str
    sparse: Sparse | None  # None: an EVF-SAM


CONTENDERS = (
    Contender("evf_sam", "EVF-SAM of equal size", None),
    Contender("bridge_sentence", "bridge, p' (sentence)", "sentence"),
    Contender("bridge_category", "bridge, p (told the category)", "category"),
)
COLUMNS = {
    "ciou": "cIoU", "miou": "mIoU", "giou_gres": "gIoU (GRES)", "n_acc": "N-acc",
    "t_acc": "T-acc", "pr@0.5": "Pr@0.5", "pr@0.7": "Pr@0.7", "pr@0.9": "Pr@0.9",
}  # fmt: skip


def tabletop_bridge(folder: Path, *, resume: bool, budget: Budget | None = None) -> str:
    """Train and measure every contender; write and return the table.

    A run that was killed goes on where it was; what is finished is not done again.
    """
    budget = budget or Budget()
    seeds = (0, budget.scenes), (recipes.HELD_OUT_SEED, budget.held_out)
    scenes, held_out = (load_scenes(render_scenes(folder / "scenes", *each)) for each in seeds)
    learn_vocabulary(recipes.sentences(scenes), folder / WORD_FILE)
    for contender in CONTENDERS:
        model_folder = folder / contender.name / "model"
        if resume and (model_folder / checkpoint.CONFIG).is_file():
            continue
        torch.manual_seed(0)
        model, config = start(contender, load_tokenizer(folder).size)
        task = task_for(contender, model, config, (scenes, held_out), folder, budget)
        Trainer(task, budget.schedule, folder / contender.name).run(resume=resume)
        export(model, config, task.held_out, folder / WORD_FILE, model_folder)
    table = "\n".join(compare(folder, budget.evaluated))
    write_text(folder / "table.md", table + "\n")
    print(table)
    return table


def start(contender: Contender, vocabulary: int) -> tuple[EvfSam, EvfSamConfig]:
    """Return a model of the comparison with the default's visual weights, the rest untrained."""
    default = checkpoint.load(EMBEDDED_MODELS / "tabletop")
    if contender.sparse is None:
        assert isinstance(default.config.encoder, Beit3Config)
        encoder = replace(default.config.encoder, vocabulary=vocabulary, depth=EVF_SAM_DEPTH)
        config = replace(default.config, encoder=encoder)
    else:
        config = small_bridge(default.config, vocabulary, contender.sparse)
    model = build(config)
    _take_over(model, default.model)
    return model, config


def small_bridge(default: EvfSamConfig, vocabulary: int, sparse: Sparse) -> EvfSamConfig:
    """Return a bridge around the default's segmenter, of about the default's size."""
    segmenter = default.segmenter
    assert isinstance(segmenter, CompactConfig)
    width, heads = segmenter.trunk[-1], segmenter.heads
    return EvfSamConfig(
        encoder=BridgeEncoderConfig(
            vision=ClipTower(width=96, depth=2, heads=4, feed_forward=192),
            image_size=segmenter.image_size,
            patch=16,
            joint_width=64,
            stem=segmenter.trunk,
            bert=BertConfig(
                width=96, depth=3, heads=4, feed_forward=192, vocabulary=vocabulary,
                positions=64, dropout=0.0,
            ),
            width=width,
            heads=heads,
            max_tokens=64,
            pixel_decoder=PixelDecoderConfig(depth=1, heads=heads, points=2, feed_forward=192),
            sparse=sparse,
            categories=CATEGORIES,
        ),
        segmenter=BridgeSegmenterConfig(
            promptable=segmenter,
            queries=QueryConfig(queries=16, heads=heads, feed_forward=192),
            joint_width=64,
        ),
        fusion_input=default.image_input,
        image_input=default.image_input,
    )  # fmt: skip


def task_for(
    contender: Contender,
    model: EvfSam,
    config: EvfSamConfig,
    scenes: tuple[Any, Any],
    folder: Path,
    budget: Budget,
) -> BridgeTask:
    """Return the training task of a model of the comparison."""
    first = config.encoder.bert.vocabulary if contender.sparse == "category" else None  # type: ignore[union-attr]
    mixes = TRAINING_MIX, EVALUATION_MIX
    training, held_out = (
        BridgeBatchMaker(
            each, load_tokenizer(folder), config.image_input, mix, first_category=first
        )
        for each, mix in zip(scenes, mixes, strict=True)
    )
    lesson, frozen = evf_sam_losses(WEIGHTS), EVF_SAM_FROZEN
    if is_bridge(config):
        lesson, frozen = bridge_losses(WEIGHTS), BRIDGE_FROZEN
    return BridgeTask(
        model,
        lesson,
        training,
        held_out,
        images=budget.images,
        prompts=budget.prompts,
        frozen=frozen,
    )


def compare(folder: Path, scenes: int) -> Iterator[str]:
    """Measure each contender on scenes that none has seen; return the lines of a table."""
    yield "| model | learned / all parameters | " + " | ".join(COLUMNS.values()) + " | ms |"
    yield "|---" * (len(COLUMNS) + 3) + "|"
    for contender in CONTENDERS:
        figures = _measured(contender, folder / contender.name, scenes)
        cells = [f"{100 * figures[name]:.1f}" for name in COLUMNS]
        learned, whole = (figures[name] / 1e6 for name in ("learned", "parameters"))
        row = [contender.label, f"{learned:.2f} / {whole:.2f} M", *cells, f"{figures['ms']:.0f}"]
        yield "| " + " | ".join(row) + " |"


def _measured(contender: Contender, folder: Path, scenes: int) -> dict[str, float]:
    """Return the figures of a contender, from its file where they are there already."""
    file = folder / "figures.json"
    if file.is_file():
        figures: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
        if figures["scenes"] == scenes:
            return figures
    predict = load_predictor(folder / "model", device="cpu")
    say = told if contender.sparse == "category" else None
    seeds = range(900_000, 900_000 + scenes)
    measured = evaluation.measure(predict, seeds, size=SIZE, say=say)
    summary = evaluation.summarize(measured, predict.score_threshold)
    figures = {name: summary[name] or 0.0 for name in COLUMNS}
    figures["ms"] = summary["latency_ms"]["one_expression"]["median"]
    figures |= {"scenes": scenes, **_counts(predict)}
    write_text(file, json.dumps(figures, indent=2) + "\n")
    return figures


def told(scene: Scene, expression: Expression) -> str:
    """Return a sentence with the true category of its target, which a robot does not have."""
    return f"[{CATEGORIES[category_number(expression, scene.objects)]}] {expression.text}"


def _counts(predict: Predictor) -> dict[str, float]:
    frozen = BRIDGE_FROZEN if is_bridge(predict.config) else EVF_SAM_FROZEN
    sizes = {name: weight.numel() for name, weight in predict.model.named_parameters()}
    learned = sum(size for name, size in sizes.items() if not name.startswith(tuple(frozen)))
    return {"parameters": sum(sizes.values()), "learned": learned}


def _take_over(model: EvfSam, default: EvfSam) -> None:
    """Copy what the default has learned to see; words and fusion start from nothing."""
    trunk = default.encoder.vision_embed.trunk.state_dict()
    if isinstance(model.projector, nn.Identity):
        stem = model.encoder.picture.clip.vision_model.embeddings.patch_embedding
        stem.trunk.load_state_dict(trunk)
        model.segmenter.promptable.load_state_dict(default.segmenter.state_dict())  # type: ignore[union-attr]
        table_KD = model.encoder.category_texts_KD
        draw = np.random.default_rng(STANDS_FOR_CLIP).standard_normal(tuple(table_KD.shape))
        vectors_KD = torch.from_numpy(draw).to(table_KD)
        table_KD.copy_(nn.functional.normalize(vectors_KD, dim=1))
        return
    recipes.initialise(model)
    model.encoder.vision_embed.trunk.load_state_dict(trunk)
    model.segmenter.load_state_dict(default.segmenter.state_dict())
