"""The table of all yardsticks: rows of what is there, and of what could not be measured why."""

import json

import robot_files as files

from benchmarks import yardsticks
from evf_sam_ros.perception.model_catalogue import PUBLISHED


def run(capsys, *options):
    code = yardsticks.main([str(each) for each in options])
    return code, capsys.readouterr().out


def test_everything_that_is_there_becomes_a_row_of_the_table(tmp_path, capsys):
    data = files.write_bop(files.write_roborefit(tmp_path / "data"))
    out = tmp_path / "out"
    code, page = run(capsys, "--data", data, "--scenes", 1, "--out", out)
    document = json.loads((out / "yardsticks.json").read_text())
    rows = {row["name"]: row for row in document["rows"]}
    assert code == 0, page
    assert {"tabletop", "roborefit/testA", "bop/ycbv/test"} <= set(rows)
    assert rows["roborefit/testA"]["sentences"] == 3
    assert rows["tabletop"]["right object"] is not None
    assert document["versions"]["torch"] in page
    assert document["machine"] in page
    assert document["date"][:2] == "20"
    assert (out / "yardsticks.md").read_text() in page


def test_one_that_fails_is_told_and_leaves_the_others(tmp_path, capsys, monkeypatch):
    data = files.write_bop(tmp_path / "data", "lmo")  # its objects have no names
    monkeypatch.setattr(yardsticks, "SIMULATED", ("another world",))
    code, page = run(capsys, "--data", data, "--out", tmp_path / "out")
    assert code == 1
    assert "| bop/lmo/test | not measured: evf-sam: the objects of" in page
    assert "another world" not in page  # this version does not draw it


def test_the_page_has_a_row_and_a_command_for_every_published_checkpoint():
    page = (yardsticks.ROOT / "docs" / "measurements" / "yardsticks.md").read_text()
    for published in PUBLISHED.values():
        for name in published:
            assert f"| `{name}` |" in page
            assert f"benchmarks/yardsticks.py --model {name}" in page


def test_cells_without_a_figure_are_dashes():
    row = {"name": "x", **dict.fromkeys(yardsticks.COLUMNS), "ciou": 0.5}
    document = {"model": "m", "rows": [row], **yardsticks.surroundings()}
    assert "| x | - | 0.500 | - | - | - | - | - | - |" in yardsticks.as_markdown(document)
