"""`evf-sam segment`: its options, what it writes and says. Imports nothing slow itself."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.rules import rules_from
from evf_sam_ros.cli.wanted import EXIT_CODES, add_wanted, exit_code, wanted

SUMMARY = "find what one or more expressions refer to in a picture"
EXAMPLES = """\
examples:
  evf-sam segment photo.jpg "zebra top left" -o out.png
  evf-sam segment table.png "the red mug" "the bowl next to it" -o out.png --json
  evf-sam segment table.png "the red mug" --mask mask.png
  evf-sam segment photo.jpg "zebra top left" --model weights/evf-sam -o out.png
  evf-sam segment table.png "could you pick up the red mug, please?; the bowl"
  evf-sam segment table.png --expression "red mug" --attention attention.png
""" + EXIT_CODES.format(where="")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument(
        "image", type=Path, help="image: JPEG, PNG or another format that OpenCV reads"
    )
    add_wanted(parser)
    parser.add_argument("-o", "--output", type=Path, help="picture with the answers drawn on it")
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
        "--json", action="store_true", help="JSON on standard output instead of text"
    )


def run(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Any]) -> int:
    """Answer; return the exit code. `load` gives the predictor that the arguments want."""
    from evf_sam_ros.perception.answer_record import annotation, answer_record, numbered_masks
    from evf_sam_ros.perception.attention_picture import draw_attention
    from evf_sam_ros.perception.judgement import judge
    from evf_sam_ros.perception.knowledge import notes
    from evf_sam_ros.perception.overlay import draw
    from evf_sam_ros.pictures import photograph

    for picture in filter(None, (arguments.output, arguments.attention)):
        photograph.check_ending(picture, photograph.PICTURES)
    if arguments.mask:
        photograph.check_ending(arguments.mask, photograph.LOSSLESS)
    expressions = wanted(arguments)
    image = photograph.read_rgb(arguments.image)
    predict = load(arguments)
    answer = predict(image, expressions, attention=arguments.attention is not None)
    print(*notes(predict), sep="\n", file=sys.stderr)
    size = image.shape[0], image.shape[1]
    rules = rules_from(arguments, predict)
    judged = [judge(each, answer, i, rules=rules) for i, each in enumerate(expressions)]
    pairs = list(zip(expressions, judged, strict=True))
    records = [answer_record(*pair, answer, i) for i, pair in enumerate(pairs)]
    if arguments.output:
        annotations = [annotation(*pair, size) for pair in pairs]
        photograph.write_image(arguments.output, draw(image, annotations))
    if arguments.attention:
        looks = draw_attention(image, answer.attention, expressions)
        photograph.write_image(arguments.attention, looks)
    if arguments.mask:
        photograph.write_image(arguments.mask, numbered_masks(judged, size))
    if arguments.json:
        print(json.dumps(_described(arguments, predict, answer, records), indent=2))
    else:
        print("\n".join(_sentence(record) for record in records))
    return exit_code(each.found for each in judged)


def _sentence(record: dict[str, Any]) -> str:
    answer = record["status"].lower().replace("_", " ")
    text = f"{record['expression']}: {answer}, score {record['score']:.2f}"
    if record["found"]:
        u, v = record["centroid_uv"]
        text = f"{text}, centre at ({u:.0f}, {v:.0f}), {record['area_px']} pixels"
    return f"{text}; {record['message']}" if record["message"] else text


def _described(
    arguments: argparse.Namespace, predict: Any, answer: Any, records: list[dict[str, Any]]
) -> dict[str, Any]:
    height, width = answer.masks.shape[1:]
    times = {name: round(1e3 * value, 2) for name, value in vars(answer.times).items()}
    return {
        "image": str(arguments.image),
        "width": width,
        "height": height,
        "model": predict.name,
        "device": str(predict.device),
        "precision": predict.precision,
        "score_threshold": predict.score_threshold,
        "times_ms": times,
        "answers": records,
    }
