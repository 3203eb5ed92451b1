"""Pictures about which nothing can be said: named, and never FOUND."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from evf_sam_ros.perception.familiarity import FILE, Familiarity
from evf_sam_ros.perception.judgement import Status, judge
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.perception.suitability import Flaw, flaw_of
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.sim.unseen import SHAPES
from evf_sam_ros.training.familiarity_fit import fit

SIZE = (240, 320)


@pytest.fixture(scope="module")
def default() -> Predictor:
    return load_predictor(None, "cpu")


def _plain(level: int) -> NDArray[np.uint8]:
    return np.full((*SIZE, 3), level, np.uint8)


def _noise(level: float, deviation: float) -> NDArray[np.uint8]:
    values = np.random.default_rng(0).normal(level, deviation, (*SIZE, 3))
    return np.clip(values, 0, 255).astype(np.uint8)


def _ramp() -> NDArray[np.uint8]:
    row = np.linspace(60, 120, SIZE[1])
    return np.broadcast_to(row[:, None], (*SIZE, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "flaw"),
    [
        (_plain(0), Flaw.DARK),
        (_noise(3, 3), Flaw.DARK),
        (_plain(255), Flaw.OVEREXPOSED),
        (_plain(128), Flaw.PLAIN),
        (_noise(128, 8), Flaw.PLAIN),
        (_ramp(), Flaw.COVERED),
    ],
)
def test_a_picture_that_shows_nothing_is_named(picture: NDArray[np.uint8], flaw: Flaw) -> None:
    found = flaw_of(picture)
    assert found is not None
    assert found.flaw is flaw


@pytest.mark.parametrize("background", [0, 30, 128, 255])
@pytest.mark.parametrize("side", [20, 40, 160])
def test_one_small_object_before_a_plain_wall_is_a_picture(background: int, side: int) -> None:
    picture = np.full((480, 640, 3), background, np.uint8)
    picture[200 : 200 + side, 300 : 300 + side] = (220, 30, 30)
    assert flaw_of(picture) is None


def test_a_copy_of_an_answer_with_other_masks_is_not_refused_with_it(default: Predictor) -> None:
    black = default(np.zeros((48, 64, 3), np.uint8), ["the red mug"])
    assert black.unsuitable
    assert black.first(1).unsuitable
    assert not replace(black, masks=np.ones_like(black.masks)).unsuitable


@pytest.mark.parametrize("exposure", [0.25, 1.0, 1.5])
def test_a_scene_is_no_flaw_at_any_usual_exposure(exposure: float) -> None:
    scene = render_scene(801_000, 320, 240)
    assert flaw_of(np.clip(scene.rgb * exposure, 0, 255).astype(np.uint8)) is None


def _drawings() -> list[NDArray[np.uint8]]:
    """Pictures of no table: waves, rings, a chequered plane, confetti."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
    waves = 127 + 120 * np.sin(rows[..., None] / [7, 9, 13] + columns[..., None] / [5, 11, 8])
    rings = 127 + 120 * np.sin(np.hypot(rows - 120, columns - 160)[..., None] / [6, 7, 8])
    squares = 255 * ((rows // 6 + columns // 6) % 2)[..., None] * [1, 1, 1]
    confetti = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).repeat(10, 0).repeat(10, 1)
    return [each.astype(np.uint8) for each in (waves, rings, squares, confetti)]


@pytest.mark.parametrize("number", range(4))
def test_a_picture_unlike_the_training_is_never_found(default: Predictor, number: int) -> None:
    answer = default(_drawings()[number], ["the red mug", "the blue bowl"])
    assert not answer.found.any()
    assert not answer.masks.any()
    judged = judge("the red mug", answer)
    assert judged.status is Status.UNSUITABLE_IMAGE
    assert judged.message.startswith(Flaw.UNFAMILIAR.value)


def test_scenes_and_unseen_shapes_are_familiar(default: Predictor) -> None:
    scenes = [render_scene(801_000 + 32 * i, 320, 240).rgb for i in range(3)]
    scenes += [render_scene(801_000 + i, 320, 240, shapes=SHAPES).rgb for i in range(2)]
    answers = default.batch(scenes, [["the box"]] * len(scenes))
    assert [answer.unsuitable for answer in answers] == [""] * len(scenes)


def test_a_black_picture_is_unsuitable_to_any_model(default: Predictor) -> None:
    answer = default(_plain(0), ["the red mug"])
    assert judge("the red mug", answer).status is Status.UNSUITABLE_IMAGE


def test_statistics_of_other_weights_are_not_used(tmp_path, default: Predictor) -> None:  # type: ignore[no-untyped-def]
    source = model_folder(None)
    (tmp_path / FILE).write_bytes((source / FILE).read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert Familiarity.of(source) is not None
    assert Familiarity.of(tmp_path) is None


def test_the_limits_are_exceeded_by_the_share_of_false_alarms() -> None:
    rng = np.random.default_rng(0)
    world = fit(rng.normal(size=(3000, 6)), rng.normal(3, 1, size=(500, 6)), false_alarms=0.1)
    fresh = np.random.default_rng(1).normal(size=(3000, 6))
    # 300 alarms expected with a deviation of 16, in the limit and in what is counted.
    assert 200 < (world.distances(fresh) > world.limit).sum() < 400
    assert 200 < (fresh @ world.discriminant > world.most).sum() < 400
    assert world.distances(fresh + 20).min() > world.limit


def test_what_lies_as_near_but_looks_like_something_else_is_refused() -> None:
    rng = np.random.default_rng(0)
    # Means, the last three features, tell the two apart; the deviations are the same.
    ours, others = rng.normal(size=(2, 1000, 6))
    others[:, 3:] += 6
    alone, both = fit(ours), fit(ours, others)
    assert (alone.excess(others) > 1).mean() < 0.05
    assert (both.excess(others) > 1).mean() > 0.99
    assert (both.excess(ours) > 1).mean() < 0.02


def test_a_picture_of_any_known_world_is_familiar() -> None:
    rng = np.random.default_rng(0)
    first, second = (fit(rng.normal(at, 1, (300, 6)), false_alarms=0.0) for at in (0.0, 40.0))
    known = Familiarity((first, second))
    pooled = np.array([[0.0] * 6, [40.0] * 6, [20.0] * 6])
    assert [each is None for each in known.unfamiliar(pooled)] == [True, True, False]


def test_few_pictures_give_no_statistics() -> None:
    with pytest.raises(ValueError, match="3 pictures are too few: need 200"):
        fit(np.zeros((3, 6)))
