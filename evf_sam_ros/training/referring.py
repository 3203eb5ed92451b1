"""The paper's recipe, for every model of the library and for the user's own data."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from evf_sam_ros.data import catalogue, shared_pictures
from evf_sam_ros.data.records import Dataset
from evf_sam_ros.evaluation.paper_parameters import MODELS
from evf_sam_ros.language.tokenizer import SENTENCEPIECE_FILES, WORD_FILE, load_tokenizer
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig, build, is_bridge
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.training import pretrained, trainable
from evf_sam_ros.training.bridge_schedule import DropSchedule
from evf_sam_ros.training.distributed import Processes, processes
from evf_sam_ros.training.features import FeatureStore, precompute
from evf_sam_ros.training.referring_task import ReferringTask, Weights
from evf_sam_ros.training.samples import PROMPTS, Sampler
from evf_sam_ros.training.trainer import Schedule, Trainer


@dataclass(frozen=True, kw_only=True)
class ReferOptions:
    """Options of the recipe; the defaults are the paper's."""

    data: Path  # a folder of data sets, or a COCO file with sentences
    sources: Mapping[str, float | None]  # NAME/SPLIT to its rate; empty: all there is
    held_out: str | None = None  # NAME/SPLIT, or another COCO file
    keep_evaluation_pictures: bool = False  # train on pictures that are measured on as well
    variant: str | None = None  # a row of the table, from nothing
    model: str | None = None  # or a model to start from
    encoder_weights: Path | None = None
    segmenter_weights: Path | None = None
    tokenizer: Path | None = None  # a file, where `variant` has no folder to take it from
    batch: int = 128  # images per step, over all processes
    images: int = 16  # of them at once, per process
    prompts: int = PROMPTS  # most sentences per image
    steps: int = 15_000
    learning_rate: float = 1e-4
    drop: tuple[float, ...] = ()  # shares of the steps with a tenth of the rate from there on
    warmup: int = 1
    weight_decay: float = 0.0  # the paper names none
    prompt_encoder: bool | None = None  # whether it learns; None: as published
    mask_decoder: bool | None = None
    scores: float = 0.0  # weight of the losses of predicted IoU and presence
    negatives: float = 0.0  # share of sentences that fit nothing
    features: Path | None = None  # folder of precomputed image features
    bfloat16: bool | None = None  # None: on a GPU
    seed: int = 0
    workers: int = 2
    save_every: int = 500
    measure_every: int = 500


def refer(folder: Path, options: ReferOptions, *, resume: bool) -> Path:
    """Train a model and write it to `folder`/model; returns that folder.

    Raises:
        ValueError: an option is not what it could be, or data or weights are missing.
    """
    if options.images < 1 or options.batch % options.images:
        raise ValueError(
            f"a batch of {options.batch} images cannot be made of {options.images} at a time"
        )
    together = processes()
    held_out = read_held_out(options)
    datasets = read_sources(options, held_out)
    vocabulary, model, config = _model(options)
    tokenizer = load_tokenizer(vocabulary)
    if together.count == 1 and torch.cuda.is_available():
        model.cuda()
    trained = chosen_parts(model, options)
    everything = [*datasets, held_out] if held_out else datasets
    task = task_kind(config)(
        model,
        config,
        tokenizer,
        Sampler(
            datasets,
            rates_of(options, datasets),
            prompts=options.prompts,
            negatives=options.negatives,
        ),
        Sampler([held_out], prompts=options.prompts) if held_out else None,
        images=options.images,
        trained=trained,
        weights=Weights(presence=options.scores, predicted_iou=options.scores),
        features=_features(options, model, config, everything, together),
    )
    trainer = Trainer(task, schedule(options), folder, together)
    if together.index == 0:
        _announce(datasets, held_out, task, trained)
    trainer.run(resume=resume)
    state = trainer.weights()
    if together.index == 0:
        task.module.load_state_dict(state)
        write_model(model, config, vocabulary, folder / "model")
    return folder / "model"


def task_kind(config: EvfSamConfig) -> type[ReferringTask]:
    """Return the task class for a model of this kind."""
    if not is_bridge(config):
        return ReferringTask
    from evf_sam_ros.training.bridge_refer import BridgeReferringTask  # needs scipy

    return BridgeReferringTask


def read_sources(options: ReferOptions, held_out: Dataset | None = None) -> list[Dataset]:
    """Read what to train on: without the pictures that are measured on, unless they are wanted.

    The data sets of the RefCOCO family share pictures: the training split of one has pictures of
    the test splits of another. An evaluation split that is itself named as a source is trained on.
    """
    labels = list(options.sources) or catalogue.training(options.data)
    datasets = [catalogue.read(options.data, label) for label in labels]
    if options.keep_evaluation_pictures:
        return datasets
    measured = shared_pictures.evaluation_pictures(options.data)
    # A split that is named for both is meant to be seen learning.
    if held_out is not None and held_out.label not in {each.label for each in datasets}:
        measured |= shared_pictures.pictures_of([held_out])
    return [
        dataset
        if dataset.label in catalogue.BENCHMARKS
        else shared_pictures.without(dataset, measured)
        for dataset in datasets
    ]


def read_held_out(options: ReferOptions) -> Dataset | None:
    """Read what progress is measured on."""
    if options.held_out is None:
        return None
    path = Path(options.held_out)
    if path.is_file():
        return catalogue.read(path, "")
    return catalogue.read(options.data, options.held_out)


def chosen_parts(model: EvfSam, options: ReferOptions) -> trainable.Trained:
    """Return the trained parts: the published choice, changed by the options."""
    published = trainable.published(model)
    given = {
        name: getattr(options, name)
        for name in ("prompt_encoder", "mask_decoder")
        if getattr(options, name) is not None
    }
    return replace(published, **given, scores=options.scores > 0)


def schedule(options: ReferOptions) -> Schedule:
    """Return the paper's schedule for these options."""
    gpu = torch.cuda.is_available()
    kind = partial(DropSchedule, drops=options.drop) if options.drop else Schedule
    return kind(
        steps=options.steps,
        learning_rate=options.learning_rate,
        warmup=options.warmup,
        weight_decay=options.weight_decay,
        betas=(0.9, 0.999),
        accumulate=options.batch // options.images,
        save_every=options.save_every,
        measure_every=options.measure_every,
        workers=options.workers,
        bfloat16=gpu if options.bfloat16 is None else options.bfloat16,
        seed=options.seed,
    )


def write_model(
    model: EvfSam,
    config: EvfSamConfig,
    vocabulary: Path,
    folder: Path,
    entries: Mapping[str, Any] | None = None,
) -> None:
    """Write a model folder that the predictor loads; `entries` are more of its config.json."""
    checkpoint.save(model.eval(), config, folder, extra=entries)
    for name in (*SENTENCEPIECE_FILES, WORD_FILE):
        if (vocabulary / name).is_file():
            shutil.copyfile(vocabulary / name, folder / name)
    print(f"the model is in {folder}")


def _model(options: ReferOptions) -> tuple[Path, EvfSam, EvfSamConfig]:
    """Return the folder of the vocabulary, the model to train and its configuration."""
    if (options.variant is None) == (options.model is None):
        raise ValueError("need either a variant, to start from nothing, or a model to start from")
    if options.model is not None:
        source = model_folder(options.model)
        loaded = checkpoint.load(source)
        model, config, vocabulary = loaded.model, loaded.config, source
    else:
        if options.variant not in MODELS:
            raise ValueError(f"variant is {options.variant!r}, need one of {', '.join(MODELS)}")
        if options.tokenizer is None:
            raise ValueError("a variant from nothing needs a tokenizer, such as beit3.spm")
        torch.manual_seed(options.seed)
        config = MODELS[options.variant]
        model, vocabulary = build(config), _vocabulary(options.tokenizer)
    if options.encoder_weights:
        pretrained.load_encoder(model, options.encoder_weights)
    if options.segmenter_weights:
        pretrained.load_segmenter(model, options.segmenter_weights)
    return vocabulary, model, config


def _vocabulary(file: Path) -> Path:
    names = (*SENTENCEPIECE_FILES, WORD_FILE)
    if not file.is_file() or file.name not in names:
        raise ValueError(f"tokenizer is {str(file)!r}, need a file called {', '.join(names)}")
    return file.parent


def rates_of(options: ReferOptions, datasets: Sequence[Dataset]) -> dict[str, float]:
    """Return the rates that were given, by label: two splits of one data set have two."""
    if not options.sources:
        return {}
    given = zip(datasets, options.sources.values(), strict=True)
    return {dataset.label: rate for dataset, rate in given if rate is not None}


def _features(
    options: ReferOptions,
    model: EvfSam,
    config: EvfSamConfig,
    datasets: Sequence[Dataset],
    together: Processes,
) -> FeatureStore | None:
    if options.features is None:
        return None
    records = [record for dataset in datasets for record in dataset.records]
    if together.index > 0:
        together.wait()  # until the first process has made the files
    store = precompute(model, config.image_input, records, options.features)
    if together.index == 0:
        together.wait()
    return store


def _announce(
    datasets: Sequence[Dataset], held_out: Dataset | None, task: ReferringTask, trained: object
) -> None:
    for dataset in datasets:
        print(f"{dataset.label}: {len(dataset.records):,} pictures")
        for sentence in (*dataset.notes, *(f"broken: {each}" for each in dataset.problems)):
            print(f"  {sentence}")
        if dataset.label in catalogue.BENCHMARKS:
            print("  it is an evaluation split: figures on it will not count after this")
    print(f"held out: {held_out.label if held_out else 'nothing'}")
    if held_out and held_out.label in {dataset.label for dataset in datasets}:
        print("  it is trained on: its figures say what is remembered, not what is learned")
    learning = sum(p.numel() for p in task.module.parameters() if p.requires_grad)
    whole = sum(p.numel() for p in task.module.parameters())
    print(f"{learning / 1e6:.1f} of {whole / 1e6:.1f} million weights learn ({trained})")
