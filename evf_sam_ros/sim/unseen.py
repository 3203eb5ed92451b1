"""Labelled pictures of shapes unknown to the default model, as COCO JSON with sentences.

`python -m evf_sam_ros.sim.unseen FOLDER` writes what a user who labels pictures would have:
50 pictures to learn from (train.json) and 100 others to measure with (test.json).
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.sim.palette import COLORS
from evf_sam_ros.sim.scene import Scene, SceneObject, render_scene
from evf_sam_ros.sim.unseen_meshes import UNSEEN_MAKERS
from evf_sam_ros.whole_files import write_bytes, write_text

SHAPES = tuple(UNSEEN_MAKERS)
FIRST_SEED = 700_000
SENTENCES = 6  # most per picture
CLEARLY = 0.08  # of the picture's width, between the outermost object and the next


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--train", type=int, default=50, help="number of training pictures (%(default)s)"
    )
    parser.add_argument(
        "--test", type=int, default=100, help="number of test pictures (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=FIRST_SEED, help="seed of the pictures (%(default)s)"
    )
    arguments = parser.parse_args()
    for name, first, count in (
        ("train", arguments.seed, arguments.train),
        ("test", arguments.seed + 10_000, arguments.test),
    ):
        print(write(arguments.folder, name, range(first, first + count)))


def write(folder: Path, name: str, seeds: Sequence[int]) -> Path:
    """Write the pictures of these seeds and FOLDER/NAME.json about them; returns that file."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "images": [], "annotations": [], "sentences": [],
        "categories": [{"id": i, "name": shape} for i, shape in enumerate(SHAPES)],
    }  # fmt: skip
    for seed in seeds:
        scene = render_scene(seed, shapes=SHAPES)
        file = folder / "images" / f"{name}_{seed}.png"
        write_bytes(file, cv2.imencode(".png", scene.rgb[..., ::-1])[1].tobytes())
        height, width = scene.instances.shape
        document["images"].append(
            {"id": seed, "file_name": file.name, "height": height, "width": width}
        )
        first = len(document["annotations"])
        document["annotations"] += list(_annotations(scene, first))
        document["sentences"] += [
            {"image_id": seed, "ann_ids": [first + i for i in targets], "text": text, "kind": kind}
            for text, targets, kind in sentences(scene.objects, np.random.default_rng([seed, 2]))
        ]
    path = folder / f"{name}.json"
    write_text(path, json.dumps(document) + "\n")
    return path


def sentences(
    objects: Sequence[SceneObject], rng: np.random.Generator
) -> list[tuple[str, list[int], str]]:
    """Return texts, the objects they mean, and their kind; an empty list means nothing fits."""
    said = {text: (targets, kind) for text, targets, kind in _all_sentences(objects)}
    texts = sorted(said)
    wrong = [text for text in texts if not said[text][0]]
    right = [text for text in texts if said[text][0]]
    chosen = [str(text) for text in rng.permutation(right)[: SENTENCES - 2]]
    chosen += [str(text) for text in rng.permutation(wrong)[:2]]
    return [(text, *said[text]) for text in chosen]


def _all_sentences(objects: Sequence[SceneObject]) -> Iterator[tuple[str, list[int], str]]:
    for shape in SHAPES:
        own = [i for i, one in enumerate(objects) if one.shape == shape]
        if not own:
            yield f"the {shape}", [], "absent category"
        if len(own) == 1:
            yield f"the {shape}", own, "name"
        yield from _places(objects, shape, own)
        for color in COLORS:
            colored = [i for i in own if objects[i].color == color]
            if len(colored) == 1:
                yield f"the {color} {shape}", colored, "attribute"
            if own and not colored:
                yield f"the {color} {shape}", [], "wrong attribute"


def _places(
    objects: Sequence[SceneObject], shape: str, own: list[int]
) -> Iterator[tuple[str, list[int], str]]:
    if len(own) < 2:
        return
    order = sorted(own, key=lambda i: objects[i].u)
    if objects[order[1]].u - objects[order[0]].u > CLEARLY:
        yield f"the {shape} on the left", order[:1], "place"
    if objects[order[-1]].u - objects[order[-2]].u > CLEARLY:
        yield f"the {shape} on the right", order[-1:], "place"


def _annotations(scene: Scene, first: int) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(scene.objects):
        mask = scene.mask([number])
        rows, columns = np.nonzero(mask)
        x, y = int(columns.min()), int(rows.min())
        box = [x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1]
        yield {
            "id": first + number,
            "image_id": scene.seed,
            "category_id": SHAPES.index(one.shape),
            "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
            "bbox": box,
            "area": int(mask.sum()),
            "iscrowd": 0,
        }


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Return COCO's run lengths: column by column, background first."""
    flat = np.concatenate([[False], mask.T.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.concatenate([[0], changes, [mask.size]])
    lengths = np.diff(ends).tolist()
    return lengths[:-1] if lengths and lengths[-1] == 0 else lengths


if __name__ == "__main__":
    main()
