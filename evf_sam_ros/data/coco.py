"""COCO JSON: its index of pictures and objects, and files of it that also hold sentences."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from evf_sam_ros.data.faults import Faults, LabelError, counted
from evf_sam_ros.data.files import PictureFolder, read_json
from evf_sam_ros.data.records import Dataset, Expression, Record, Region
from evf_sam_ros.data.regions import Segments, check_segmentation, is_empty

PICTURE_FOLDERS = ("images", "val", "test", "train", "val2017", "train2017", "train2014", ".")
TEXT_KEYS = ("sent", "text", "sentence", "expression", "raw", "caption", "phrase")
SENTENCE_LISTS = ("sentences", "expressions", "captions", "phrases")
MOST_PIXELS = 2**30  # of a picture, by OpenCV
SHOWN_IDS = 5


@dataclass(frozen=True)
class CocoIndex:
    """Pictures and objects of a COCO file, by id."""

    path: Path
    document: Mapping[str, Any]
    images: Mapping[Any, Mapping[str, Any]]
    annotations: Mapping[Any, Mapping[str, Any]]
    doubtful_images: frozenset[Any] = frozenset()  # ids that two different entries have
    doubtful_annotations: frozenset[Any] = frozenset()

    def record(self, image_id: Any, pictures: PictureFolder, found: list[Expression]) -> Record:
        """Put the sentences about one picture together."""
        image = self.images[image_id]
        height, width = self.size(image_id)
        return Record(
            image=pictures.find(image["file_name"]),
            height=height,
            width=width,
            expressions=tuple(found),
            categories=self._categories.get(image_id, ()),
        )

    def size(self, image_id: Any) -> tuple[int, int]:
        """Return (height, width) of a picture; ValueError where no picture has such."""
        image = self.images[image_id]
        try:
            height, width = int(image["height"]), int(image["width"])
        except (TypeError, ValueError, OverflowError):
            height = width = 0
        if min(height, width) < 1 or height * width > MOST_PIXELS:
            raise ValueError(
                f"image {image_id!r} of {self.path} is {image['width']!r} wide and "
                f"{image['height']!r} high, need numbers of pixels from 1 on, "
                f"{MOST_PIXELS:,} together at most"
            )
        return height, width

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

    def region(self, annotation_ids: Iterable[Any], image_id: Any, where: str) -> Region:
        """Return the union of some objects of a picture.

        Raises:
            LabelError: an object is of another picture, its mask cannot be, or no pixel is in any.
            ValueError: the file does not know an object.
        """
        numbers, size = list(annotation_ids), self.size(image_id)
        segmentations = [self._segmentation(number, image_id, where) for number in numbers]
        if all(is_empty(segmentation, size) for segmentation in segmentations):
            raise LabelError("the target has no pixel", self._named(numbers))
        return Segments(tuple(segmentations))

    def _segmentation(self, number: Any, image_id: Any, where: str) -> Any:
        if number not in self.annotations:
            raise ValueError(f"{where} names annotation {number!r}, which {self.path} lacks")
        if number in self.doubtful_annotations:
            raise ValueError(
                f"{where} names annotation {number!r}, but {self.path} has two different ones of "
                "that id"
            )
        annotation = self.annotations[number]
        if annotation.get("image_id", image_id) != image_id:
            raise LabelError(
                "the target is in another picture",
                f"{where} is about image {image_id!r}, its annotation {number!r} is of image "
                f"{annotation['image_id']!r}",
            )
        segmentation = annotation.get("segmentation")
        try:
            check_segmentation(segmentation, self._named([number]), self.size(image_id))
        except ValueError as error:
            raise LabelError("the mask cannot be", str(error)) from None
        return segmentation

    def _named(self, numbers: list[Any]) -> str:
        shown = ", ".join(map(repr, numbers))
        return f"annotation{'s' if len(numbers) > 1 else ''} {shown} of {self.path}"

    def check_image(self, image_id: Any, where: str) -> None:
        if image_id not in self.images:
            raise ValueError(f"{where} is about image {image_id!r}, which {self.path} lacks")
        if image_id in self.doubtful_images:
            raise ValueError(
                f"{where} is about image {image_id!r}, but {self.path} has two different ones of "
                "that id"
            )

    def problems(self) -> Iterator[str]:
        """Say which ids stand for two things."""
        for kind, ids in (
            ("image", self.doubtful_images),
            ("annotation", self.doubtful_annotations),
        ):
            if ids:
                shown = ", ".join(sorted(map(repr, ids))[:SHOWN_IDS])
                number = counted(len(ids), f"{kind} id")
                yield f"{number} of {self.path} used twice, for different entries: {shown}"


def read_index(path: Path) -> CocoIndex:
    """Read a COCO file; raise ValueError if it is not one."""
    if not path.is_file():
        raise ValueError(f"no such file: {str(path)!r}")
    stat = path.stat()
    return _index(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)  # split after split
def _index(path: Path, _changed: int, _size: int) -> CocoIndex:
    document = read_json(path)
    wanted = ("images", "annotations")
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), list) for key in wanted
    ):
        raise ValueError(f"{str(path)!r} is not COCO JSON: need lists 'images' and 'annotations'")
    images, doubtful_images = _by_id(document["images"], f"image of {path}")
    for number, image in images.items():
        if not isinstance(image.get("file_name"), str) or not {"height", "width"} <= image.keys():
            raise ValueError(
                f"image {number!r} of {path} is {str(image)[:80]}, need file_name, height, width"
            )
    annotations, doubtful = _by_id(document["annotations"], f"annotation of {path}")
    for number, annotation in annotations.items():
        for key in ("image_id", "category_id"):
            check_id(
                annotation.get(key), f"{key} of annotation {number!r} of {path}", or_none=True
            )
    _check_categories(document.get("categories"), path)
    return CocoIndex(path, document, images, annotations, doubtful_images, doubtful)


def check_id(value: Any, where: str, *, or_none: bool = False) -> None:
    """Refuse what cannot stand for a picture or an object; ValueError names `where`."""
    if not isinstance(value, int | str) and not (or_none and value is None):
        raise ValueError(f"the {where} is {repr(value)[:60]}, need a number or a string")


def _check_categories(entries: Any, path: Path) -> None:
    if entries is not None and not isinstance(entries, list):
        raise ValueError(f"the categories of {path} are {repr(entries)[:60]}, need a list")
    for entry in entries or ():
        if not isinstance(entry, Mapping):
            raise ValueError(f"a category of {path} is {repr(entry)[:60]}, need id and name")
        check_id(entry.get("id"), f"id of a category of {path}", or_none=True)


def _by_id(entries: list[Any], what: str) -> tuple[dict[Any, Any], frozenset[Any]]:
    """Return entries by their id, and the ids that two different entries have."""
    found: dict[Any, Any] = {}
    doubtful = set()
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise ValueError(f"an {what} is {repr(entry)[:60]}, need an object with an id")
        check_id(entry.get("id"), f"id of an {what}")
        number = entry["id"]
        if found.setdefault(number, entry) != entry:
            doubtful.add(number)
    return found, frozenset(doubtful)


def read_sentences(path: Path, root: Path) -> Dataset:
    """Read a COCO file with sentences; a picture without any is left out.

    Sentences are at an annotation (`sentences`, or one `caption`), which they then refer to; at
    an image (likewise), referring to all its annotations; or in a list of their own at the top
    (`sentences` or `expressions`), each with `image_id` and `ann_ids`, which may be empty, -1 or
    null: no target.
    """
    index = read_index(path)
    _refuse_doubtful(index)
    found: dict[Any, list[Expression]] = {}
    faults = Faults("sentence")
    for image_id, expression in _sentences(index, faults):
        found.setdefault(image_id, []).append(expression)
    if not found and (told := faults.told()):
        raise ValueError(f"no sentence of {str(path)!r} can be used: {'; '.join(told)}")
    if not found:
        raise ValueError(
            f"{str(path)!r} has no sentences: need 'sentences' or 'caption' at its annotations "
            "or images, or a list 'sentences' of {image_id, ann_ids, text}"
        )
    parents = [str(path.parent / name) for name in (*PICTURE_FOLDERS, path.stem)]
    roots = [str(root / name) for name in (*PICTURE_FOLDERS, path.stem)]
    pictures = PictureFolder(root, [*parents, *roots])
    records = tuple(index.record(image_id, pictures, own) for image_id, own in found.items())
    counts = {"images": len(found), "sentences": sum(map(len, found.values()))}
    return Dataset("coco", path.stem, records, counts, problems=faults.told())


def _refuse_doubtful(index: CocoIndex) -> None:
    for problem in index.problems():
        raise ValueError(f"{problem}: what a sentence means would be a guess")


def has_sentences(path: Path) -> bool:
    """Tell whether a JSON file is of COCO's form and says anything about its pictures.

    Raises:
        ValueError: it is not JSON.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        return False
    keys = ("annotations", "images", *SENTENCE_LISTS)
    lists = (document.get(key) for key in keys)
    entries = (each for own in lists if isinstance(own, list) for each in own)
    return any(isinstance(each, Mapping) and texts_of(each) for each in entries)


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


def _sentences(index: CocoIndex, faults: Faults) -> Iterator[tuple[Any, Expression]]:
    yield from _own_list(index, faults)
    by_image: dict[Any, list[Any]] = {}
    for number, annotation in index.annotations.items():
        image_id = annotation.get("image_id")
        by_image.setdefault(image_id, []).append(number)
        where = f"annotation {number!r} of {index.path}"
        yield from _at(index, faults, (f"a{number}", where), annotation, image_id, [number])
    for number, image in index.images.items():
        where = f"image {number!r} of {index.path}"
        own = by_image.get(number, [])
        yield from _at(index, faults, (f"i{number}", where), image, number, own)


def _own_list(index: CocoIndex, faults: Faults) -> Iterator[tuple[Any, Expression]]:
    for key in SENTENCE_LISTS:
        for number, entry in enumerate(_list(index.document.get(key), key, index.path)):
            where = f"{key}[{number}] of {index.path}"
            if not isinstance(entry, Mapping) or "image_id" not in entry:
                raise ValueError(f"{where} is {str(entry)[:60]!r}, need image_id, ann_ids, text")
            check_id(entry["image_id"], f"image_id of {where}")
            own = annotation_ids(entry)
            for number_of in own:
                check_id(number_of, f"annotation id of {where}")
            yield from _at(index, faults, (f"s{number}", where), entry, entry["image_id"], own)


def _list(value: Any, key: str, path: Path) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{key} of {path} is {repr(value)[:60]}, need a list")
    return value or []


def _at(
    index: CocoIndex,
    faults: Faults,
    named: tuple[str, str],
    entry: Mapping[str, Any],
    image_id: Any,
    own: list[Any],
) -> Iterator[tuple[Any, Expression]]:
    """Yield the sentences of an entry about `own` objects; `named` is its key and place."""
    key, where = named
    texts = texts_of(entry)
    if not texts and _says_nothing(entry):
        faults.add("left out, without words", where)
    if not texts:
        return
    index.check_image(image_id, where)
    kind = str(entry.get("kind", "")) if key.startswith("s") else ""
    try:
        region = index.region(own, image_id, where) if own else None
    except LabelError as error:
        faults.leave_out(error, len(texts))
        return
    # All that is annotated in a picture is of one kind by accident.
    category = "" if key.startswith("i") else index.category(own)
    for position, text in enumerate(texts):
        yield image_id, Expression(f"{key}.{position}", text, region, kind=kind, category=category)


def _says_nothing(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry has a place for words, and none there."""
    keys = (*SENTENCE_LISTS, *TEXT_KEYS)
    return any(isinstance(entry.get(key), str | list) and entry[key] for key in keys)
