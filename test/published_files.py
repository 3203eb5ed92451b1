"""Small data sets in the files their authors published, made of plain rectangles.

Picture 1 is 20 wide and 10 high, picture 2 is 12 by 16. The true masks are what `TRUTH` says.
"""

import json
import pickle

import cv2
import numpy as np
from pycocotools import mask as coco_mask

SIZES = {1: (10, 20), 2: (16, 12)}  # height, width
# Annotation: its image, and its rectangles (left, top, right, bottom), exclusive.
OBJECTS = {
    11: (1, [(2, 1, 8, 7)]),
    12: (1, [(10, 2, 14, 8), (12, 2, 18, 8)]),  # in two parts that overlap
    21: (2, [(1, 1, 6, 15)]),
    22: (2, [(7, 4, 11, 12)]),
}
CATEGORIES = {11: 1, 12: 2, 21: 1, 22: 1}


def polygon(box):
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def rectangle_mask(image_id, boxes):
    mask = np.zeros(SIZES[image_id], bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


TRUTH = {number: rectangle_mask(image, boxes) for number, (image, boxes) in OBJECTS.items()}


def compressed(mask):
    runs = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": runs["size"], "counts": runs["counts"].decode("ascii")}


def uncompressed(mask):
    """Run lengths by columns, beginning with zeros, as COCO's files for crowds have them."""
    pixels = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(pixels)) + 1
    runs = np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()
    return {"size": list(mask.shape), "counts": ([0] if pixels[0] else []) + runs}


def picture(image_id):
    height, width = SIZES[image_id]
    rows, columns = np.mgrid[:height, :width]
    rgb = np.stack([10 * rows, 9 * columns, 100 + 0 * rows], axis=-1).astype(np.uint8)
    for number, (image, _) in OBJECTS.items():
        if image == image_id:
            rgb[TRUTH[number]] = (8 * number % 256, 255 - 6 * number, 7 * number)
    return rgb


def write_pictures(folder, name="COCO_train2014_{:012d}.png"):
    folder.mkdir(parents=True, exist_ok=True)
    for image_id in SIZES:
        cv2.imwrite(str(folder / name.format(image_id)), picture(image_id)[..., ::-1])


def instances(name="COCO_train2014_{:012d}.png"):
    images = [
        {"id": image_id, "file_name": name.format(image_id), "height": height, "width": width}
        for image_id, (height, width) in SIZES.items()
    ]
    # One of each form: polygons in one and in two parts, run lengths of both kinds.
    segmentations = {
        11: [polygon(OBJECTS[11][1][0])],
        12: [polygon(box) for box in OBJECTS[12][1]],
        21: compressed(TRUTH[21]),
        22: uncompressed(TRUTH[22]),
    }
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": CATEGORIES[number],
            "segmentation": segmentations[number],
        }
        for number, (image, _) in OBJECTS.items()
    ]
    categories = [{"id": 1, "name": "mug"}, {"id": 2, "name": "bowl"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def ref(number, annotation, split, *sentences, image_id=None):
    return {
        "ref_id": number,
        "ann_id": annotation,
        "image_id": image_id or OBJECTS[annotation][0],
        "category_id": 1,
        "split": split,
        "file_name": f"COCO_train2014_{number}_whatever.jpg",  # not the picture's name
        "sent_ids": [10 * number + place for place in range(len(sentences))],
        "sentences": [
            {"sent_id": 10 * number + place, "sent": text, "raw": text, "tokens": text.split()}
            for place, text in enumerate(sentences)
        ],
    }


REFS = [
    ref(0, 11, "testA", "the red mug", " The MUG on the left "),
    ref(1, 12, "testA", "the blue bowl"),
    ref(2, 21, "testA", "left mug"),
    ref(3, 22, "val", "the red mug"),
]


def write_refcoco(root, name="refcoco", by="unc", refs=REFS):
    """Write one data set of the RefCOCO family below `root`, and the pictures."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instances.json").write_text(json.dumps(instances()))
    (folder / f"refs({by}).p").write_bytes(pickle.dumps(refs, protocol=2))
    write_pictures(root / "images" / "mscoco" / "images" / "train2014")
    return root


def write_grefcoco(root):
    """Write sentences with one, two and no targets."""
    folder = root / "grefcoco"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instances.json").write_text(json.dumps(instances()))
    refs = [
        {**ref(0, 11, "val", "the red mug"), "ann_id": [11]},
        {**ref(1, 11, "val", "the red mug and the blue bowl"), "ann_id": [11, 12]},
        {**ref(2, 11, "val", "the red bowl"), "ann_id": [-1], "category_id": [-1]},
        {**ref(3, 21, "val", "both mugs"), "ann_id": [21, 22]},
    ]
    (folder / "grefs(unc).json").write_text(json.dumps(refs))
    write_pictures(root / "images" / "train2014")
    return root


def write_reasonseg(root):
    """Write picture 1 with an outline, a hole to be ignored, and two sentences."""
    folder = root / "ReasonSeg" / "val"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "kitchen.jpg"), picture(1)[..., ::-1])
    document = {
        "text": ["what would you drink from?", "the vessel for hot drinks"],
        "is_sentence": True,
        "shapes": [
            {"label": "target", "points": [[2, 1], [7, 1], [7, 6], [2, 6]]},
            {"label": "ignore", "points": [[4, 3], [5, 3], [5, 4], [4, 4]]},
            {"label": "flag", "points": [[0, 0], [19, 0], [19, 9], [0, 9]]},
        ],
    }
    (folder / "kitchen.json").write_text(json.dumps(document))
    return root
