"""Whatever stands in a label file, it is read or there is a sentence about it."""

import copy
import json
import pickle
import random

import published_files as files
import pytest

from evf_sam_ros.cli import main

JUNK = [
    None, True, 0, -1, 1.5, float("nan"), 10**400, 2**40, "", "x", "12", [], {}, [[]], [None],
    {"a": 1}, [1, 2],
]  # fmt: skip
CHANGES = 120


def places(value, path=()):
    """Yield the path to everything in a document."""
    yield path
    pairs = ()
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in pairs:
        yield from places(each, (*path, key))


def changed(document, rng):
    """Return a copy in which something is gone, doubled or replaced by anything."""
    made = copy.deepcopy(document)
    path = rng.choice([each for each in places(made) if each])
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    choice = rng.random()
    if choice < 0.2:
        del holder[path[-1]]
    elif choice < 0.4 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[path[-1]]))
    else:
        holder[path[-1]] = copy.deepcopy(rng.choice(JUNK))
    return made


def coco(root):
    document = files.instances()
    for annotation in document["annotations"]:
        annotation["caption"] = "the mug"
    document["sentences"] = [{"image_id": 1, "ann_ids": [11], "text": "the red mug"}]
    files.write_pictures(root / "images")
    return root / "own.json", document


def refs(root):
    files.write_refcoco(root)
    return root / "refcoco" / "refs(unc).p", list(files.REFS)


def instances(root):
    files.write_refcoco(root)
    return root / "refcoco" / "instances.json", files.instances()


def grefs(root):
    path = files.write_grefcoco(root) / "grefcoco" / "grefs(unc).json"
    return path, json.loads(path.read_text())


def reasonseg(root):
    path = files.write_reasonseg(root) / "ReasonSeg" / "val" / "kitchen.json"
    return path, json.loads(path.read_text())


@pytest.mark.parametrize("write", [coco, refs, instances, grefs, reasonseg])
def test_no_label_is_too_odd_for_a_sentence(tmp_path, capsys, write):
    path, document = write(tmp_path)
    rng = random.Random(0)
    codes = []
    for _ in range(CHANGES):
        other = changed(document, rng)
        content = pickle.dumps(other) if path.suffix == ".p" else json.dumps(other).encode()
        path.write_bytes(content)
        codes.append(main(["data", "check", str(tmp_path)]))
        capsys.readouterr()
    assert set(codes) <= {0, 1}
    assert 0 in codes  # some changes are harmless
    assert 1 in codes
