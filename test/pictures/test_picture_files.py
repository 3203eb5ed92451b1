"""Files, folders and patterns of pictures, and what is said where there are none."""

import pytest

from evf_sam_ros.pictures.photograph import read_rgb
from evf_sam_ros.pictures.picture_files import chosen, pictures_in


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "[c].png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "inner.png").mkdir()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_a_folder_stands_for_its_pictures_in_order(folder):
    assert names(chosen([str(folder)])) == ["[c].png", "a.JPG", "b.png"]


def test_a_pattern_stands_for_the_files_that_match_once(folder):
    found = chosen([f"{folder}/*.png", f"{folder}/b.png"])
    assert names(found) == ["[c].png", "b.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder):
    assert names(chosen([f"{folder}/[c].png"])) == ["[c].png"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.png", r"^no such file: '\S*none.png'$"),
        ("none/a.png", r"no such file: '\S*a.png'; there is no folder '\S*none'"),
        ("*.gif", r"no file matches '\S*\*.gif'"),
        ("inner.png", r"the folder '\S*' holds no picture"),
    ],
)
def test_each_kind_of_nothing_has_its_own_sentence(folder, name, said):
    with pytest.raises(ValueError, match=said):
        chosen([str(folder / name)])


def test_a_folder_read_as_a_file_is_called_a_folder(folder):
    with pytest.raises(ValueError, match="is a folder, need a file"):
        read_rgb(folder)


def test_a_missing_folder_and_a_file_are_no_folder(folder):
    with pytest.raises(ValueError, match="does not exist"):
        pictures_in(folder / "none")
    with pytest.raises(ValueError, match="is a file, need a folder"):
        pictures_in(folder / "b.png")
