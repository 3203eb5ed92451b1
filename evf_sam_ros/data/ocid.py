"""Readers of OCID-VLG and OCID-Ref: sentences about the cluttered tables of OCID.

Neither runs the Python files that lie beside the data.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from evf_sam_ros.data.faults import LabelError
from evf_sam_ros.data.files import first_of, read_json
from evf_sam_ros.data.gathering import Gathering, Sentence, below, number_of, text_of
from evf_sam_ros.data.label_pictures import MaskPicture
from evf_sam_ros.data.records import Dataset, Depth, Expression

VLG, REF = "ocid-vlg", "ocid-ref"
PARTS = ("test", "val", "train")
VLG_KINDS = ("multiple", "unique", "novel-instances", "novel-classes")
VLG_SPLITS = tuple(f"{kind}/{part}" for part in PARTS for kind in VLG_KINDS)
VLG_FOLDERS = ("OCID-VLG", "OCID_VLG", "ocid-vlg", "ocid_vlg")
REF_FOLDERS = ("OCID-Ref", "OCID_Ref", "ocid-ref", "ocid_ref", "OCID-Ref/data")
OCID_FOLDERS = ("OCID-dataset", "OCID", "ocid", *REF_FOLDERS)
VLG_MARKER, REF_MARKER = "refer/KIND/SPLIT_expressions.json", "SPLIT_expressions.json"
METRES = 0.001  # of a depth unit
NOTES = ("its depth comes without a camera: --camera FX FY CX CY gives errors in space",)


def vlg_present(root: Path) -> list[str]:
    """Return the splits of OCID-VLG that are below `root`."""
    return [split for split in VLG_SPLITS if any((root / each).is_file() for each in _vlg(split))]


def ref_present(root: Path) -> list[str]:
    """Return the splits of OCID-Ref that are below `root`."""
    return [split for split in PARTS if any((root / each).is_file() for each in _ref(split))]


def read_vlg(root: Path, split: str) -> Dataset:
    """Read one split of OCID-VLG.

    Raises:
        ValueError: its JSON file is missing, or is not what it should be.
    """
    path = first_of(root, _vlg(split), f"{VLG} {split}")
    document = read_json(path)
    rows = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{str(path)!r} is not of OCID-VLG: need a list under 'data'")
    named = ((str(number), row) for number, row in enumerate(rows))
    gathering = _gathered(VLG, split, named, lambda row, key: _vlg_sentence(row, key, path))
    return gathering.dataset(_counts(rows, "image_filename"), NOTES)


def read_ref(root: Path, split: str) -> Dataset:
    """Read one split of OCID-Ref; OCID's pictures lie beside it or in a folder of their own.

    Raises:
        ValueError: its JSON file is missing, or is not what it should be.
    """
    path = first_of(root, _ref(split), f"{REF} {split}")
    rows = _ref_rows(path)
    pictures = [root / name for name in (".", *OCID_FOLDERS)]
    gathering = _gathered(
        REF, split, rows.items(), lambda row, key: _ref_sentence(row, key, path, pictures)
    )
    counts = _counts(list(rows.values()), "scene_path") | _whole(root)
    return gathering.dataset(counts, NOTES)


def _vlg(split: str) -> list[str]:
    kind, _, part = split.partition("/")
    return [f"{top}/refer/{kind}/{part}_expressions.json" for top in (".", *VLG_FOLDERS)]


def _ref(split: str) -> list[str]:
    return [f"{top}/{split}_expressions.json" for top in (".", *REF_FOLDERS)]


def _gathered(
    name: str,
    split: str,
    rows: Iterable[tuple[str, Any]],
    sentence: Callable[[Any, str], Sentence],
) -> Gathering:
    gathering = Gathering(name, split)
    for key, row in rows:
        try:
            gathering.add(sentence(row, key))
        except LabelError as error:
            gathering.faults.leave_out(error)
    return gathering


def _vlg_sentence(row: Any, key: str, path: Path) -> Sentence:
    where = f"entry {key} of {str(path)!r}"
    sequence, _, name = text_of(row, "image_filename", where).partition(",")
    folder = below(path.parents[2], sequence.strip(), where)
    name = name.strip()
    number = number_of(row, "answer", where)
    expression = Expression(
        key=str(row.get("question_index", key)),
        text=text_of(row, "question", where),
        region=MaskPicture(below(folder / "seg_mask_instances_combi", name, where), number),
        category=row["target"] if isinstance(row.get("target"), str) else "",
        command=True,
    )
    depth = Depth(below(folder / "depth", name, where), METRES)
    return Sentence(expression, below(folder / "rgb", name, where), depth)


def _ref_sentence(row: Any, key: str, path: Path, pictures: list[Path]) -> Sentence:
    where = f"sentence {key} of {str(path)!r}"
    sequence = text_of(row, "sequence_path", where)
    name = PurePosixPath(text_of(row, "scene_path", where).replace("\\", "/")).stem + ".png"
    folders = [below(folder, sequence, where) for folder in pictures]
    folder = next((each for each in folders if each.is_dir()), folders[0])
    kind = row.get("sentence_type")
    expression = Expression(
        key=key,
        text=text_of(row, "sentence", where).lower(),
        region=MaskPicture(folder / "label" / name, number_of(row, "instance_id", where)),
        kind=kind if isinstance(kind, str) else "",
        category=row["class"] if isinstance(row.get("class"), str) else "",
    )
    return Sentence(expression, folder / "rgb" / name, Depth(folder / "depth" / name, METRES))


def _ref_rows(path: Path) -> Mapping[str, Any]:
    rows = read_json(path)
    if not isinstance(rows, Mapping) or not rows:
        raise ValueError(f"{str(path)!r} is not of OCID-Ref: need sentences by their id")
    return rows


def _counts(rows: list[Any], picture: str) -> dict[str, int]:
    pictures = {str(row.get(picture)) for row in rows if isinstance(row, Mapping)}
    return {"images": len(pictures), "sentences": len(rows)}


def _whole(root: Path) -> dict[str, int]:
    """Return the count of all splits' sentences, where all are there."""
    if len(ref_present(root)) < len(PARTS):
        return {}
    files = (first_of(root, _ref(split), REF) for split in PARTS)
    return {"all sentences": sum(len(_ref_rows(path)) for path in files)}
