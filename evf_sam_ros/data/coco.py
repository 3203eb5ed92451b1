"""COCO JSON: its index of pictures and objects, and files of it that also hold sentences."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evf_sam_ros.data.files import PictureFolder, read_json
from evf_sam_ros.data.records import Dataset, Expression, Record, Region
from evf_sam_ros.data.regions import Segments, check_segmentation

PICTURE_FOLDERS = ("images", "val", "test", "train", "val2017", "train2017", "train2014", ".")
TEXT_KEYS = ("sent", "text", "sentence", "expression", "raw", "caption", "phrase")
SENTENCE_LISTS = ("sentences", "expressions", "captions", "phrases")


@dataclass(frozen=True)
class CocoIndex:
    """What a COCO file says about pictures and objects, by id."""

    path: Path
    document: Mapping[str, Any]
    images: Mapping[Any, Mapping[str, Any]]
    annotations: Mapping[Any, Mapping[str, Any]]

    def record(self, image_id: Any, pictures: PictureFolder, found: list[Expression]) -> Record:
        """Put the sentences about one picture together."""
        image = self.images[image_id]
        return Record(
            image=pictures.find(image["file_name"]),
            height=int(image["height"]),
            width=int(image["width"]),
            expressions=tuple(found),
            categories=self._categories.get(image_id, ()),
        )

    def category(self, annotation_ids: Iterable[Any]) -> str:
        """Return the category of objects that are all of one; else, or unknown, ""."""
        names = {self._category_of(self.annotations[number]) for number in annotation_ids}
        return names.pop() if len(names) == 1 else ""

    @cached_property
    def _categories(self) -> Mapping[Any, tuple[str, ...]]:
        found: dict[Any, tuple[str, ...]] = {}
        for annotation in self.annotations.values():
            name = self._category_of(annotation)
            if name:
                image_id = annotation.get("image_id")
                found[image_id] = (*found.get(image_id, ()), name)
        return found

    @cached_property
    def _names(self) -> Mapping[Any, str]:
        entries = self.document.get("categories") or []
        return {entry.get("id"): str(entry.get("name", "")) for entry in entries}

    def _category_of(self, annotation: Mapping[str, Any]) -> str:
        return self._names.get(annotation.get("category_id"), "")

    def region(self, annotation_ids: Iterable[Any], where: str) -> Region:
        """Return the union of some objects; ValueError if the file does not know one."""
        segmentations = []
        for number in annotation_ids:
            if number not in self.annotations:
                raise ValueError(f"{where} names annotation {number!r}, which {self.path} lacks")
            segmentation = self.annotations[number].get("segmentation")
            check_segmentation(segmentation, f"annotation {number!r} of {self.path}")
            segmentations.append(segmentation)
        return Segments(tuple(segmentations))

    def check_image(self, image_id: Any, where: str) -> None:
        if image_id not in self.images:
            raise ValueError(f"{where} is about image {image_id!r}, which {self.path} lacks")


def read_index(path: Path) -> CocoIndex:
    """Read a COCO file; ValueError where it is none."""
    document = read_json(path)
    wanted = ("images", "annotations")
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), list) for key in wanted
    ):
        raise ValueError(f"{str(path)!r} is not COCO JSON: need lists 'images' and 'annotations'")
    try:
        images = {image["id"]: image for image in document["images"]}
        for image in images.values():
            image["file_name"], image["height"], image["width"]
        annotations = {one["id"]: one for one in document["annotations"]}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{str(path)!r} is not COCO JSON: an entry lacks {error}") from error
    return CocoIndex(path, document, images, annotations)


def read_sentences(path: Path, root: Path) -> Dataset:
    """Read a COCO file with sentences; a picture without any is left out.

    Sentences are at an annotation (`sentences`, or one `caption`), which they then refer to; at
    an image (likewise), referring to all its annotations; or in a list of their own at the top
    (`sentences` or `expressions`), each with `image_id` and `ann_ids`, which may be empty, -1 or
    null: no target.
    """
    index = read_index(path)
    found: dict[Any, list[Expression]] = {}
    for image_id, expression in _sentences(index):
        found.setdefault(image_id, []).append(expression)
    if not found:
        raise ValueError(
            f"{str(path)!r} has no sentences: need 'sentences' or 'caption' at its annotations "
            "or images, or a list 'sentences' of {image_id, ann_ids, text}"
        )
    parents = [str(path.parent / name) for name in (*PICTURE_FOLDERS, path.stem)]
    roots = [str(root / name) for name in (*PICTURE_FOLDERS, path.stem)]
    pictures = PictureFolder(root, [*parents, *roots])
    records = tuple(index.record(image_id, pictures, own) for image_id, own in found.items())
    sentences = sum(map(len, found.values()))
    return Dataset("coco", path.stem, records, {"images": len(found), "sentences": sentences})


def texts_of(entry: Mapping[str, Any]) -> list[str]:
    """Return the sentences an entry holds, in whichever of the usual ways."""
    for key in SENTENCE_LISTS:
        if isinstance(entry.get(key), list):
            return [text for text in map(text_of, entry[key]) if text]
    text = text_of(entry)
    return [text] if text else []


def text_of(sentence: Any) -> str:
    """Return the words of a sentence that is a string or a dictionary; "" if there are none."""
    if isinstance(sentence, str):
        return sentence.strip()
    if isinstance(sentence, Mapping):
        for key in TEXT_KEYS:
            if isinstance(sentence.get(key), str):
                return str(sentence[key]).strip()
    return ""


def annotation_ids(entry: Mapping[str, Any]) -> list[Any]:
    """Return the objects a sentence refers to; none, for -1, null or an empty list."""
    keys = ("ann_ids", "annotation_ids", "ann_id", "annotation_id")
    value = next((entry[key] for key in keys if key in entry), None)
    values = value if isinstance(value, list) else [value]
    return [number for number in values if number not in (None, -1)]


def _sentences(index: CocoIndex) -> Iterator[tuple[Any, Expression]]:
    yield from _own_list(index)
    for number, annotation in index.annotations.items():
        where = f"annotation {number!r} of {index.path}"
        texts = texts_of(annotation)
        if texts:
            index.check_image(annotation.get("image_id"), where)
            region = index.region([number], where)
            category = index.category([number])
        for position, text in enumerate(texts):
            key = f"a{number}.{position}"
            yield annotation["image_id"], Expression(key, text, region, category=category)
    by_image: dict[Any, list[Any]] = {}
    for number, annotation in index.annotations.items():
        by_image.setdefault(annotation.get("image_id"), []).append(number)
    for number, image in index.images.items():
        own = by_image.get(number, [])
        texts = texts_of(image)
        target = index.region(own, f"image {number!r}") if own and texts else None
        for position, text in enumerate(texts):
            yield number, Expression(f"i{number}.{position}", text, target)


def _own_list(index: CocoIndex) -> Iterator[tuple[Any, Expression]]:
    for key in SENTENCE_LISTS:
        for number, entry in enumerate(index.document.get(key) or []):
            where = f"{key}[{number}] of {index.path}"
            if not isinstance(entry, Mapping) or "image_id" not in entry:
                raise ValueError(f"{where} is {str(entry)[:60]!r}, need image_id, ann_ids, text")
            index.check_image(entry["image_id"], where)
            own = annotation_ids(entry)
            region = index.region(own, where) if own else None
            kind, category = str(entry.get("kind", "")), index.category(own)
            for position, text in enumerate(texts_of(entry)):
                key_of = f"s{number}.{position}"
                expression = Expression(key_of, text, region, kind=kind, category=category)
                yield entry["image_id"], expression
