"""Fine-tune the default model, or a similar one, on new objects and words from a few pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evf_sam_ros.data import catalogue, shared_pictures
from evf_sam_ros.data.records import Dataset
from evf_sam_ros.language.tokenizer import load_tokenizer
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.behaviour import ENTRY
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.perception.signals import FREE
from evf_sam_ros.training import calibration_fit, trainable
from evf_sam_ros.training.distributed import Alone
from evf_sam_ros.training.familiar_pictures import learn_more
from evf_sam_ros.training.new_words import missing_words, with_tokens, with_words
from evf_sam_ros.training.referring import ReferOptions, schedule, write_model
from evf_sam_ros.training.referring_task import ReferringTask, Weights
from evf_sam_ros.training.samples import Sampler
from evf_sam_ros.training.trainer import Trainer

# What a few dozen pictures bear; every one can be given otherwise.
DEFAULTS: dict[str, Any] = {
    "model": "default",
    "batch": 8,
    "images": 8,
    "prompts": 4,
    "steps": 300,
    "learning_rate": 4e-4,
    "warmup": 30,
    "weight_decay": 0.01,
    "negatives": 0.15,
    "scores": 0.5,
    "mask_decoder": True,
    "workers": 1,
    "save_every": 100,
    "measure_every": 100,
    "bfloat16": False,
}
HELD_OUT = 5  # every fifth picture decides when an object counts as found, and is not learned
MOST_SHOWN = 500  # pictures of which the statistics of familiar pictures are
# Objects are small: at weight 1 their pixels would hardly count.
BCE = 8.0


def fine_tune(folder: Path, given: dict[str, Any], *, resume: bool) -> Path:
    """Train on the user's pictures and write the model to `folder`/model; returns that folder.

    Raises:
        ValueError: an option is not what it could be, or the data is not.
    """
    for name in ("variant", "encoder_weights", "segmenter_weights", "tokenizer", "features"):
        if name in given:
            raise ValueError(f"the recipe fine_tune takes no --{name.replace('_', '-')}")
    options = ReferOptions(**{"sources": {}, **DEFAULTS, **given})
    everything = _read(options)
    learned, held_out = _split(everything, options)
    for sentence in (*learned.notes, *(f"broken: {each}" for each in learned.problems)):
        print(sentence)
    source = model_folder(options.model)
    words = missing_words(source, [e.text for _, e in everything.expressions()])
    print(
        f"{everything.label}: {len(learned.records)} pictures to learn from, "
        f"{len(held_out.records)} held out; new words: {', '.join(words) or 'none'}"
    )
    start = folder / "start"
    tokens = with_words(source, words, start)
    loaded = checkpoint.load(source)
    config = with_tokens(loaded.model, loaded.config, tokens)
    entries = {
        name: loaded.document[name] for name in ("decision", ENTRY) if name in loaded.document
    }
    task = _task(loaded.model, config, start, (learned, held_out), options)
    Trainer(task, schedule(options), folder, Alone()).run(resume=resume)
    write_model(loaded.model, config, start, folder / "model", entries)
    learn_more(
        folder / "model", source, [each.read_rgb() for each in learned.records[:MOST_SHOWN]]
    )
    _calibrate(folder / "model", held_out, options.seed)
    return folder / "model"


def _read(options: ReferOptions) -> Dataset:
    labels = list(options.sources) or catalogue.training(options.data)
    if len(labels) > 1:
        raise ValueError(f"data has {', '.join(labels)}: fine_tune learns from one data set")
    return catalogue.read(options.data, labels[0])


def _split(everything: Dataset, options: ReferOptions) -> tuple[Dataset, Dataset]:
    """Hold some pictures out, unless the user gives others for that."""
    if options.held_out is not None:
        given = catalogue.read(Path(options.held_out), options.held_out)
        if options.keep_evaluation_pictures:
            return everything, given
        return shared_pictures.without(everything, shared_pictures.pictures_of([given])), given
    records = everything.records
    if len(records) < 2 * HELD_OUT:
        raise ValueError(f"{len(records)} pictures are too few: need {2 * HELD_OUT}, better 50")
    order = np.random.default_rng(options.seed).permutation(len(records))
    out = max(1, len(records) // HELD_OUT)
    learned = tuple(records[i] for i in sorted(order[out:]))
    held_out = tuple(records[i] for i in sorted(order[:out]))
    return replace(everything, records=learned), replace(everything, records=held_out)


def _task(
    model: Any, config: Any, vocabulary: Path, data: tuple[Dataset, Dataset], options: ReferOptions
) -> ReferringTask:
    return ReferringTask(
        model,
        config,
        load_tokenizer(vocabulary),
        Sampler([data[0]], prompts=options.prompts, negatives=options.negatives),
        Sampler([data[1]], prompts=options.prompts),
        images=options.images,
        trained=trainable.Trained(
            prompt_encoder=False,
            mask_decoder=bool(options.mask_decoder),
            scores=options.scores > 0,
        ),
        weights=Weights(bce=BCE, presence=options.scores, predicted_iou=0.4 * options.scores),
        held_out_batches=4,
        vary=True,
    )


def _calibrate(model: Path, held_out: Dataset, seed: int) -> None:
    """Choose anew when an object counts as found; too few sentences keep the old decision."""
    predict: Any = load_predictor(model, signals=FREE)
    asked = list(calibration_fit.ask_dataset(predict, held_out, seed))
    try:
        calibration = calibration_fit.fit(asked, ["presence"])
    except ValueError as error:
        print(f"found or not is decided as before: {error}")
        return
    calibration_fit.store(model, calibration)
    print(f"found from p = {calibration.threshold:.3f}, chosen on {len(asked)} sentences")
