"""Answers about a recording as a data set: COCO JSON with sentences, pictures and masks.

`evf-sam evaluate --data` and `evf-sam train --recipe fine_tune --data` read it. It holds what
the model is sure of, for a person to correct.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from evf_sam_ros.perception.geometry import Mask, outline
from evf_sam_ros.perception.judgement import Judgement, Status
from evf_sam_ros.pictures import photograph
from evf_sam_ros.whole_files import write_text

Image = NDArray[np.uint8]
Answer = tuple[str, Judgement, Sequence[str]]  # expression, what is judged of it, unknown words

FILE, IMAGES = "answers.json", "images"


class CocoExport:
    """Collects answers frame by frame; the file is written when it is closed."""

    def __init__(self, folder: Path, model: str, least: float) -> None:
        """Prepare to write; pictures of an earlier export there are replaced.

        Args:
            folder: for `answers.json` and `images/`.
            model: name of the model that answers, for the file's `info`.
            least: least certainty of an exported answer, 0 to 1.
        """
        self._folder = folder
        self._model = model
        self._least = least
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._sentences: list[dict[str, Any]] = []
        self._categories: dict[str, int] = {}
        self.left_out = 0  # answers that are neither sure to be there nor sure to be absent
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
        for old in (folder / IMAGES).glob("*.jpg"):
            old.unlink()

    def add(self, number: int, image_rgb: Image, answers: Sequence[Answer]) -> None:
        """Take the answers to one frame; a frame without a sure one leaves no picture.

        Args:
            number: of the frame in its recording.
            image_rgb: (H, W, 3).
            answers: to each expression.
        """
        sure = [each for each in answers if self._is_sure(*each)]
        self.left_out += len(answers) - len(sure)
        if not sure:
            return
        name = f"{IMAGES}/{number:06d}.jpg"
        photograph.write_image(self._folder / name, image_rgb)
        height, width = image_rgb.shape[:2]
        image = {"id": number, "file_name": name, "height": height, "width": width}
        self._images.append(image)
        for expression, judged, _ in sure:
            own = [self._annotate(number, expression, part) for part in self._parts(judged)]
            self._sentences.append(
                {
                    "image_id": number,
                    "ann_ids": own,
                    "text": expression,
                    "score": round(judged.score, 6),
                    "kind": "found" if own else "absent",
                }
            )

    def close(self) -> Path:
        """Write the file whole; return its path."""
        path = self._folder / FILE
        categories = [{"id": own, "name": name} for name, own in self._categories.items()]
        document = {
            "info": {
                "description": "answers of a model, not of people: correct them before use",
                "model": self._model,
                "least_certainty": self._least,
            },
            "images": self._images,
            "annotations": self._annotations,
            "categories": categories,
            "sentences": self._sentences,
        }
        write_text(path, json.dumps(document) + "\n")
        return path

    def _is_sure(self, expression: str, judged: Judgement, unknown_words: Sequence[str]) -> bool:
        if judged.found:
            return judged.score >= self._least
        # A word that the model never learned is no evidence that the thing is absent.
        is_absent = judged.status is Status.NOT_FOUND and not unknown_words
        return is_absent and 1.0 - judged.score >= self._least

    def _parts(self, judged: Judgement) -> Sequence[Mask]:
        return judged.parts if judged.found else ()

    def _annotate(self, image: int, expression: str, part: Mask) -> int:
        runs = coco_mask.encode(np.asfortranarray(part, np.uint8))
        box = outline(part).roi
        category = self._categories.setdefault(expression, len(self._categories) + 1)
        self._annotations.append(
            {
                "id": len(self._annotations) + 1,
                "image_id": image,
                "category_id": category,
                "segmentation": {"size": runs["size"], "counts": runs["counts"].decode("ascii")},
                "area": int(np.count_nonzero(part)),
                "bbox": [box.x, box.y, box.width, box.height],
                "iscrowd": 0,
            }
        )
        return len(self._annotations)
