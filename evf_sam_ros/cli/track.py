"""`evf-sam track`: its options, and what it says when it has run. Imports nothing slow itself."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.json_output import STDOUT
from evf_sam_ros.cli.rules import rules_from
from evf_sam_ros.cli.wanted import EXIT_CODES, add_wanted, exit_code, wanted
from evf_sam_ros.perception.defaults import REGROUND_EVERY

SUMMARY = "follow what an expression refers to through a video"
EXAMPLES = """\
examples:
  evf-sam track video.mp4 "the red mug" -o out.mp4
  evf-sam track video.mp4 "the red mug" --json track.jsonl      one line per frame
  evf-sam track video.mp4 "the red mug" -o out.mp4 --model YxZhang/evf-sam2 --reground 0

docs/guides/tracking.md explains
""" + EXIT_CODES.format(where=" in some frame")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument(
        "video", type=Path, help="video: MP4, AVI, MKV or another format that OpenCV reads"
    )
    add_wanted(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="video with the answers drawn on it (.mp4 .mov .mkv .avi)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="file for one JSON object per frame and line; -: standard output, and the summary is "
        "printed on stderr",
    )
    parser.add_argument(
        "--reground",
        type=int,
        default=REGROUND_EVERY,
        metavar="N",
        help="interval in frames at which a model with a memory (SAM-2) is asked again by the "
        "words; 0: only when the target is lost (default: %(default)s). Other models are "
        "asked in every frame",
    )


def run(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Any]) -> int:
    """Follow; return the exit code. `load` gives the predictor that the arguments want."""
    from evf_sam_ros.perception import track_video
    from evf_sam_ros.perception.knowledge import notes
    from evf_sam_ros.pictures.photograph import check_ending
    from evf_sam_ros.pictures.video import VIDEOS, VideoReader

    if arguments.output is not None:  # now rather than after the model is loaded
        check_ending(arguments.output, VIDEOS)
    VideoReader(arguments.video).close()
    [expression, *others] = wanted(arguments)
    if others:
        raise ValueError(f"{[expression, *others]} are several objects: follow one at a time")
    predict = load(arguments)
    print(*notes(predict), sep="\n", file=sys.stderr)
    summary = track_video.track_video(
        predict,
        arguments.video,
        expression,
        output=arguments.output,
        records=sys.stdout if arguments.json == STDOUT else arguments.json,
        reground_every=arguments.reground,
        rules=rules_from(arguments, predict),
    )
    print(summary, file=sys.stderr if arguments.json == STDOUT else sys.stdout)
    return exit_code([summary.found])
