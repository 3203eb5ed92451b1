"""`evf-sam bag`: its options, and what it says when it has run. Imports nothing slow itself."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from math import isfinite
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.option_types import at_least, between
from evf_sam_ros.cli.rules import rules_from
from evf_sam_ros.cli.wanted import EXIT_CODES, add_wanted, exit_code, wanted
from evf_sam_ros.perception.defaults import DEPTH_SYNC_SLOP_S

EXPORT_SCORE = 0.9
SUMMARY = "find what expressions refer to in every frame of a recording"
EXAMPLES = """\
examples:
  evf-sam bag drive/ "the red mug" -o out/                     a rosbag2 folder
  evf-sam bag drive/drive_0.mcap "the red mug" "the bowl" -o out/
  evf-sam bag drive/ "the red mug" -o out/ --image /cam/image_raw --depth /cam/depth/image_rect
  evf-sam bag drive/ "the red mug" -o out/ --export coco       and a data set of the answers
  evf-sam bag drive/ --list                                    what the recording holds

out/ then has results.jsonl (a line per frame), masks/, overlay.mp4, summary.md and summary.html;
two runs on a CPU write the same bytes. docs/guides/recordings.md explains every field.
""" + EXIT_CODES.format(where=" in some frame")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument(
        "recording",
        type=Path,
        help="rosbag2 folder (sqlite3 or mcap), one .db3 or .mcap file of it, or a ROS 1 .bag",
    )
    add_wanted(parser)
    _add_inputs(parser)
    parser.add_argument("-o", "--output", type=Path, help="folder for all output")
    parser.add_argument("--list", action="store_true", help="list of the topics, then exit")
    parser.add_argument(
        "--up",
        type=float,
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="direction against gravity in the image's optical frame, for upright boxes, as "
        "the node's parameter of that name; 0 -1 0 for a level camera",
    )
    parser.add_argument(
        "--every",
        type=at_least(1),
        default=1,
        metavar="N",
        help="interval of the frames that are processed, in frames",
    )
    parser.add_argument(
        "--export",
        choices=("coco",),
        help="data set of the sure answers in OUT/coco: pictures, masks, sentences, and what is "
        "absent; evf-sam evaluate and train read it",
    )
    parser.add_argument(
        "--export-score",
        type=between(0, 1),
        default=EXPORT_SCORE,
        metavar="P",
        help="least p(found) of an exported answer; of NOT_FOUND, least 1 - p (%(default)s)",
    )
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="largest number of frames")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the topics, and where the depth camera stands."""
    parser.add_argument(
        "--image", default="", metavar="TOPIC", help="topic of the images (default: by type)"
    )
    parser.add_argument(
        "--depth",
        default="",
        metavar="TOPIC",
        help="topic of the depth images registered to them; none: ignore depth",
    )
    parser.add_argument(
        "--camera-info", default="", metavar="TOPIC", help="topic of the images' camera_info"
    )
    parser.add_argument(
        "--slop",
        type=between(0),
        default=DEPTH_SYNC_SLOP_S,
        metavar="S",
        help="largest difference between the stamps of an image and its depth, seconds "
        "(%(default)s)",
    )
    parser.add_argument(
        "--depth-is-registered",
        action="store_true",
        help="pixels of the depth are those of the images, whatever its frame_id says",
    )
    parser.add_argument(
        "--image-from-depth",
        type=float,
        nargs=7,
        metavar=("X", "Y", "Z", "QX", "QY", "QZ", "QW"),
        default=(0.0,) * 7,
        help="pose of the depth camera in the images' optical frame, metres and a quaternion",
    )
    parser.add_argument(
        "--register-depth-by-tf",
        action="store_true",
        help="pose of the depth camera from the recording's /tf_static",
    )


def run(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Any]) -> int:
    """Answer on the recording; return the exit code. `load` gives the predictor that is wanted."""
    from evf_sam_ros.perception.knowledge import notes
    from evf_sam_ros.perception.registration import Registration, rigid_transform
    from evf_sam_ros.recordings import opening, topics
    from evf_sam_ros.recordings.replay import ReplayOptions, replay
    from evf_sam_ros.recordings.report import write_report

    with closing(opening.open_recording(arguments.recording)) as reader:
        held = topics.topics_of(reader)
        if arguments.list:
            print("\n".join(map(str, held)))
            _warn(reader.notes)
            return 0
        if arguments.output is None:
            raise ValueError('need a sentence and -o FOLDER: evf-sam bag DIR "the mug" -o out/')
        expressions = wanted(arguments)
        chosen = topics.choose(held, arguments.image, arguments.depth, arguments.camera_info)
        if arguments.register_depth_by_tf:
            chosen = topics.with_frames(chosen, held)
        predict = load(arguments)
        print(*notes(predict), sep="\n", file=sys.stderr)
        wish = ReplayOptions(
            tuple(expressions),
            slop_s=arguments.slop,
            registration=Registration(
                arguments.depth_is_registered, rigid_transform(arguments.image_from_depth)
            ),
            rules=rules_from(arguments, predict),
            up=_direction(arguments.up),
            every=arguments.every,
            limit=arguments.limit,
            export=_export(arguments, predict.name),
        )
        summary = replay(predict, reader, chosen, wish, arguments.output)
    _warn(reader.notes)
    facts = {
        "recording": arguments.recording.name,
        "images": str(chosen.image),
        "depth": str(chosen.depth or "none"),
        "camera_info": str(chosen.info or "none"),
        "rectified": "yes, by the topic's name" if chosen.rectified else "no",
        "model": f"{predict.name} ({predict.precision} on {predict.device})",
    }
    if reader.notes:
        facts["incomplete"] = "; ".join(reader.notes)
    page = write_report(arguments.output, facts, summary)
    print(f"{len(summary.records)} frames; {page}")
    if wish.export is not None:
        print(f"data set: {wish.export.close()}; {wish.export.left_out} unsure answers left out")
    return exit_code(summary.found(expression) for expression in expressions)


def _export(arguments: argparse.Namespace, model: str) -> Any:
    """Return what writes a data set, None where none is wanted."""
    from evf_sam_ros.recordings.coco_export import CocoExport

    if arguments.export is None:
        return None
    return CocoExport(arguments.output / arguments.export, model, arguments.export_score)


def _warn(notes: list[str]) -> None:
    """Say what is missing of a recording."""
    for note in notes:
        print(f"evf-sam: {note}", file=sys.stderr)


def _direction(given: list[float] | None) -> tuple[float, float, float] | None:
    if given is None:
        return None
    x, y, z = given
    if not isfinite(x + y + z) or not (x or y or z):
        raise ValueError(f"--up is {x:g} {y:g} {z:g}, need a direction, as 0 -1 0")
    return x, y, z
