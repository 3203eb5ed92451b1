"""`evf-sam train`: its options, and the recipe they ask for. Imports nothing heavy by itself."""

import argparse
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.option_types import at_least, between

EXAMPLES = """\
the embedded default, from nothing (docs/measurements/default_model.md):
  evf-sam train --recipe tabletop -o runs/tabletop
  evf-sam train --recipe tabletop -o runs/tabletop --resume     goes on where a run ended

the embedded default, continued in a household of 88 kinds of things:
  evf-sam train --recipe household -o runs/household            the same again with --resume

a small SAM-CLIP bridge beside an EVF-SAM of its size (docs/explanation/sam_clip_bridge.md):
  evf-sam train --recipe tabletop_bridge -o runs/tabletop_bridge    the same again with --resume

the default on 50 pictures of your own, in minutes (docs/guides/fine_tuning.md):
  evf-sam train --recipe fine_tune --model default --data my_pictures.json -o runs/mine

a published model as the paper trains it (docs/guides/training.md):
  evf-sam data check DATA                                       what is there, what is missing
  evf-sam train --recipe refer --variant evf_sam --data DATA \\
      --encoder-weights beit3_large_patch16_224.pth --tokenizer beit3.spm \\
      --segmenter-weights sam_vit_h_4b8939.pth -o runs/evf_sam
  evf-sam train --recipe refer --model YxZhang/evf-sam2 --data DATA \\
      --source refcoco/train=3 --source ade20k/train=1 --held-out refcoco/val
  accelerate launch --num_processes 4 -m evf_sam_ros.cli train --recipe refer ...

curves, while it trains:  tensorboard --logdir runs
"""
RECIPES = ("tabletop", "household", "tabletop_bridge", "refer", "fine_tune")
FIXED = ("tabletop", "household", "tabletop_bridge")  # take no options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the recipes' options; an option that is not given takes the recipe's default."""
    parser.add_argument("--recipe", required=True, help=", ".join(RECIPES))
    parser.add_argument("-o", "--output", type=Path, help="folder of the run (runs/RECIPE)")
    parser.add_argument(
        "--resume", action="store_true", help="continuation of the run in the folder"
    )
    _add_data(parser)
    _add_model(parser)
    _add_schedule(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the recipe.

    Raises:
        ValueError: there is no such recipe, it does not take such an option, or one is not what
            it could be.
    """
    if arguments.recipe not in RECIPES:
        raise ValueError(f"recipe is {arguments.recipe!r}, need one of {', '.join(RECIPES)}")
    given = {
        name: value
        for name, value in vars(arguments).items()
        if value is not None and name not in ("recipe", "output", "resume", "run", "source")
    }
    if arguments.drop:
        given["drop"] = tuple(arguments.drop)
    if arguments.source:
        given["sources"] = _sources(arguments.source)
    folder = arguments.output or Path("runs") / arguments.recipe
    if arguments.recipe in FIXED:
        _fixed(arguments.recipe, folder, given, resume=arguments.resume)
    else:
        _refer(arguments.recipe, folder, given, resume=arguments.resume)


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data (refer, fine_tune)")
    data.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="folder of data sets, or COCO JSON with sentences",
    )
    data.add_argument(
        "--source",
        type=_source,
        action="append",
        default=[],
        metavar="NAME/SPLIT[=RATE]",
        help="training split and its sampling weight relative to the others (default: all "
        "splits, weight 1)",
    )
    data.add_argument(
        "--held-out", metavar="NAME/SPLIT", help="split or COCO JSON file to measure on"
    )
    data.add_argument(
        "--keep-evaluation-pictures",
        action="store_true",
        default=None,
        help="training on pictures of the val and test splits and of --held-out too (default: "
        "these pictures are left out)",
    )
    data.add_argument(
        "--negatives",
        type=between(0, 1),
        metavar="SHARE",
        help="share of sentences that are replaced by sentences that fit nothing (refer: 0)",
    )
    data.add_argument(
        "--prompts", type=at_least(1), help="largest number of sentences per picture (refer: 3)"
    )
    data.add_argument(
        "--features",
        type=Path,
        metavar="DIR",
        help="folder in which image features, computed once, are cached",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("model (refer, fine_tune)")
    model.add_argument("--model", metavar="DIR_OR_NAME", help="model to start from")
    model.add_argument(
        "--variant",
        help="architecture to start from without weights: a name from `evf-sam "
        "models`, or an ablation's",
    )
    model.add_argument(
        "--encoder-weights",
        type=Path,
        metavar="FILE",
        help="BEIT-3 weights as Microsoft publishes them",
    )
    model.add_argument(
        "--segmenter-weights",
        type=Path,
        metavar="FILE",
        help="weights of SAM, EfficientSAM or SAM-2",
    )
    model.add_argument(
        "--tokenizer", type=Path, metavar="FILE", help="tokenizer file, such as beit3.spm"
    )
    for name, what in (("prompt-encoder", "no mask"), ("mask-decoder", "")):
        model.add_argument(
            f"--{name}",
            action=argparse.BooleanOptionalAction,
            help=f"training of SAM's {name.replace('-', ' ')}{f' ({what!r})' if what else ''}; "
            "the paper: yes, except for SAM-2",
        )
    model.add_argument(
        "--scores",
        type=between(0),
        metavar="WEIGHT",
        help="weight of the losses of predicted IoU and presence (refer: 0)",
    )


def _add_schedule(parser: argparse.ArgumentParser) -> None:
    schedule = parser.add_argument_group("schedule (refer, fine_tune); the paper's if not given")
    for name, kind, what in (
        (
            "batch",
            at_least(1),
            "number of pictures per step, over all processes and accumulated batches (128)",
        ),
        (
            "images",
            at_least(1),
            "number of pictures that a process handles at once (16); fewer take less memory",
        ),
        ("steps", at_least(1), "number of steps (15000)"),
        (
            "learning-rate",
            between(0),
            "learning rate at the start, from which it falls linearly (1e-4)",
        ),
        ("weight-decay", between(0), "weight decay of AdamW (0)"),
        ("warmup", at_least(1), "number of steps to the full learning rate (1)"),
        ("seed", at_least(0), "seed of all random choices; equal seeds give equal runs (0)"),
        ("workers", at_least(1), "number of processes that read pictures (2)"),
        ("save-every", at_least(1), "number of steps between checkpoints (500)"),
        (
            "measure-every",
            at_least(1),
            "number of steps between measurements on held-out data (500)",
        ),
    ):
        schedule.add_argument(f"--{name}", type=kind, metavar="N", help=what)
    schedule.add_argument(
        "--drop",
        type=between(0, 1),
        action="append",
        metavar="SHARE",
        help="share of the steps from which the otherwise constant rate falls to a tenth; may "
        "be repeated",
    )
    schedule.add_argument(
        "--bfloat16",
        action=argparse.BooleanOptionalAction,
        help="mixed precision (default: on a GPU)",
    )


def _fixed(recipe: str, folder: Path, given: dict[str, Any], *, resume: bool) -> None:
    from evf_sam_ros.training import recipes

    if given:
        name = next(iter(given)).replace("_", "-")
        raise ValueError(f"the recipe {recipe} takes no --{name}: everything about it is fixed")
    recipes.run(recipe, folder, resume=resume)


def _refer(recipe: str, folder: Path, given: dict[str, Any], *, resume: bool) -> None:
    from evf_sam_ros.training import fine_tune, referring

    if "data" not in given:
        raise ValueError(f"the recipe {recipe} needs --data, a folder of data sets or COCO JSON")
    if recipe == "fine_tune":
        fine_tune.fine_tune(folder, given, resume=resume)
    else:
        referring.refer(folder, referring.ReferOptions(**{"sources": {}, **given}), resume=resume)


def _sources(given: list[tuple[str, float | None]]) -> dict[str, float | None]:
    labels = [label for label, _ in given]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ValueError(f"--source {twice[0]} is given twice: once, with one rate")
    return dict(given)


def _source(text: str) -> tuple[str, float | None]:
    label, equals, rate = text.partition("=")
    try:
        return label, float(rate) if equals else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME/SPLIT=RATE") from None
