"""`evf-sam bag`: its options, and what it says when it has run. Imports nothing slow itself."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from evf_sam_ros.cli import bag_many
from evf_sam_ros.cli.option_types import at_least, between
from evf_sam_ros.cli.rules import given_rules
from evf_sam_ros.cli.wanted import EXIT_CODES, add_wanted, exit_code, wanted
from evf_sam_ros.perception.defaults import DEPTH_SYNC_SLOP_S

EXPORT_SCORE = 0.9
RECORDINGS = (".bag", ".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
SUMMARY = "find what expressions refer to in every frame of a recording"
EXAMPLES = """\
examples:
  evf-sam bag drive/ "the red mug" -o out/                     a rosbag2 folder
  evf-sam bag drive/drive_0.mcap "the red mug" "the bowl" -o out/
  evf-sam bag drive/ "the red mug" -o out/ --image /cam/image_raw --depth /cam/depth/image_rect
  evf-sam bag drive/ "the red mug" -o out/ --export coco       and a data set of the answers
  evf-sam bag monday/ tuesday/ "the red mug" -o out/ --workers 4   every recording in them
  evf-sam bag drive/ --list                                    what the recording holds

out/ then has results.jsonl (a line per frame), masks/, overlay.mp4, summary.md and summary.html;
two runs on a CPU write the same bytes. docs/guides/recordings.md explains every field.
""" + EXIT_CODES.format(where=" in some frame")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument(
        "recording",
        type=Path,
        help="rosbag2 folder (sqlite3 or mcap), one .db3 or .mcap file of it, a ROS 1 .bag, or a "
        "folder of such; several may be given before the sentences",
    )
    add_wanted(parser)
    bag_many.add_options(parser)
    _add_inputs(parser)
    parser.add_argument("-o", "--output", type=Path, help="folder for all output")
    parser.add_argument(
        "--json",
        action="store_true",
        help="JSON on standard output instead of text: an object per recording, also with --list",
    )
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
    """Answer on the recordings; return the exit code. `load` gives the model that is wanted."""
    from evf_sam_ros.recordings.many import recordings_in

    given = [str(arguments.recording), *arguments.sentence]
    paths, arguments.sentence = recordings_and_sentences(given)
    recordings = list(dict.fromkeys(each for path in paths for each in recordings_in(path)))
    if arguments.list:
        for each in recordings:
            _list(each, several=len(recordings) > 1, as_json=arguments.json)
        return 0
    if arguments.output is None:
        raise ValueError('need a sentence and -o FOLDER: evf-sam bag DIR "the mug" -o out/')
    expressions = wanted(arguments)
    if len(recordings) == 1 and paths == recordings and not arguments.ray:
        return _single(arguments, recordings[0], expressions, load)
    return bag_many.run(arguments, recordings, partial(_job, arguments, tuple(expressions)))


def recordings_and_sentences(given: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Divide arguments: the first is a recording, and those after it that are named as such."""
    count = 1
    while count < len(given) and _is_named_as_recording(given[count]):
        count += 1
    return [Path(each) for each in given[:count]], list(given[count:])


def _is_named_as_recording(text: str) -> bool:
    return text.endswith(RECORDINGS) or ("/" in text and Path(text).is_dir())


def _list(recording: Path, *, several: bool, as_json: bool) -> None:
    from evf_sam_ros.recordings import opening, topics

    with closing(opening.open_recording(recording)) as reader:
        held = topics.topics_of(reader)
        if as_json:
            print(
                json.dumps({"recording": str(recording), "topics": [vars(each) for each in held]})
            )
        else:
            print("\n".join([*([f"{recording}:"] if several else []), *map(str, held)]))
        _warn(reader.notes)


def _single(
    arguments: argparse.Namespace,
    recording: Path,
    expressions: Sequence[str],
    load: Callable[[argparse.Namespace], Any],
) -> int:
    from evf_sam_ros.perception.knowledge import notes
    from evf_sam_ros.recordings.job import run_job

    def told() -> Any:
        predict = load(arguments)
        print(*notes(predict), sep="\n", file=sys.stderr)
        return predict

    job = _job(arguments, tuple(expressions), recording, arguments.output)
    outcome = run_job(job, told)
    _warn(outcome.notes)
    if arguments.json:
        print(json.dumps(bag_many.record_of(recording, outcome)))
    else:
        print(f"{outcome.frames} frames; {outcome.page}")
        print(*filter(None, [outcome.exported]), sep="\n", end="\n" if outcome.exported else "")
    return exit_code(outcome.found[expression] > 0 for expression in expressions)


def _job(
    arguments: argparse.Namespace, expressions: tuple[str, ...], recording: Path, output: Path
) -> Any:
    from evf_sam_ros.perception.registration import Registration, rigid_transform
    from evf_sam_ros.recordings.job import Job

    return Job(
        recording,
        output,
        expressions,
        image=arguments.image,
        depth=arguments.depth,
        camera_info=arguments.camera_info,
        frames_from_tf=arguments.register_depth_by_tf,
        slop_s=arguments.slop,
        registration=Registration(
            arguments.depth_is_registered, rigid_transform(arguments.image_from_depth)
        ),
        rules=given_rules(arguments),
        up=_direction(arguments.up),
        every=arguments.every,
        limit=arguments.limit,
        export=arguments.export or "",
        export_score=arguments.export_score,
    )


def _warn(notes: Iterable[str]) -> None:
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
