"""A small data set in the real file formats: squares on a grey ground, one colour each."""

import json
import pickle

import cv2
import numpy as np

COLORS = {"red": (220, 40, 30), "green": (40, 190, 60), "blue": (40, 60, 220)}
SIZE = (48, 64)


def squares(rng):
    """A picture with one square of each colour, and their boxes x, y, side."""
    picture = np.full((*SIZE, 3), 120, np.uint8)
    boxes = {}
    for place, (name, color) in zip(rng.permutation(3), COLORS.items(), strict=True):
        side = int(rng.integers(12, 17))
        x, y = int(21 * place + rng.integers(0, 4)), int(rng.integers(2, SIZE[0] - side - 2))
        picture[y : y + side, x : x + side] = color
        boxes[name] = (x, y, side)
    return picture, boxes


def write_refcoco(root, pictures=12, *, sentences=("the {} box",), split="train"):
    """Write refcoco/refs(unc).p, instances.json and the pictures; every box is a category."""
    rng = np.random.default_rng(0)
    images, annotations, refs = [], [], []
    folder = root / "images/mscoco/images/train2014"
    folder.mkdir(parents=True, exist_ok=True)
    for image_id in range(1, pictures + 1):
        picture, boxes = squares(rng)
        name = f"COCO_train2014_{image_id:012d}.png"
        cv2.imwrite(str(folder / name), picture[..., ::-1])
        images.append({"id": image_id, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
        for number, (color, (x, y, side)) in enumerate(boxes.items()):
            ann_id = 10 * image_id + number
            polygon = [x, y, x + side, y, x + side, y + side, x, y + side]
            annotations.append(
                {"id": ann_id, "image_id": image_id, "category_id": number,
                 "segmentation": [polygon], "bbox": [x, y, side, side], "iscrowd": 0}
            )  # fmt: skip
            refs.append(
                {"ref_id": ann_id, "ann_id": ann_id, "image_id": image_id, "category_id": number,
                 "split": split, "file_name": name,
                 "sentences": [
                     {"sent_id": 100 * ann_id + i, "sent": text.format(color),
                      "raw": text.format(color), "tokens": text.format(color).split()}
                     for i, text in enumerate(sentences)
                 ]}
            )  # fmt: skip
    categories = [{"id": i, "name": f"{color} box"} for i, color in enumerate(COLORS)]
    (root / "refcoco").mkdir(exist_ok=True)
    document = {"images": images, "annotations": annotations, "categories": categories}
    (root / "refcoco/instances.json").write_text(json.dumps(document))
    (root / "refcoco/refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))
    return root
