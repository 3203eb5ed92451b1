"""`evf-sam calibrate --pictures FOLDER`: calibration by pictures or a recording, no labels."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from evf_sam_ros.perception.decision import Calibration
    from evf_sam_ros.perception.predictor import Predictor

Picture = NDArray[np.uint8]
RECORDINGS = (".bag", ".db3", ".mcap")
MOST_FRAMES = 60  # of a recording, evenly over its length


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this way of calibrating takes."""
    parser.add_argument(
        "--image", default="", metavar="TOPIC", help="topic of a recording's images"
    )
    parser.add_argument(
        "--fitting",
        type=Path,
        metavar="FILE",
        help="sentences that do fit, to state T-acc with --pictures FOLDER: a line for each, the "
        "picture's file name, a tab and the sentence",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Calibrate; the decision goes to the user's cache. Returns it with the counts behind it.

    Raises:
        ValueError: too few pictures, or a file of sentences that does not belong to them.
    """
    from evf_sam_ros.perception import calibration_store
    from evf_sam_ros.perception.label_free import LEAST_PICTURES
    from evf_sam_ros.perception.model_folder import model_folder
    from evf_sam_ros.perception.predictor import load_predictor

    source, from_recording = arguments.pictures, _is_recording(arguments.pictures)
    if from_recording:
        _refuse_fitting(arguments)
        count, pictures = _frames(source, arguments.image)
    else:
        count, pictures = _files(source)
    if count < LEAST_PICTURES:
        raise ValueError(f"{str(source)!r} has {count} pictures, need {LEAST_PICTURES} or more")
    fitting = _fitting(arguments.fitting, source) if arguments.fitting else []
    predict = load_predictor(
        arguments.model,
        arguments.device,
        arguments.precision,
        behaviour=dict(arguments.behaviour),
        tokenizer=arguments.tokenizer,
    )
    calibration = _calibrate(predict, pictures, count, arguments.seed)
    figures: dict[str, Any] = {
        "model": arguments.model,
        "pictures": count,
        "decision": calibration.document(),
    }
    if fitting:
        figures["t_acc"] = _tell_t_acc(predict, calibration, fitting)
    if not arguments.dry_run:
        path = calibration_store.store(model_folder(arguments.model), calibration)
        print(f"the decision is in {path}; one in the model's config.json would come first")
    return figures


def _is_recording(path: Path) -> bool:
    if path.is_dir():
        inside = {each.suffix for each in path.iterdir()}
        return (path / "metadata.yaml").is_file() or bool(inside & set(RECORDINGS))
    return path.suffix in RECORDINGS


def _refuse_fitting(arguments: argparse.Namespace) -> None:
    if arguments.fitting:
        raise ValueError("--fitting names picture files: it needs --pictures FOLDER of pictures")


def _files(folder: Path) -> tuple[int, Iterator[Picture]]:
    from evf_sam_ros.pictures import photograph
    from evf_sam_ros.pictures.picture_files import pictures_in

    files = pictures_in(folder)
    return len(files), map(photograph.read_rgb, files)


def _frames(path: Path, image: str) -> tuple[int, Iterator[Picture]]:
    """Return how many frames of a recording are taken, and them; broken ones are left out."""
    from evf_sam_ros.recordings.opening import open_recording
    from evf_sam_ros.recordings.topics import choose, topics_of

    with closing(open_recording(path)) as reader:
        count = choose(topics_of(reader), image, "none", "none").image.count
    return min(count, MOST_FRAMES), _even_frames(path, image, max(1, -(-count // MOST_FRAMES)))


def _even_frames(path: Path, image: str, every: int) -> Iterator[Picture]:
    from evf_sam_ros.perception.depth_lookup import DepthOptions
    from evf_sam_ros.recordings.frames import FrameReader
    from evf_sam_ros.recordings.opening import open_recording
    from evf_sam_ros.recordings.topics import choose, topics_of

    with closing(open_recording(path)) as reader:
        chosen = choose(topics_of(reader), image, "none", "none")
        for frame in FrameReader(reader, chosen, DepthOptions()):
            if frame.number % every == 0 and frame.image_rgb is not None:
                yield frame.image_rgb


def _calibrate(
    predict: "Predictor", pictures: Iterable[Picture], count: int, seed: int
) -> "Calibration":
    from evf_sam_ros.perception.label_free import LabelFree
    from evf_sam_ros.progress import progress

    growing = LabelFree(predict, seed)
    for picture in progress(pictures, desc="pictures", total=count, unit="picture"):
        growing.add(picture)
    calibration = growing.calibration()
    weights = ", ".join(f"{name} {value:+.3g}" for name, value in calibration.weights.items())
    left_out = f" ({count - growing.pictures} unsuitable)" if count > growing.pictures else ""
    print(f"{count} pictures{left_out}; weights: {weights}; bias {calibration.bias:+.3g}")
    return calibration


def _fitting(path: Path, folder: Path) -> list[tuple[Path, str]]:
    """Read which sentences fit which pictures of a folder."""
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        name, _, sentence = line.partition("\t")
        if not sentence.strip():
            raise ValueError(f"{path}:{number} is {line!r}, need a file name, a tab, a sentence")
        if not (folder / name).is_file():
            raise ValueError(f"{path}:{number} names {name!r}, which {str(folder)!r} has not")
        pairs.append((folder / name, sentence.strip()))
    if not pairs:
        raise ValueError(f"{path} holds no sentence")
    return pairs


def _tell_t_acc(
    predict: "Predictor", calibration: "Calibration", fitting: list[tuple[Path, str]]
) -> float:
    from evf_sam_ros.perception.judgement import Rules, Status, judge
    from evf_sam_ros.pictures import photograph

    predict.calibrate(calibration)
    rules = Rules(threshold=calibration.threshold)
    statuses = [
        judge(sentence, predict(photograph.read_rgb(path), [sentence]), rules=rules).status
        for path, sentence in fitting
    ]
    shown = sum(status in (Status.FOUND, Status.AMBIGUOUS) for status in statuses)
    share = shown / len(fitting)
    print(f"T-acc {share:.1%}: {shown} of {len(fitting)} sentences that fit are found")
    for (path, sentence), status in zip(fitting, statuses, strict=True):
        if status not in (Status.FOUND, Status.AMBIGUOUS):
            print(f"  {path.name}: {sentence!r} is {status.value}")
    return share
