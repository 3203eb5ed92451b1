"""`evf-sam segment`: options, answers, files. Imports nothing slow itself."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evf_sam_ros.cli.rules import rules_from
from evf_sam_ros.cli.wanted import EXIT_CODES, WRONG_INPUT, add_wanted, exit_code, wanted
from evf_sam_ros.whole_files import sentence

if TYPE_CHECKING:
    from evf_sam_ros.cli.segment_files import Files, Source

SUMMARY = "find what one or more expressions refer to in pictures"
EXAMPLES = """\
examples:
  evf-sam segment photo.jpg "zebra top left" -o out.png
  evf-sam segment table.png "the red mug" "the bowl next to it" -o out.png --json
  evf-sam segment table.png "the red mug" --mask mask.png
  evf-sam segment photo.jpg "zebra top left" --model weights/evf-sam -o out.png
  evf-sam segment table.png "could you pick up the red mug, please?; the bowl"
  evf-sam segment table.png --expression "red mug" --attention attention.png
  evf-sam segment photos/ "the red mug" -o answers/ --mask masks/ --json
  evf-sam segment a.jpg "b/*.png" "the red mug"
  evf-sam segment camera:0 "the red mug" -o now.png
  curl -s http://camera/snapshot.jpg | evf-sam segment - "the red mug"
""" + EXIT_CODES.format(where="")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument(
        "image",
        type=Path,  # completed as one by the shell
        help="image: JPEG, PNG or another format that OpenCV reads; a folder of images, a pattern "
        'in quotes ("*.png"), - for an image on standard input, or camera:0 for a picture of the '
        "first camera; more of these may follow",
    )
    add_wanted(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="picture with the answers drawn on it; "
        "for several images a folder, as with --mask and --attention",
    )
    parser.add_argument(
        "--mask",
        type=Path,
        help="PNG of the image's size: 0 background, 255 object; with several expressions "
        "1 is the first one's object, 2 the second's, ...",
    )
    parser.add_argument(
        "--attention", type=Path, help="picture of the model's attention for each expression"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="JSON on standard output instead of text; for several images one object per line",
    )


def run(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Any]) -> int:
    """Answer; return the exit code. `load` gives the predictor that the arguments want."""
    from evf_sam_ros.cli.segment_files import files_of, pictures_and_sentences, read, sources

    names, arguments.sentence = pictures_and_sentences([str(arguments.image), *arguments.sentence])
    chosen, several = sources(names)
    files = files_of(chosen, arguments, several=several)
    expressions = wanted(arguments)
    first = None if several else read(chosen[0])  # refused before a model is loaded
    task = _Task(arguments, load(arguments), expressions, several)
    found: list[bool] = []
    readable = True
    for source, outputs in zip(chosen, files, strict=True):
        try:
            image = read(source) if first is None else first
        except (OSError, ValueError) as error:  # of one among several: the others are answered
            _tell_unreadable(source, error, as_json=arguments.json)
            readable = False
        else:
            found += _answer(task, source, image, outputs, first=not found)
    return exit_code(found) if readable else WRONG_INPUT


@dataclass(frozen=True)
class _Task:
    """All that is the same for each picture."""

    arguments: argparse.Namespace
    predict: Any
    expressions: list[str]
    several: bool


def _tell_unreadable(source: "Source", error: OSError | ValueError, *, as_json: bool) -> None:
    """Say which of several pictures has no answer, and why."""
    from evf_sam_ros.cli.segment_files import name_of
    from evf_sam_ros.pictures.damaged import DamagedImageError

    reason = sentence(error) if isinstance(error, OSError) else str(error)
    print(f"evf-sam: {reason}", file=sys.stderr)
    if as_json:
        damaged = isinstance(error, DamagedImageError)
        told = {"image": name_of(source), "image_damaged": damaged}
        record = {**told, "error": reason, "answers": []}
        print(json.dumps(record), flush=True)


def _answer(
    task: _Task, source: "Source", image: Any, files: "Files", *, first: bool
) -> list[bool]:
    """Answer about one picture, write and print; return which expressions are found."""
    from evf_sam_ros.cli.segment_files import name_of
    from evf_sam_ros.perception.answer_record import answer_record
    from evf_sam_ros.perception.judgement import judge
    from evf_sam_ros.perception.knowledge import notes

    arguments, predict = task.arguments, task.predict
    answer = predict(image, task.expressions, attention=arguments.attention is not None)
    if first:
        print(*notes(predict), sep="\n", file=sys.stderr)
    rules = rules_from(arguments, predict)
    judged = [judge(each, answer, i, rules=rules) for i, each in enumerate(task.expressions)]
    pairs = list(zip(task.expressions, judged, strict=True))
    _write(files, image, pairs, answer)
    records = [answer_record(*pair, answer, i) for i, pair in enumerate(pairs)]
    name = name_of(source)
    if arguments.json:
        described = _described(name, predict, answer, records)
        print(json.dumps(described, indent=None if task.several else 2), flush=task.several)
    else:
        start = f"{name}: " if task.several else ""
        print("\n".join(start + _sentence(record) for record in records), flush=task.several)
    return [each.found for each in judged]


def _write(files: "Files", image: Any, pairs: list[tuple[str, Any]], answer: Any) -> None:
    from evf_sam_ros.perception.answer_record import annotation, numbered_masks
    from evf_sam_ros.perception.attention_picture import draw_attention
    from evf_sam_ros.perception.overlay import draw
    from evf_sam_ros.pictures import photograph

    size = image.shape[0], image.shape[1]
    if files.output:
        annotations = [annotation(*pair, size) for pair in pairs]
        photograph.write_image(files.output, draw(image, annotations))
    if files.attention:
        looks = draw_attention(image, answer.attention, [expression for expression, _ in pairs])
        photograph.write_image(files.attention, looks)
    if files.mask:
        photograph.write_image(files.mask, numbered_masks([each for _, each in pairs], size))


def _sentence(record: dict[str, Any]) -> str:
    answer = record["status"].lower().replace("_", " ")
    text = f"{record['expression']}: {answer}, score {record['score']:.2f}"
    if record["found"]:
        u, v = record["centroid_uv"]
        text = f"{text}, centre at ({u:.0f}, {v:.0f}), {record['area_px']} pixels"
    return f"{text}; {record['message']}" if record["message"] else text


def _described(
    name: str, predict: Any, answer: Any, records: list[dict[str, Any]]
) -> dict[str, Any]:
    height, width = answer.masks.shape[1:]
    times = {name: round(1e3 * value, 2) for name, value in vars(answer.times).items()}
    return {
        "image": name,
        "image_damaged": False,
        "width": width,
        "height": height,
        "model": predict.name,
        "device": str(predict.device),
        "precision": predict.precision,
        "score_threshold": predict.score_threshold,
        "times_ms": times,
        "answers": records,
    }
