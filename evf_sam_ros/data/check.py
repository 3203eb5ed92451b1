"""`evf-sam data check`: finds the data sets in a folder, checks them, says where to get more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data import catalogue, coco, published, robots, semantic, shared_pictures
from evf_sam_ros.data.records import Dataset, Expression, Record
from evf_sam_ros.pictures.contact_sheet import contact_sheet
from evf_sam_ros.pictures.photograph import PICTURES, check_ending
from evf_sam_ros.whole_files import write_bytes

# Where the authors offer it, and what of it belongs where below the folder.
WHERE: Mapping[str, str] = {
    "refcoco": "https://github.com/lichengunc/refer -> refcoco/",
    "refcoco+": "https://github.com/lichengunc/refer -> refcoco+/",
    "refcocog": "https://github.com/lichengunc/refer -> refcocog/",
    "refclef": "https://github.com/lichengunc/refer -> refclef/, images/saiapr_tc-12/",
    "grefcoco": "https://github.com/henghuiding/gRefCOCO -> grefcoco/",
    "reasonseg": "https://github.com/dvlab-research/LISA -> ReasonSeg/",
    "ade20k": "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip -> ade20k/",
    "humanparsing": "https://github.com/lemondan/HumanParsing-Dataset -> humanparsing/",
    "partimagenet": "https://github.com/TACJu/PartImageNet -> PartImageNet/",
    "pascalpart": "https://github.com/facebookresearch/VLPart (train.json) and VOC2010 "
    "-> vlpart/pascal_part/",
    "objects365": "https://www.objects365.org -> Object365/raw/Objects365_v1/2019-08-02/; masks "
    "of the paper's subset (524K pictures, 1.8M objects) by SAM-2 from the boxes",
    "roborefit": "https://github.com/luyh20/VL-Grasp -> final_dataset/",
    "ocid-vlg": "https://github.com/gtziafas/OCID-VLG -> OCID-VLG/ (no licence is stated)",
    "ocid-ref": "https://github.com/lluma/OCID-Ref -> OCID-Ref/; its pictures: OCID of TU Wien",
    "refspatial": "https://huggingface.co/datasets/BAAI/RefSpatial-Bench -> RefSpatial-Bench/",
    "refspatial-expand": "https://huggingface.co/datasets/JingkunAn/RefSpatial-Expand-Bench -> "
    "RefSpatial-Expand-Bench/",
    "robospatial-home": "https://huggingface.co/datasets/chanhee-luke/RoboSpatial-Home -> "
    "RoboSpatial-Home/",
    "where2place": "https://huggingface.co/datasets/wentao-yuan/where2place -> where2place/",
    "bop": "https://bop.felk.cvut.cz/datasets -> ycbv/, hope/",
}
COCO_IMAGES = "http://images.cocodataset.org/zips/train2014.zip -> images/mscoco/images/train2014/"
TILE = (180, 240)  # pixels, height and width of a picture on the contact sheet
TEXT = 34  # pixels below it
EXAMPLES = 4  # per data set
PIXEL_COLOR = (255, 60, 60)


@dataclass(frozen=True)
class Line:
    """A sentence about the data; `broken` where something in it is."""

    text: str
    broken: bool = False


def check(root: Path, sheet: Path | None, *, read_all: bool = False) -> Iterator[Line]:
    """Yield lines about everything that can be read below `root`, problems named.

    Args:
        root: a folder of data sets, or a COCO file with sentences.
        sheet: where to write a picture of examples.
        read_all: open every picture instead of a few.

    Raises:
        ValueError: there is no such folder.
    """
    if not root.exists():
        raise ValueError(f"no such data: {str(root)!r}")
    labels, unread = _present(root)
    yield from unread
    examples: list[tuple[str, Record, Expression]] = []
    pictures = _Pictures()
    for label in labels:
        try:
            dataset = catalogue.read(root, label)
        except ValueError as error:
            yield Line(f"{label}: broken: {error}", broken=True)
            yield from _fetch(label)
            continue
        yield from _about(dataset, read_all)
        pictures.add(dataset)
        examples += _examples(dataset)
    yield from map(Line, pictures.told())
    told = (*labels, *(line.text.partition(":")[0] for line in unread))
    yield from _elsewhere(root, {label.partition("/")[0] for label in told})
    if sheet is not None and examples:
        _write_sheet(sheet, examples)
        yield Line(f"examples: {sheet}")


def _about(dataset: Dataset, read_all: bool) -> Iterator[Line]:
    yield from map(Line, published.compare(dataset))
    yield from (Line(f"  {note}") for note in dataset.notes)
    yield from (Line(f"  broken: {problem}", broken=True) for problem in dataset.problems)
    yield from _broken_pictures(dataset, read_all)


def _elsewhere(root: Path, names: set[str]) -> Iterator[Line]:
    """Say where to get what is not here."""
    if root.is_dir():
        for name, where in WHERE.items():
            if name not in names:
                yield Line(f"{name}: not here; {where}")


def _write_sheet(sheet: Path, examples: list[tuple[str, Record, Expression]]) -> None:
    tiles = [_tile(*example) for example in examples]
    picture = cv2.cvtColor(contact_sheet(tiles), cv2.COLOR_RGB2BGR)
    check_ending(sheet, PICTURES)
    write_bytes(sheet, cv2.imencode(sheet.suffix, picture)[1].tobytes())


class _Pictures:
    """The pictures of splits to train on, and of those to measure on."""

    def __init__(self) -> None:
        self._training: list[Dataset] = []
        self._measured: list[Dataset] = []

    def add(self, dataset: Dataset) -> None:
        bare = replace(  # sentences and masks are not kept
            dataset, records=tuple(replace(each, expressions=()) for each in dataset.records)
        )
        if dataset.label in catalogue.BENCHMARKS:
            self._measured.append(bare)
        elif dataset.split == "train":
            self._training.append(bare)

    def told(self) -> Iterator[str]:
        measured = shared_pictures.pictures_of(self._measured)
        for dataset in self._training:
            yield from shared_pictures.told(dataset, measured)


def _present(root: Path) -> tuple[list[str], list[Line]]:
    """Return what can be read, and lines about what is there and cannot."""
    if root.is_file():
        return [f"{catalogue.COCO}/{root.stem}"], []
    known = dict.fromkeys((*catalogue.TRAINING, *catalogue.BENCHMARKS))
    more = [f"{name}/{split}" for name, own in semantic.SOURCES.items() for split in own.splits]
    found: list[str] = []
    broken: dict[str, str] = {}
    for label in dict.fromkeys((*known, *more, *robots.present(root))):
        try:
            if catalogue.is_there(root, label):
                found.append(label)
        except ValueError as error:
            broken.setdefault(str(error), label.partition("/")[0])
    for name, reason in catalogue.incomplete(root):
        broken.setdefault(reason, name)
    lines = []
    for reason, name in broken.items():
        lines += [Line(f"{name}: broken: {reason}", broken=True), *_fetch(name)]
    own, told = _own_files(root, found)
    return [*found, *own], [*lines, *told]


def _own_files(root: Path, found: list[str]) -> tuple[list[str], list[Line]]:
    """Return COCO files with sentences in the folder itself, and lines about other JSON there."""
    labels, lines = [], []
    for path in sorted(root.glob("*.json")):
        if found and root.resolve().name in {label.partition("/")[0] for label in found}:
            continue  # the folder of a data set is given, and these are its own
        try:
            if coco.has_sentences(path):
                labels.append(f"{catalogue.COCO}/{path.stem}")
            else:
                lines.append(Line(f"{path.name}: not read: it is not a COCO file with sentences"))
        except ValueError as error:
            lines.append(Line(f"{path.name}: broken: {error}", broken=True))
    return labels, lines


def _fetch(label: str) -> Iterator[Line]:
    name = label.partition("/")[0]
    if name in WHERE:
        yield Line(f"  fetch it from {WHERE[name]}")
    if name.startswith(("refcoco", "grefcoco")):
        yield Line(f"  its pictures are {COCO_IMAGES}")


def _broken_pictures(dataset: Dataset, read_all: bool) -> Iterator[Line]:
    step = 1 if read_all else max(1, len(dataset.records) // 20)
    broken = [problem for record in dataset.records[::step] for problem in _problems(record)]
    for problem in broken[:5]:
        yield Line(f"  broken: {problem}", broken=True)
    if len(broken) > 5:
        yield Line(f"  and {len(broken) - 5} more like these", broken=True)
    if broken:
        yield from _fetch(dataset.label)


def _problems(record: Record) -> Iterator[str]:
    """Say what is wrong with a picture and the masks in it, if anything is."""
    try:
        record.read_rgb()
        for expression in record.expressions:
            mask = expression.mask(record.height, record.width)
            if expression.region is not None and not mask.any():
                yield f"{expression.text!r} in {str(record.image)!r}: the target has no pixel"
    except ValueError as error:
        yield str(error)


def _examples(dataset: Dataset) -> Iterator[tuple[str, Record, Expression]]:
    step = max(1, len(dataset.records) // EXAMPLES)
    for number, record in enumerate(dataset.records[::step][:EXAMPLES]):
        yield dataset.label, record, record.expressions[number % len(record.expressions)]


def _tile(label: str, record: Record, expression: Expression) -> NDArray[np.uint8]:
    canvas = np.full((TILE[0] + TEXT, TILE[1], 3), 255, np.uint8)
    try:
        picture = record.read_rgb().astype(np.float32)
        mask = expression.mask(record.height, record.width)
    except ValueError:
        picture, mask = np.zeros((*TILE, 3), np.float32), np.zeros(TILE, bool)
    picture[mask] = 0.5 * picture[mask] + 0.5 * np.array(PIXEL_COLOR, np.float32)
    scale = min(TILE[0] / mask.shape[0], TILE[1] / mask.shape[1])
    size = (max(1, int(mask.shape[1] * scale)), max(1, int(mask.shape[0] * scale)))
    small = cv2.resize(picture.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    canvas[: size[1], : size[0]] = small
    for line, text in enumerate((expression.text, label)):
        place = (2, TILE[0] + 13 + 15 * line)
        gray = (0, 0, 0) if line == 0 else (120, 120, 120)
        cv2.putText(canvas, text[:38], place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, gray, 1, cv2.LINE_AA)
    return canvas
