"""`evf-sam data check`: which data sets are in a folder, whether whole, and where to get more."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data import catalogue, published, semantic
from evf_sam_ros.data.records import Dataset, Expression, Record
from evf_sam_ros.pictures.contact_sheet import contact_sheet

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
}
COCO_IMAGES = "http://images.cocodataset.org/zips/train2014.zip -> images/mscoco/images/train2014/"
TILE = (180, 240)  # pixels, height and width of a picture on the contact sheet
TEXT = 34  # pixels below it
EXAMPLES = 4  # per data set
PIXEL_COLOR = (255, 60, 60)


def check(root: Path, sheet: Path | None, *, read_all: bool = False) -> Iterator[str]:
    """Return lines about everything that can be read below `root`, problems named.

    Args:
        sheet: where to write a picture of examples.
        read_all: open every picture instead of a few.

    Raises:
        ValueError: there is no such folder.
    """
    if not root.exists():
        raise ValueError(f"no such data: {str(root)!r}")
    labels = _present(root)
    examples: list[tuple[str, Record, Expression]] = []
    for label in labels:
        try:
            dataset = catalogue.read(root, label)
        except ValueError as error:
            yield f"{label}: broken: {error}"
            yield from _fetch(label)
            continue
        yield from published.compare(dataset)
        yield from (f"  {note}" for note in dataset.notes)
        yield from _broken_pictures(dataset, read_all)
        examples += _examples(dataset)
    names = {label.partition("/")[0] for label in labels}
    if root.is_dir():
        yield from (
            f"{name}: not here; {where}" for name, where in WHERE.items() if name not in names
        )
    if sheet is not None and examples:
        tiles = [_tile(*example) for example in examples]
        picture = cv2.cvtColor(contact_sheet(tiles), cv2.COLOR_RGB2BGR)
        if not cv2.imwrite(str(sheet), picture):
            raise ValueError(f"cannot write {str(sheet)!r}: need a name that ends in .png or .jpg")
        yield f"examples: {sheet}"


def _present(root: Path) -> list[str]:
    if root.is_file():
        return [f"{catalogue.COCO}/{root.stem}"]
    known = dict.fromkeys((*catalogue.TRAINING, *catalogue.BENCHMARKS))
    more = [f"{name}/{split}" for name, own in semantic.SOURCES.items() for split in own.splits]
    return [label for label in dict.fromkeys((*known, *more)) if catalogue.is_there(root, label)]


def _fetch(label: str) -> Iterator[str]:
    name = label.partition("/")[0]
    if name in WHERE:
        yield f"  fetch it from {WHERE[name]}"
    if name.startswith(("refcoco", "grefcoco")):
        yield f"  its pictures are {COCO_IMAGES}"


def _broken_pictures(dataset: Dataset, read_all: bool) -> Iterator[str]:
    records = (
        dataset.records if read_all else dataset.records[:: max(1, len(dataset.records) // 20)]
    )
    broken = []
    for record in records:
        try:
            record.read_rgb()
            for expression in record.expressions:
                expression.mask(record.height, record.width)
        except ValueError as error:
            broken.append(str(error))
    for problem in broken[:5]:
        yield f"  broken: {problem}"
    if len(broken) > 5:
        yield f"  and {len(broken) - 5} more pictures like these"
    if broken:
        yield from _fetch(dataset.label)


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
