"""`evf-sam`: find what words refer to in a photograph, measure a model, train one."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

USER_ERROR = 2

SEGMENT_EXAMPLES = """\
examples:
  evf-sam segment photo.jpg "zebra top left" -o out.png
  evf-sam segment table.png "the red mug" "the bowl next to it" -o out.png --json
  evf-sam segment table.png "the red mug" --mask mask.png
  evf-sam segment photo.jpg "zebra top left" --model weights/evf-sam -o out.png
  evf-sam segment table.png "the red mug" --attention attention.png
"""
EVALUATE_EXAMPLES = """\
examples:
  evf-sam evaluate --data tabletop --scenes 500 --seed 900000
  evf-sam evaluate --data tabletop --scenes 50 --json figures.json --report report/
  evf-sam evaluate --data tabletop --model runs/tabletop/model
"""
TRAIN_EXAMPLES = """\
examples:
  evf-sam train --recipe tabletop -o runs/tabletop
  evf-sam train --recipe tabletop -o runs/tabletop --resume     goes on where a run ended
"""
DOWNLOAD_EXAMPLES = """\
examples:
  evf-sam download YxZhang/evf-sam2-multitask
  evf-sam segment photo.jpg "zebra top left" --model YxZhang/evf-sam2-multitask -o out.png
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 for what the user can put right."""
    # Read when torch is first imported: spinning threads are slow where others need the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except ModuleNotFoundError as error:
        if error.name != "mujoco":
            raise
        return _refuse("the simulated tabletop needs MuJoCo: pip install 'evf_sam_ros[sim]'")
    except (ValueError, OSError) as error:
        return _refuse(" ".join(str(error).split()))
    except KeyboardInterrupt:
        print("evf-sam: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evf-sam", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_segment(commands)
    _add_evaluate(commands)
    _add_train(commands)
    models = _command(commands, "models", "list the models: size, memory, where to get them", "")
    models.set_defaults(run=_models)
    _add_download(commands)
    parameters = _command(commands, "params", "compare parameter counts with the paper's", "")
    parameters.set_defaults(run=_params)
    return parser


def _command(commands: Any, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        default="default",
        metavar="DIR_OR_NAME",
        help="a model's folder, the name of an embedded one, or the Hugging Face id of one that "
        "was downloaded (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16, fp16")
    parser.add_argument(
        "--score-threshold",
        type=float,
        metavar="P",
        help="probability from which an object counts as found (default: the model's own)",
    )
    parser.add_argument(
        "--behaviour",
        type=_entry,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="treat a published checkpoint otherwise than by its own default: "
        "resizing=inference|dataset|legacy, masks=best|stable, semantic=true|false",
    )


def _add_segment(commands: Any) -> None:
    summary = "find what one or more expressions refer to in a picture"
    parser = _command(commands, "segment", summary, SEGMENT_EXAMPLES)
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
    _add_model_options(parser)
    parser.set_defaults(run=_segment)


def _add_evaluate(commands: Any) -> None:
    summary = "measure a model on data it never saw"
    parser = _command(commands, "evaluate", summary, EVALUATE_EXAMPLES)
    parser.add_argument("--data", choices=["tabletop"], required=True)
    parser.add_argument("--scenes", type=_positive, default=500, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=900_000, help="of the first (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write a page of examples there"
    )
    _add_model_options(parser)
    parser.set_defaults(run=_evaluate)


def _add_train(commands: Any) -> None:
    parser = _command(commands, "train", "train a model by a recipe", TRAIN_EXAMPLES)
    parser.add_argument("--recipe", required=True, help="tabletop")
    parser.add_argument("-o", "--output", type=Path, help="folder of the run (runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on where a run ended")
    parser.set_defaults(run=_train)


def _add_download(commands: Any) -> None:
    summary = "fetch a Hugging Face model, or its newest version, for use without a network"
    parser = _command(commands, "download", summary, DOWNLOAD_EXAMPLES)
    parser.add_argument("model", help="owner/name, or owner/name@revision")
    parser.set_defaults(run=_download)


# Everything below imports what it needs itself: `evf-sam --help` is instant.


def _segment(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.perception import photograph
    from evf_sam_ros.perception.attention_picture import draw_attention
    from evf_sam_ros.perception.overlay import draw

    for picture in filter(None, (arguments.output, arguments.attention)):
        photograph.check_ending(picture, photograph.PICTURES)
    if arguments.mask:
        photograph.check_ending(arguments.mask, photograph.LOSSLESS)
    image = photograph.read_rgb(arguments.image)
    predict = _predictor(arguments)
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


def _evaluate(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.evaluation import tabletop
    from evf_sam_ros.evaluation.report import as_text, write_report

    predict = _predictor(arguments)
    for path in (arguments.json, arguments.report):
        if path is not None:  # now rather than after an hour of work
            path.resolve().parent.mkdir(parents=True, exist_ok=True)
    seeds = range(arguments.seed, arguments.seed + arguments.scenes)
    measurement = tabletop.measure(predict, seeds)
    figures = {
        "data": "tabletop",
        "scenes": arguments.scenes,
        "first_seed": arguments.seed,
        "model": predict.name,
        "device": str(predict.device),
        "precision": predict.precision,
        **tabletop.summarize(measurement, predict.score_threshold),
    }
    print(as_text(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if arguments.report:
        print(f"report: {write_report(arguments.report, figures, measurement.judged, predict)}")


def _train(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.training import recipes

    folder = arguments.output or Path("runs") / arguments.recipe
    recipes.run(arguments.recipe, folder, resume=arguments.resume)


def _download(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.perception import hub

    print(hub.download(arguments.model))


def _models(_: argparse.Namespace) -> None:
    from evf_sam_ros.perception import catalogue

    print(catalogue.table(catalogue.this_machine()))


def _params(_: argparse.Namespace) -> None:
    from evf_sam_ros.evaluation import paper_parameters

    for line in paper_parameters.report():
        print(line)


def _predictor(arguments: argparse.Namespace) -> Any:
    from evf_sam_ros.perception.predictor import load_predictor

    return load_predictor(
        arguments.model,
        arguments.device,
        arguments.precision,
        arguments.score_threshold,
        behaviour=dict(arguments.behaviour),
    )


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
    if record["unknown_words"]:
        words = ", ".join(repr(word) for word in record["unknown_words"])
        return f"{text}; the model does not know {words}"
    if record["found"]:
        u, v = record["centroid_uv"]
        return f"{text}, centre at ({u:.0f}, {v:.0f}), {record['area_px']} pixels"
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


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def _entry(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, {"true": True, "false": False}.get(value.lower(), value)


def _refuse(sentence: str) -> int:
    print(f"evf-sam: {sentence}", file=sys.stderr)
    return USER_ERROR


if __name__ == "__main__":
    sys.exit(main())
