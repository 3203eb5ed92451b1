"""Write simulated scenes in the formats of RefCOCO and gRefCOCO, to try `evaluate` on them.

`python -m evf_sam_ros.evaluation.tabletop_files FOLDER --scenes 40`, then
`evf-sam evaluate --data FOLDER --split grefcoco/val`.
"""

import argparse
import json
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from evf_sam_ros.evaluation.tabletop import scene_and_expressions
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.sim.expressions import Expression
from evf_sam_ros.sim.scene import Scene

FIRST_SEED = 950_000  # of scenes that neither training nor the tabletop evaluation uses
PICTURES = "images/mscoco/images/train2014"


def write(
    root: Path,
    seeds: Iterable[int],
    *,
    split: str = "val",
    size: tuple[int, int] = (640, 480),
    progress: bool = True,
) -> None:
    """Write a scene for each seed, and its sentences, as one split.

    refcoco/ has the sentences that mean one object, grefcoco/ all of them.
    """
    (root / PICTURES).mkdir(parents=True, exist_ok=True)
    images: list[Any] = []
    annotations: list[Any] = []
    refs: list[Any] = []
    for seed in progress_bar(list(seeds), "scenes", disable=not progress):
        scene, expressions = scene_and_expressions(seed, size)
        name = f"COCO_train2014_{seed:012d}.png"
        cv2.imwrite(str(root / PICTURES / name), scene.rgb[..., ::-1])
        images.append({"id": seed, "file_name": name, "width": size[0], "height": size[1]})
        annotations += [_annotation(scene, index) for index in range(len(scene.objects))]
        refs += _refs(scene, expressions, split, len(refs))
    index = {"images": images, "annotations": annotations, "categories": _categories(annotations)}
    single = [_as_single(ref) for ref in refs if len(ref["ann_id"]) == 1 and ref["ann_id"] != [-1]]
    for name in ("refcoco", "grefcoco"):
        (root / name).mkdir(exist_ok=True)
        (root / name / "instances.json").write_text(json.dumps(index))
    (root / "refcoco" / "refs(unc).p").write_bytes(pickle.dumps(single, protocol=2))
    (root / "grefcoco" / "grefs(unc).json").write_text(json.dumps(refs))


def _annotation(scene: Scene, index: int) -> dict[str, Any]:
    mask = scene.mask((index,))
    runs = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    box = coco_mask.toBbox(runs)
    name = scene.objects[index].shape
    return {
        "id": _annotation_id(scene.seed, index),
        "image_id": scene.seed,
        "category_id": name,
        "iscrowd": 0,
        "area": int(np.count_nonzero(mask)),
        "bbox": [float(value) for value in box],
        "segmentation": {**runs, "counts": runs["counts"].decode("ascii")},
    }


def _refs(
    scene: Scene, expressions: Sequence[Expression], split: str, first: int
) -> list[dict[str, Any]]:
    """Return the sentences, those of the same objects together."""
    by_targets: dict[tuple[int, ...], list[str]] = {}
    for expression in expressions:
        by_targets.setdefault(tuple(expression.targets), []).append(expression.text)
    return [
        _ref(scene, targets, texts, split, first + number)
        for number, (targets, texts) in enumerate(by_targets.items())
    ]


def _ref(
    scene: Scene, targets: tuple[int, ...], texts: list[str], split: str, number: int
) -> dict[str, Any]:
    sentences = [
        {"sent_id": 100 * number + place, "sent": text, "raw": text, "tokens": text.split()}
        for place, text in enumerate(texts)
    ]
    return {
        "ref_id": number,
        "ann_id": [_annotation_id(scene.seed, index) for index in targets] or [-1],
        "image_id": scene.seed,
        "category_id": 1,
        "split": split,
        "file_name": f"COCO_train2014_{scene.seed:012d}_{number}.png",
        "sent_ids": [sentence["sent_id"] for sentence in sentences],
        "sentences": sentences,
    }


def _as_single(ref: dict[str, Any]) -> dict[str, Any]:
    return {**ref, "ann_id": ref["ann_id"][0]}


def _annotation_id(seed: int, index: int) -> int:
    return 100 * seed + index


def _categories(annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number the categories, in the annotations as well."""
    names = sorted({annotation["category_id"] for annotation in annotations})
    for annotation in annotations:
        annotation["category_id"] = names.index(annotation["category_id"]) + 1
    return [{"id": number, "name": name} for number, name in enumerate(names, start=1)]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=40, help="number of scenes (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=FIRST_SEED, help="seed of the first scene (%(default)s)"
    )
    arguments = parser.parse_args(argv)
    write(arguments.folder, range(arguments.seed, arguments.seed + arguments.scenes))


if __name__ == "__main__":
    main()
