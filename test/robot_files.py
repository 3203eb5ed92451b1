"""Robotics' referring data sets in the layouts of their authors, made of plain rectangles.

Every picture is 32 wide and 24 high. A mug is at columns 4 to 11, rows 6 to 15, a bowl at columns
18 to 29, rows 10 to 19. Depth: the table at 1000 units, the mug at 800, the bowl at 900.
"""

import json

import cv2
import numpy as np

HEIGHT, WIDTH = 24, 32
BOXES = {"mug": (4, 6, 12, 16), "bowl": (18, 10, 30, 20)}  # left, top, right, bottom, exclusive
CAMERA = (40.0, 40.0, 16.0, 12.0)  # fx, fy, cx, cy


def truth(name):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    left, top, right, bottom = BOXES[name]
    mask[top:bottom, left:right] = True
    return mask


def picture(seed=0):
    rgb = np.full((HEIGHT, WIDTH, 3), 90 + seed, np.uint8)
    rgb[truth("mug")] = (200, 30, 30)
    rgb[truth("bowl")] = (30, 30, 200)
    return rgb


def depth():
    units = np.full((HEIGHT, WIDTH), 1000, np.uint16)
    units[truth("mug")], units[truth("bowl")] = 800, 900
    return units


def labels(first=1):
    numbers = np.zeros((HEIGHT, WIDTH), np.uint8)
    numbers[truth("mug")], numbers[truth("bowl")] = first, first + 1
    return numbers


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    assert cv2.imwrite(str(path), np.ascontiguousarray(stored))
    return path


def write_json(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def white(mask):
    return np.where(mask, 255, 0).astype(np.uint8)


ROBOREFIT_TEXTS = {"mug": "The red mug on the table", "bowl": "the blue bowl"}


def write_roborefit(root, split="testA"):
    """Write two pictures, the second with the bowl alone, and the files that only run as code."""
    folder = root / "final_dataset" / split
    rows = []
    for image, name in ((0, "mug"), (0, "bowl"), (1, "bowl")):
        number = f"{image:07d}"
        write(folder / "image" / f"{number}.png", picture(image))
        write(folder / "depth" / f"{number}.png", depth())
        mask = write(folder / "mask" / number / f"{name}.png", white(truth(name)))
        (folder / "text").mkdir(exist_ok=True)
        (folder / "text" / f"{number}.txt").write_text("__import__('os').abort()")
        prefix = f"final_dataset/{split}"
        rows.append({
            "num": len(rows), "text": ROBOREFIT_TEXTS[name], "bbox": list(BOXES[name]),
            "rgb_path": f"{prefix}/image/{number}.png",
            "depth_path": f"{prefix}/depth/{number}.png",
            "mask_path": f"{prefix}/mask/{number}/{mask.name}",
            "scene": "table" if image == 0 else "sofa",
        })  # fmt: skip
    write_json(folder / f"refindoor_{split}_with_scene.json", rows)
    return root


def write_ocid_vlg(root, kind="multiple", part="test"):
    folder = root / "OCID-VLG"
    sequence, name = "ARID20/floor/top/box/seq04", "result_2018-08-21-12-13-59.png"
    write(folder / sequence / "rgb" / name, picture())
    write(folder / sequence / "depth" / name, depth())
    write(folder / sequence / "seg_mask_instances_combi" / name, labels())
    rows = [
        {
            "image_filename": f"{sequence},{name}", "box": [4, 6, 8, 10], "grasps": [],
            "answer": number, "target": f"{each}_1", "question": f"Pick the {each}",
            "program": [], "question_index": 7 + number,
        }
        for number, each in ((1, "mug"), (2, "bowl"))
    ]  # fmt: skip
    write_json(folder / "refer" / kind / f"{part}_expressions.json", {"info": {}, "data": rows})
    (folder / "ocid_names.py").write_text("raise SystemExit('run')")
    return root


def write_ocid_ref(root, part="test"):
    sequence, name = "ARID10/table/bottom/mixed/seq36", "result_2018-08-24-14-36-20.png"
    for kind, pixels in (("rgb", picture()), ("depth", depth()), ("label", labels(3))):
        write(root / "OCID-dataset" / sequence / kind / name, pixels)
    rows = {
        str(90 + number): {
            "seq_id": "36", "scene_id": number, "take_id": 5, "sub_dataset": "ARID10",
            "scene_path": f"{sequence}/rgb/{name}", "sequence_path": sequence,
            "instance_id": number, "scene_instance": f"5_{number}", "class": each,
            "class_instance": f"{each}_1", "new_class": each, "sentence": f"The {each} there",
            "tokens": ["the", each], "bbox": "[4, 6, 8, 10]",
            "sentence_type": "spatial" if each == "mug" else "attribute",
        }
        for number, each in ((3, "mug"), (4, "bowl"))
    }  # fmt: skip
    write_json(root / "OCID-Ref" / f"{part}_expressions.json", rows)
    return root


REFSPATIAL = ("Please point out the mug.", "Please point out the free area left of the bowl.")
SUFFIX = "Your answer should be formatted as a list of tuples, i.e. [(x1, y1)]"


def write_refspatial(root, folder="RefSpatial-Bench", part="Location"):
    top = root / folder / part
    rows = []
    for number, (name, text) in enumerate(zip(BOXES, REFSPATIAL, strict=True)):
        write(top / "image" / f"{number}.png", picture())
        write(top / "mask" / f"{number}.png", white(truth(name)))
        rows.append({
            "id": number, "object": name, "prompt": text, "suffix": SUFFIX,
            "rgb_path": f"image/{number}.png", "mask_path": f"mask/{number}.png",
            "category": part.lower(), "step": number + 1,
        })  # fmt: skip
    write_json(top / "question.json", rows)
    return root


def png(pixels):
    stored = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    return {"bytes": cv2.imencode(".png", stored)[1].tobytes(), "path": None}


def write_table(path, columns):
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def write_refspatial_table(root, folder="RefSpatial-Bench", part="location", **more):
    columns = {
        "id": [0, 1], "image": [png(picture())] * 2,
        "mask": [png(white(truth(name))) for name in BOXES], "object": list(BOXES),
        "prompt": list(REFSPATIAL), "suffix": [SUFFIX] * 2, "step": [1, 2], **more,
    }  # fmt: skip
    write_table(root / folder / "data" / f"{part}-00000-of-00001.parquet", columns)
    return root


def write_robospatial(root):
    columns = {
        "id": ["a"], "category": ["context"], "answer": ["[(0.5, 0.4)]"],
        "question": [f"Point to the vacant space left of the bowl. {SUFFIX}"],
        "image": [png(picture())], "depth": [png(depth())], "mask": [png(white(truth("mug")))],
    }  # fmt: skip
    write_table(root / "RoboSpatial-Home" / "data" / "context-00000-of-00001.parquet", columns)
    return root


def write_where2place(root):
    top = root / "where2place"
    write(top / "images" / "00.jpg", picture())
    write(top / "masks" / "00.jpg", white(truth("mug")))
    row = {"question_id": 0, "image": "00.jpg", "category": "seen",
           "text": f"Locate several points on the shelf. {SUFFIX}"}  # fmt: skip
    (top / "point_questions.jsonl").write_text(json.dumps(row) + "\n")
    (top / "bbox_questions.jsonl").write_text(json.dumps(row) + "\n")
    return root


def write_bop(root, name="ycbv", kinds=(14, 13)):
    """Write scene 48 with picture 1: kinds are obj_id of the mug and of the bowl (YCB-V)."""
    folder = root / name / "test" / "000048"
    write(folder / "rgb" / "000001.png", picture())
    write(folder / "depth" / "000001.png", (10 * depth()).astype(np.uint16))
    fx, fy, cx, cy = CAMERA
    poses, shares = [], []
    for number, (each, kind) in enumerate(zip(BOXES, kinds, strict=True)):
        write(folder / "mask_visib" / f"000001_{number:06d}.png", white(truth(each)))
        poses.append({"cam_R_m2c": [1, 0, 0, 0, 1, 0, 0, 0, 1], "obj_id": kind,
                      "cam_t_m2c": [-170.0, -30.0, 830.0 + 100 * number]})  # fmt: skip
        shares.append({"visib_fract": 0.9, "px_count_visib": int(truth(each).sum())})
    write_json(folder / "scene_gt.json", {"1": poses})
    write_json(folder / "scene_gt_info.json", {"1": shares})
    camera = {"cam_K": [fx, 0, cx, 0, fy, cy, 0, 0, 1], "depth_scale": 0.1}
    write_json(folder / "scene_camera.json", {"1": camera})
    return root
