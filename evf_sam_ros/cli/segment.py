"""`evf-sam segment`: its options, what it writes and says. Imports nothing slow itself."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SUMMARY = "find what one or more expressions refer to in a picture"
EXAMPLES = """\
examples:
  evf-sam segment photo.jpg "zebra top left" -o out.png
  evf-sam segment table.png "the red mug" "the bowl next to it" -o out.png --json
  evf-sam segment table.png "the red mug" --mask mask.png
  evf-sam segment photo.jpg "zebra top left" --model weights/evf-sam -o out.png
  evf-sam segment table.png "the red mug" --attention attention.png
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument("image", type=Path, help="JPEG, PNG or what else OpenCV reads")
    parser.add_argument("expression", nargs="+", help='what to find: "the red mug on the left"')
    parser.add_argument("-o", "--output", type=Path, help="picture with the answers drawn on it")
    parser.add_argument(
        "--mask",
        type=Path,
        help="PNG of the image's size: 0 background, 255 object; with several expressions "
        "1 is the first one's object, 2 the second's, ...",
    )
    parser.add_argument(
        "--attention", type=Path, help="picture of where the model looks for each expression"
    )
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")


def run(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Any]) -> None:
    """Answer; `load` gives the predictor that the arguments want."""
    from evf_sam_ros.perception.attention_picture import draw_attention
    from evf_sam_ros.perception.overlay import draw
    from evf_sam_ros.pictures import photograph

    for picture in filter(None, (arguments.output, arguments.attention)):
        photograph.check_ending(picture, photograph.PICTURES)
    if arguments.mask:
        photograph.check_ending(arguments.mask, photograph.LOSSLESS)
    image = photograph.read_rgb(arguments.image)
    predict = load(arguments)
    answer = predict(image, arguments.expression, attention=arguments.attention is not None)
    records = _records(arguments.expression, answer)
    if arguments.output:
        photograph.write_image(arguments.output, draw(image, _annotations(records, answer)))
    if arguments.attention:
        looks = draw_attention(image, answer.attention, arguments.expression)
        photograph.write_image(arguments.attention, looks)
    if arguments.mask:
        photograph.write_image(arguments.mask, _label_image(answer))
    if arguments.json:
        print(json.dumps(_described(arguments, predict, answer, records), indent=2))
    else:
        print("\n".join(_sentence(record) for record in records))


def _records(expressions: Sequence[str], answer: Any) -> list[dict[str, Any]]:
    return [_record(expression, answer, i) for i, expression in enumerate(expressions)]


def _record(expression: str, answer: Any, index: int) -> dict[str, Any]:
    from evf_sam_ros.perception.geometry import outline

    record = {
        "expression": expression,
        "found": bool(answer.found[index]),
        "score": round(float(answer.scores[index]), 4),
        "predicted_iou": round(float(answer.predicted_iou[index]), 4),
        "presence": None if answer.presence is None else round(float(answer.presence[index]), 4),
        "unknown_words": list(answer.unknown_words[index]),
        "read_as": {reading.said: reading.read for reading in answer.readings[index]},
    }
    if not record["found"]:
        return record
    measured = outline(answer.masks[index])
    roi = measured.roi
    return record | {
        "area_px": measured.area_px,
        "box_xywh": [roi.x, roi.y, roi.width, roi.height],
        "centroid_uv": [round(value, 1) for value in measured.centroid_uv],
        "anchor_uv": list(measured.anchor_uv),
    }


def _sentence(record: dict[str, Any]) -> str:
    answer = "found" if record["found"] else "not found"
    text = f"{record['expression']}: {answer}, score {record['score']:.2f}"
    for said, read in record["read_as"].items():
        text += f", {said!r} " + (f"read as {read!r}" if read else "left out")
    if record["found"]:
        u, v = record["centroid_uv"]
        text = f"{text}, centre at ({u:.0f}, {v:.0f}), {record['area_px']} pixels"
    if record["unknown_words"]:
        words = ", ".join(repr(word) for word in record["unknown_words"])
        text = f"{text}; the model does not know {words}"
    return text


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


def _annotations(records: list[dict[str, Any]], answer: Any) -> list[Any]:
    from evf_sam_ros.perception.overlay import Annotation

    annotations = []
    for record, mask in zip(records, answer.masks, strict=True):
        unknown = record["unknown_words"]
        annotations.append(
            Annotation(
                mask,
                record["expression"],
                "FOUND" if record["found"] else "NOT_FOUND",
                record["score"],
                detail="unknown: " + ", ".join(unknown) if unknown else "",
            )
        )
    return annotations


def _label_image(answer: Any) -> Any:
    """Return (H, W) uint8: 255 for the only object, or the number of each; later ones on top."""
    import numpy as np

    labels = np.zeros(answer.masks.shape[1:], np.uint8)
    several = len(answer.masks) > 1
    for number, mask in enumerate(answer.masks, start=1):
        labels[mask] = number if several else 255
    return labels
