"""Reader of BOP data sets: household objects with masks, poses, depth and cameras.

They have no sentences: each object that is alone of its kind in a picture is asked for as "the
NAME". YCB-V and HOPE have the names of their objects; others are read with a `names.json` in
their folder, {"1": "the mug", ...}.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evf_sam_ros.data.faults import Faults, LabelError
from evf_sam_ros.data.files import read_json
from evf_sam_ros.data.gathering import Gathering, Sentence
from evf_sam_ros.data.label_pictures import MaskPicture
from evf_sam_ros.data.records import Dataset, Depth, Expression

NAME = "bop"
MARKER = "SPLIT/000000/scene_gt.json"
NAMES_FILE = "names.json"
LEAST_VISIBLE = 0.1  # share of an object's pixels; BOP evaluates no object that shows less
YCBV = (
    "master chef can", "cracker box", "sugar box", "tomato soup can", "mustard bottle",
    "tuna fish can", "pudding box", "gelatin box", "potted meat can", "banana", "pitcher base",
    "bleach cleanser", "bowl", "mug", "power drill", "wood block", "scissors", "large marker",
    "large clamp", "extra large clamp", "foam brick",
)  # fmt: skip
HOPE = (
    "alphabet soup", "barbecue sauce", "butter", "cherries", "chocolate pudding", "cookies",
    "corn", "cream cheese", "granola bars", "green beans", "ketchup", "macaroni and cheese",
    "mayonnaise", "milk", "mushrooms", "mustard", "orange juice", "parmesan", "peaches",
    "peas and carrots", "pineapple", "popcorn", "raisins", "salad dressing", "spaghetti",
    "tomato sauce", "tuna", "yogurt",
)  # fmt: skip
KNOWN: Mapping[str, tuple[str, ...]] = {"ycbv": YCBV, "hope": HOPE}


@dataclass(frozen=True)
class _Scene:
    """One folder of pictures with its files, read."""

    folder: Path
    objects: Mapping[str, Any]  # by picture: a list of poses
    cameras: Mapping[str, Any]
    visible: Mapping[str, Any]
    kinds: Mapping[int, str]  # by obj_id


def present(root: Path) -> list[str]:
    """Return what is below `root` as SET/SPLIT, such as "ycbv/test"."""
    found = {path.parents[1] for path in root.glob("*/*/[0-9]*/scene_gt.json")}
    return sorted(f"{folder.parent.name}/{folder.name}" for folder in found)


def read(root: Path, split: str) -> Dataset:
    """Read one split of one data set; where it has a list of targets, those pictures alone.

    Raises:
        ValueError: it is not there, a file of it is not what it should be, or its objects have
            no names.
    """
    folder = root / split
    scenes = sorted(path.parent for path in folder.glob("[0-9]*/scene_gt.json"))
    if not scenes:
        there = ", ".join(present(root)) or "nothing of the kind"
        raise ValueError(f"no {MARKER} in {str(folder)!r}; there is {there}")
    kinds = _names(folder.parent)
    wanted = _targets(folder)
    gathering, ambiguous = Gathering(NAME, split), Faults("object")
    pictures = 0
    for path in scenes:
        scene = _read_scene(path, kinds)
        for image in scene.objects:
            if wanted is None or (int(path.name), int(image)) in wanted:
                pictures += 1
                _add(scene, image, gathering, ambiguous)
    notes = ("its sentences are made of the objects' names", *ambiguous.told())
    return gathering.dataset({"images": pictures}, notes)


def _add(scene: _Scene, image: str, gathering: Gathering, ambiguous: Faults) -> None:
    objects = scene.objects[image]
    where = f"picture {image} of {str(scene.folder)!r}"
    if not isinstance(objects, list):
        gathering.faults.add("left out, its objects are no list", where)
        return
    counts = Counter(pose.get("obj_id") for pose in objects if isinstance(pose, Mapping))
    for number, pose in enumerate(objects):
        own = pose.get("obj_id") if isinstance(pose, Mapping) else None
        if counts[own] > 1 and own in scene.kinds:
            ambiguous.add("left out, of a kind that its picture shows twice", where)
            continue
        try:
            if _is_visible(scene, image, number):
                gathering.add(_sentence(scene, image, number))
            else:
                ambiguous.add("left out, almost hidden", where)
        except LabelError as error:
            gathering.faults.leave_out(error)


def _sentence(scene: _Scene, image: str, number: int) -> Sentence:
    where = f"object {number} of picture {image} of {str(scene.folder)!r}"
    pose = scene.objects[image][number]
    kind = pose.get("obj_id") if isinstance(pose, Mapping) else None
    if not isinstance(kind, int) or kind not in scene.kinds:
        raise LabelError("its obj_id has no name", f"{where}: {kind!r}")
    name = f"{int(image):06d}"
    text = scene.kinds[kind]
    expression = Expression(
        key=f"{scene.folder.name}.{image}.{number}",
        text=text,
        region=MaskPicture(scene.folder / "mask_visib" / f"{name}_{number:06d}.png"),
        category=text.removeprefix("the "),
        center_m=_center(pose, where),
    )
    folder = scene.folder
    pictures = [folder / f"rgb/{name}{end}" for end in (".png", ".jpg", ".tif")]
    picture = next((each for each in pictures if each.is_file()), pictures[0])
    return Sentence(expression, picture, _depth(scene, image, where))


def _center(pose: Mapping[str, Any], where: str) -> tuple[float, float, float]:
    """Return where a pose puts the middle of its model, which is the origin in BOP, metres."""
    x, y, z = _numbers(pose, "cam_t_m2c", 3, where)
    return x / 1000, y / 1000, z / 1000


def _depth(scene: _Scene, image: str, where: str) -> Depth | None:
    path = scene.folder / "depth" / f"{int(image):06d}.png"
    camera = scene.cameras.get(image)
    if not isinstance(camera, Mapping) or not path.is_file():
        return None
    fx, _, cx, _, fy, cy, *_ = _numbers(camera, "cam_K", 9, where)
    scale = camera.get("depth_scale", 1.0)
    if not _is_number(scale) or scale <= 0 or min(fx, fy) <= 0:
        raise LabelError("its camera cannot be", f"{where}: depth_scale {scale!r}, cam_K {fx, fy}")
    return Depth(path, scale / 1000, (fx, fy, cx, cy))


def _numbers(row: Mapping[str, Any], key: str, count: int, where: str) -> list[float]:
    values = row.get(key)
    if not isinstance(values, list) or len(values) != count or not all(map(_is_number, values)):
        raise LabelError(f"its {key} is not {count} numbers", f"{where}: {repr(values)[:60]}")
    return [float(value) for value in values]


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < float("inf")


def _is_visible(scene: _Scene, image: str, number: int) -> bool:
    rows = scene.visible.get(image)
    if not isinstance(rows, list) or len(rows) <= number:
        return True
    share = rows[number].get("visib_fract") if isinstance(rows[number], Mapping) else None
    return not isinstance(share, int | float) or share >= LEAST_VISIBLE


def _read_scene(folder: Path, kinds: Mapping[int, str]) -> _Scene:
    found = {name: _by_picture(folder / f"{name}.json") for name in ("scene_gt", "scene_camera")}
    info = folder / "scene_gt_info.json"
    visible = _by_picture(info) if info.is_file() else {}
    return _Scene(folder, found["scene_gt"], found["scene_camera"], visible, kinds)


def _by_picture(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise ValueError(f"no {path.name} in {str(path.parent)!r}")
    document = read_json(path)
    if not isinstance(document, Mapping) or not all(str(key).isdecimal() for key in document):
        raise ValueError(f"{str(path)!r} is not of BOP: need numbers of pictures as keys")
    return document


def _names(folder: Path) -> dict[int, str]:
    own = folder / NAMES_FILE
    if own.is_file():
        return dict(_own_names(own))
    if folder.name in KNOWN:
        return {number: f"the {name}" for number, name in enumerate(KNOWN[folder.name], start=1)}
    raise ValueError(
        f"the objects of {str(folder)!r} have no names: write {NAMES_FILE} there, "
        '{"1": "the mug", ...}, by obj_id'
    )


def _own_names(path: Path) -> Iterator[tuple[int, str]]:
    document = read_json(path)
    if not isinstance(document, Mapping):
        raise ValueError(f"{str(path)!r} is not a table of names by obj_id")
    for key, name in document.items():
        if not str(key).isdecimal() or not isinstance(name, str) or not name.strip():
            raise ValueError(f"{str(path)!r} has {key!r}: {name!r}, need a number and a name")
        yield int(key), name.strip()


def _targets(folder: Path) -> set[tuple[int, int]] | None:
    """Return (scene, picture) of the split's list of targets; None: there is no such list."""
    if folder.name != "test":
        return None
    path = folder.parent / "test_targets_bop19.json"
    if not path.is_file():
        return None
    rows = read_json(path)
    try:
        return {(int(row["scene_id"]), int(row["im_id"])) for row in rows}
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{str(path)!r} is not a list of scene_id and im_id") from None
