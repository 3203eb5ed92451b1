"""The tracker, with scripted models where its decisions are tested, and with real ones."""

import gc
import resource
from itertools import pairwise

import numpy as np
import pytest
import torch
from rounding import assert_same
from tiny_model import write_tiny_model
from tiny_networks import SAM_2, randomised

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import build
from evf_sam_ros.perception import tracker as tracking
from evf_sam_ros.perception.predictor import Segmentation, StageTimes, load_predictor
from evf_sam_ros.perception.tracker import (
    DOUBTS,
    RETRY_EVERY,
    Source,
    State,
    TargetTracker,
    Tracker,
    joined,
    parts_near,
)
from evf_sam_ros.sim.occlusion_clip import occlusion_clip

HEIGHT, WIDTH = 60, 80
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
TRACKED, LOST, NOT_FOUND = State.TRACKED, State.LOST, State.NOT_FOUND


def disc(u, v, radius=5):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (columns - u) ** 2 + (rows - v) ** 2 <= radius**2


NOTHING = np.zeros((HEIGHT, WIDTH), bool)


def answer(mask):
    return Segmentation(
        masks=mask[None].copy(),
        scores=np.array([0.9 if mask.any() else 0.1], np.float32),
        found=np.array([mask.any()]),
        predicted_iou=np.array([0.9], np.float32),
        unknown_words=((),),
        logits=np.where(mask, 1.0, -1.0)[None].astype(np.float32),
        times=StageTimes(0.0, 0.0, 0.0, 0.0),
        readings=((),),
    )


class Scripted:
    """A follower that sees what the script says: masks by words and, if given, by memory."""

    def __init__(self, words, memory=None):
        self.words, self.memory = words, memory
        self.asked, self.adopted, self.frame = [], [], -1

    def see(self, image_rgb):
        self.frame += 1
        return self.frame

    def ground(self, frame, **_):
        self.asked.append(frame)
        return answer(self.words(frame))

    def adopt(self):
        self.adopted.append(self.frame)

    def follow(self, frame):
        return answer(self.memory(frame)) if self.memory and self.adopted else None


@pytest.fixture
def track(monkeypatch):
    """Return what becomes of every frame, and the script that was followed."""

    def run(count, words, memory=None, **options):
        script = Scripted(words, memory)
        monkeypatch.setattr(tracking, "follower", lambda *_: script)
        follow = Tracker(None, "the red mug", **options)
        return [follow(IMAGE) for _ in range(count)], script

    return run


def states(tracks):
    return [each.state for each in tracks]


class TestByWords:
    def test_a_target_that_moves_steadily_is_tracked(self, track):
        tracks, script = track(20, lambda t: disc(10 + 3 * t, 30))
        assert states(tracks) == [TRACKED] * 20
        assert script.asked == list(range(20))
        np.testing.assert_array_equal(tracks[-1].mask, disc(67, 30))

    def test_before_it_is_found_it_is_not_lost(self, track):
        tracks, _ = track(4, lambda t: disc(40, 30) if t == 3 else NOTHING)
        assert states(tracks) == [NOT_FOUND] * 3 + [TRACKED]

    def test_a_hidden_target_is_lost_and_found_again_where_it_may_be(self, track):
        tracks, _ = track(9, lambda t: NOTHING if 3 <= t < 7 else disc(20 + 2 * t, 30))
        assert states(tracks) == [TRACKED] * 3 + [LOST] * 4 + [TRACKED] * 2
        assert not tracks[4].mask.any()

    def test_another_that_looks_alike_elsewhere_is_not_taken_for_it(self, track):
        """The target is hidden in frame 2; a model without memory then names its double."""
        double = disc(72, 10)
        tracks, _ = track(3, lambda t: double if t == 2 else disc(10, 50))
        assert states(tracks) == [TRACKED, TRACKED, LOST]
        assert not tracks[2].mask.any()
        assert tracks[2].score == 0  # the model is sure of the double

    def test_the_double_beside_the_target_is_cut_off(self, track):
        both = disc(10, 50) | disc(72, 10)
        tracks, _ = track(2, lambda t: both if t else disc(10, 50))
        np.testing.assert_array_equal(tracks[1].mask, disc(10, 50))

    def test_several_things_named_at_once_stay_several(self, track):
        both = disc(10, 50) | disc(72, 10)
        tracks, _ = track(3, lambda t: both)
        np.testing.assert_array_equal(tracks[2].mask, both)

    def test_what_was_lost_for_long_may_be_anywhere(self, track):
        tracks, _ = track(220, lambda t: disc(10, 50) if t == 0 else disc(72, 10))
        assert states(tracks)[:3] == [TRACKED, LOST, LOST]
        assert states(tracks)[-1] == TRACKED


class TestByMemory:
    def test_words_are_asked_once_and_then_at_every_interval(self, track):
        here = disc(40, 30)
        tracks, script = track(21, lambda t: here, lambda t: here, reground_every=10)
        assert script.asked == script.adopted == [0, 10, 20]
        assert [each.source for each in tracks[:3]] == [Source.WORDS, Source.MEMORY, Source.MEMORY]

    def test_zero_asks_only_when_the_target_is_lost(self, track):
        _, script = track(99, lambda t: disc(40, 30), lambda t: disc(40, 30), reground_every=0)
        assert script.asked == [0]

    def test_a_lost_target_is_asked_for_at_once_and_then_now_and_again(self, track):
        tracks, script = track(
            20, lambda t: disc(40, 30) if t == 0 else NOTHING,
            lambda t: disc(40, 30) if t < 5 else NOTHING, reground_every=0,
        )  # fmt: skip
        assert script.asked == [0, 5, 5 + RETRY_EVERY, 5 + 2 * RETRY_EVERY]
        assert states(tracks) == [TRACKED] * 5 + [LOST] * 15

    def test_words_find_again_what_memory_lost(self, track):
        def memory(frame):
            return NOTHING if frame >= 5 else disc(40, 30)

        tracks, script = track(7, lambda t: disc(42, 30), memory, reground_every=0)
        assert states(tracks) == [TRACKED] * 7
        assert script.adopted == [0, 5, 6]
        assert tracks[5].source is Source.WORDS

    def test_memory_is_believed_rather_than_words_that_point_elsewhere_once(self, track):
        def words(frame):
            return disc(72, 10) if frame == 10 else disc(10, 50)

        tracks, script = track(21, words, lambda t: disc(10, 50), reground_every=10)
        np.testing.assert_array_equal(tracks[10].mask, disc(10, 50))
        assert script.adopted == [0, 20]

    def test_words_that_insist_are_believed(self, track):
        elsewhere = 10 * DOUBTS

        def words(frame):
            return disc(72, 10) if frame else disc(10, 50)

        tracks, script = track(elsewhere + 1, words, lambda t: disc(10, 50), reground_every=10)
        assert script.adopted == [0, elsewhere]
        np.testing.assert_array_equal(tracks[elsewhere].mask, disc(72, 10))


def test_parts_are_near_or_far_by_how_long_ago_the_target_was_seen():
    both = disc(30, 30) | disc(60, 30)
    assert parts_near(both, disc(24, 30), frames=1).sum() == disc(30, 30).sum()
    assert parts_near(both, disc(24, 30), frames=20).sum() == disc(30, 30).sum()
    assert parts_near(both, disc(24, 30), frames=49).sum() == both.sum()
    assert not parts_near(disc(75, 5), disc(5, 55), frames=1).any()


@pytest.mark.parametrize(("away", "taken"), [(80, True), (87, False), (290, False)])
def test_after_ten_hidden_frames_the_reach_is_that_of_the_page(away, taken):
    """An object of 50x50 pixels at 640x480: a step of 25, times the root of 11 frames, is 82.9."""

    def square(left):
        mask = np.zeros((480, 640), bool)
        mask[200:250, left : left + 50] = True
        return mask

    beside = square(100 + 50 + away)
    assert parts_near(beside, square(100), frames=11).any() == taken


@pytest.mark.parametrize("seed", [910001, 910002])
def test_what_a_screen_hides_in_a_film_is_within_reach_when_it_appears_again(seed):
    truths = [frame.target for frame in occlusion_clip(seed, 40).frames]
    shown = [i for i, truth in enumerate(truths) if truth.sum() > 0.05 * max(map(np.sum, truths))]
    before, after = max(pairwise(shown), key=lambda both: both[1] - both[0])
    assert after - before > 5
    assert parts_near(truths[after], truths[before], frames=after - before).any()


def test_a_negative_interval_is_refused():
    with pytest.raises(ValueError, match="reground is -1, need 0"):
        Tracker(None, "mug", reground_every=-1)


@pytest.fixture(scope="module")
def words_model(tiny):
    return load_predictor(tiny, "cpu")


@pytest.fixture(scope="module")
def memory_folder(tmp_path_factory):
    """Return a whole SAM-2 model of random weights that finds something, with its tokenizer."""
    folder = write_tiny_model(tmp_path_factory.mktemp("memory"))
    model = randomised(build(SAM_2), seed=1)
    with torch.no_grad():
        model.segmenter.mask_decoder.pred_obj_score_head.layers[-1].bias.add_(100)
    checkpoint.save(model, SAM_2, folder)
    return folder


@pytest.fixture(scope="module")
def memory_model(memory_folder):
    return load_predictor(memory_folder, "cpu")


def film(count, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (count, HEIGHT, WIDTH, 3), np.uint8)


def test_the_first_frame_of_a_sam_2_is_what_the_predictor_finds(memory_model):
    image = film(1)[0]
    alone = memory_model(image, ["the red mug"])
    tracked = Tracker(memory_model, "the red mug")(image)
    assert tracked.source is Source.WORDS
    assert tracked.state is TRACKED
    np.testing.assert_array_equal(tracked.mask, alone.masks[0])
    assert_same(tracked.segmentation.logits, alone.logits)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_sam_2_follows_by_memory(memory_folder, precision, monkeypatch):
    monkeypatch.setattr("evf_sam_ros.perception.device.has_bfloat16", lambda: True)
    predictor = load_predictor(memory_folder, "cpu", precision)
    follow = Tracker(predictor, "the red mug", reground_every=0)
    tracks = [follow(image) for image in film(4)]
    assert [each.source for each in tracks[1:]] == [Source.MEMORY] * 3
    assert all(each.mask.shape == (HEIGHT, WIDTH) for each in tracks)
    assert tracks[3].segmentation.presence is not None


def test_where_the_object_score_says_it_is_gone_it_is_lost(memory_model):
    follow = Tracker(memory_model, "the red mug", reground_every=0)
    assert follow(film(1)[0]).state is TRACKED
    bias = memory_model.model.segmenter.mask_decoder.pred_obj_score_head.layers[-1].bias
    with torch.no_grad():
        bias.sub_(200)
        gone = follow(film(1)[0])
        bias.add_(200)
    assert gone.state is LOST
    assert not gone.mask.any()
    assert gone.score < 0.01


def test_an_image_of_another_size_goes_on(memory_model, words_model):
    for predictor in (memory_model, words_model):
        follow = Tracker(predictor, "the red mug")
        follow(IMAGE)
        assert follow(np.zeros((30, 50, 3), np.uint8)).mask.shape == (30, 50)


def test_a_refused_expression_is_refused_at_the_first_frame(words_model, memory_model):
    for predictor in (words_model, memory_model):
        with pytest.raises(ValueError, match="is empty"):
            Tracker(predictor, " ")(IMAGE)


@pytest.mark.parametrize("kind", ["words_model", "memory_model"])
def test_several_targets_are_followed_as_each_alone(request, kind):
    predictor = request.getfixturevalue(kind)
    several, alone = TargetTracker(predictor), Tracker(predictor, "blue bowl")
    for image in film(3, seed=2):
        tracks = several(image, [("a", "the red mug"), ("b", "blue bowl")])
        answers = joined([track.segmentation for track in tracks])
        own = alone(image)
        np.testing.assert_array_equal(answers.masks[1], own.mask)
        assert answers.scores[1] == pytest.approx(own.score)
        assert len(answers.unknown_words) == len(answers.logits) == len(answers.readings) == 2


def test_a_target_goes_on_when_others_come_and_one_of_a_new_name_begins_anew(memory_model):
    first, second = film(2, seed=3)
    follow, fresh = TargetTracker(memory_model), memory_model(second, ["the red mug"])
    follow(first, [("a", "the red mug")])
    again, goes_on = follow(second, [("b", "the red mug"), ("a", "the red mug")])
    np.testing.assert_array_equal(again.mask, fresh.masks[0])
    assert_same(again.segmentation.logits, fresh.logits)
    assert (again.source, goes_on.source) == (Source.WORDS, Source.MEMORY)


def test_a_stream_leaves_nothing_behind(memory_model):
    """Hold no more after many frames than after those that are remembered."""
    follow = Tracker(memory_model, "the red mug", reground_every=0)
    sizes = []
    for image in film(40, seed=4):
        follow(image)
        sizes.append(len(tensors_held(follow)))
    assert sizes[1] < sizes[25] == sizes[-1]


def tensors_held(root):
    """Return every tensor and array that can be reached from an object, but the model's."""
    seen, held, open_ends = set(), [], [root]
    while open_ends:
        each = open_ends.pop()
        if id(each) in seen or isinstance(each, torch.nn.Module | type):
            continue
        seen.add(id(each))
        if isinstance(each, torch.Tensor | np.ndarray):
            held.append(each)
        elif isinstance(each, dict):
            open_ends += each.values()
        elif hasattr(each, "__dict__"):
            open_ends += vars(each).values()
        elif hasattr(each, "__iter__") and not isinstance(each, str | bytes):
            open_ends += list(each)
    return held


@pytest.mark.slow
def test_memory_is_flat_over_2000_frames(memory_model):
    follow = Tracker(memory_model, "the red mug", reground_every=100)
    noise, used_mb = np.random.default_rng(5), {}
    for number in range(2000):
        follow(noise.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
        if number + 1 in (200, 1000, 2000):
            used_mb[number + 1] = resident_mb()
    print(f"\nresident memory after so many frames, MB: {used_mb}")
    assert used_mb[2000] - used_mb[200] < 5


def resident_mb():
    """Return the memory of this process now, after what is free was given back."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        return round(int(statm.read().split()[1]) * resource.getpagesize() / 2**20, 1)
