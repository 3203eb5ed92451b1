"""The data sets of classes and parts, each written here as its authors publish it."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from evf_sam_ros.cli import main
from evf_sam_ros.data import catalogue, semantic

SIZE = (20, 30)


def photograph(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)


def label_image(path, *stripes, palette=False):
    """Write a label image of vertical stripes, as indexed colours or as grey levels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.repeat(np.array(stripes, np.uint8), SIZE[1] // len(stripes))
    picture = Image.fromarray(np.tile(labels, (SIZE[0], 1)))
    if palette:
        picture = picture.convert("P")
        picture.putpalette([i % 256 for i in range(768)][::-1])
        picture.putdata(np.tile(labels, (SIZE[0], 1)).ravel().tolist())
    picture.save(path)


def square(x, y, side):
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def write_coco(path, names, objects, file_name="a.jpg"):
    """Write COCO JSON of one picture; objects are (category, polygons)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "images": [{"id": 1, "file_name": file_name, "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": category, "segmentation": polygons,
             "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0}
            for i, (category, polygons) in enumerate(objects)
        ],
    }  # fmt: skip
    path.write_text(json.dumps(document))


def ade20k(root):
    photograph(root / "ade20k/images/training/ADE_train_00000001.jpg")
    label_image(root / "ade20k/annotations/training/ADE_train_00000001.png", 0, 1, 3)
    names = "Idx\tRatio\tTrain\tVal\tName\n" + "".join(
        f"{i}\t0.1\t1\t1\t{name}\n"
        for i, name in enumerate(("wall", "building, edifice", "sky"), start=1)
    )
    (root / "ade20k/objectInfo150.txt").write_text(names)
    return root


def human_parsing(root):
    photograph(root / "humanparsing/JPEGImages/p1.jpg")
    label_image(root / "humanparsing/SegmentationClassAug/p1.png", 0, 9, 4, palette=True)
    return root


def part_image_net(root):
    photograph(root / "PartImageNet/images/train/a.jpg")
    write_coco(
        root / "PartImageNet/annotations/train/train.json",
        ["Quadruped Head", "Car Tier"],
        [(1, [square(0, 0, 8)]), (1, [square(4, 0, 8)]), (0, [square(20, 10, 5)])],
    )
    return root


def pascal_part(root):
    photograph(root / "vlpart/pascal_part/VOCdevkit/VOC2010/JPEGImages/a.jpg")
    write_coco(
        root / "vlpart/pascal_part/train.json", ["dog:head", "bus:wheel"], [(0, [square(2, 2, 6)])]
    )
    return root


def objects365(root):
    folder = root / "Object365/raw/Objects365_v1/2019-08-02"
    photograph(folder / "train/a.jpg")
    write_coco(
        folder / "o365_res_instances.json",
        ["Person", "Street Lights"],
        [(0, [square(0, 0, 5)]), (0, [square(10, 0, 5)]), (1, [square(20, 0, 5)])],
    )
    return root


def read(root, label):
    (record,) = catalogue.read(root, label).records
    masks = {e.text: e.mask(record.height, record.width) for e in record.expressions}
    assert record.read_rgb().shape == (*SIZE, 3)
    return masks


def test_ade20k_asks_for_each_class_by_the_first_of_its_names(tmp_path):
    masks = read(ade20k(tmp_path), "ade20k/train")
    assert masks.keys() == {"[semantic] wall", "[semantic] sky"}  # 0 is none of the classes
    columns = np.flatnonzero(masks["[semantic] wall"].all(0))
    np.testing.assert_array_equal(columns, np.arange(10, 20))


def test_human_parts_are_left_and_right_as_the_viewer_sees_them(tmp_path):
    masks = read(human_parsing(tmp_path), "humanparsing/train")
    # Label 9 is the person's own left shoe.
    assert masks.keys() == {
        "[semantic] background", "[semantic] right shoe", "[semantic] upper clothes",
    }  # fmt: skip
    assert masks["[semantic] right shoe"][:, 10:20].all()
    assert masks["[semantic] right shoe"].sum() == 10 * SIZE[0]
    assert semantic.as_seen("right-arm") == "left-arm"
    assert semantic.as_seen("bag") == "bag"


def test_instances_of_one_part_are_one_mask_their_overlap_counted_once(tmp_path):
    masks = read(part_image_net(tmp_path), "partimagenet/train")
    assert masks.keys() == {"[semantic] quadruped head", "[semantic] car tier"}
    assert masks["[semantic] car tier"].dtype == bool
    assert masks["[semantic] car tier"].sum() == 12 * 8


def test_pascal_parts_name_the_object_and_its_part(tmp_path):
    masks = read(pascal_part(tmp_path), "pascalpart/train")
    assert masks.keys() == {"[semantic] dog head"}
    assert masks["[semantic] dog head"].sum() == 36


def test_of_objects365_only_the_only_one_of_its_category_is_asked_for(tmp_path):
    masks = read(objects365(tmp_path), "objects365/train")
    assert masks.keys() == {"street lights"}
    assert np.flatnonzero(masks["street lights"].any(0)).tolist() == [20, 21, 22, 23, 24]


def test_a_box_without_a_mask_is_refused_with_what_to_do(tmp_path):
    folder = objects365(tmp_path) / "Object365/raw/Objects365_v1/2019-08-02"
    write_coco(folder / "o365_res_instances.json", ["Person"], [(0, [])])
    with pytest.raises(ValueError, match=r"annotation 0 .* has no mask; .* by SAM-2"):
        catalogue.read(tmp_path, "objects365/train")


@pytest.mark.parametrize(
    ("write", "name", "text"),
    [
        (part_image_net, "PartImageNet/annotations/train/train.json", "partimagenet"),
        (pascal_part, "vlpart/pascal_part/train.json", "pascalpart"),
    ],
)
def test_a_part_without_a_mask_is_left_out_and_the_others_are_read(tmp_path, write, name, text):
    path = write(tmp_path) / name
    document = json.loads(path.read_text())
    whole = catalogue.read(tmp_path, f"{text}/train")
    document["annotations"].append({**document["annotations"][0], "id": 77, "segmentation": []})
    path.write_text(json.dumps(document))
    dataset = catalogue.read(tmp_path, f"{text}/train")
    [left], [right] = dataset.records, whole.records
    assert left.expressions == right.expressions
    (problem,) = dataset.problems
    assert problem.startswith("1 annotation left out, the target has no pixel: annotation 77 of")


def test_a_broken_label_image_is_named(tmp_path):
    ade20k(tmp_path)
    path = tmp_path / "ade20k/annotations/training/ADE_train_00000001.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"ADE_train_00000001.png' is not a whole picture"):
        catalogue.read(tmp_path, "ade20k/train")


def test_a_class_without_a_name_is_named(tmp_path):
    ade20k(tmp_path)
    label_image(tmp_path / "ade20k/annotations/training/ADE_train_00000001.png", 1, 151)
    with pytest.raises(ValueError, match="has class 151, but there are 3"):
        catalogue.read(tmp_path, "ade20k/train")


def test_check_says_what_is_there_what_is_missing_and_shows_examples(tmp_path, capsys):
    for write in (ade20k, human_parsing, part_image_net, pascal_part, objects365):
        write(tmp_path)
    assert main(["data", "check", str(tmp_path), "--sheet", str(tmp_path / "sheet.png")]) == 0
    said = capsys.readouterr().out
    assert "ade20k/train: 1 images, 2 sentences" in said
    assert "images: 1 here, but 20,210 published" in said
    assert "refcocog: not here; https://" in said
    assert "ade20k: not here" not in said
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (2 * 214, 4 * 240, 3)  # five data sets, four to a row


def test_check_names_a_picture_that_cannot_be_read_and_where_to_get_it(tmp_path, capsys):
    ade20k(tmp_path)
    (tmp_path / "ade20k/images/training/ADE_train_00000001.jpg").write_bytes(b"not a picture")
    assert main(["data", "check", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "broken: " in said
    assert "ADE_train_00000001.jpg' is not a picture" in said
    assert "fetch it from http" in said


def test_check_of_nothing_is_refused(tmp_path, capsys):
    assert main(["data", "check", str(tmp_path / "nowhere")]) == 2
    assert "no such data" in capsys.readouterr().err
