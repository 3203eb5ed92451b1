"""Training batches say of a picture what is true of it."""

import numpy as np
import pytest
import torch

from evf_sam_ros.language.tokenizer import load_tokenizer
from evf_sam_ros.models.variants import TABLETOP_INPUT
from evf_sam_ros.sim.expressions import EVALUATION_MIX, find_targets
from evf_sam_ros.sim.palette import COLORS, SHAPES
from evf_sam_ros.sim.words import mirror
from evf_sam_ros.training import tabletop_data
from evf_sam_ros.training.augment import reframe
from evf_sam_ros.training.tabletop_batches import NONE, BatchMaker
from evf_sam_ros.training.vocabulary import learn_vocabulary

WORDS = ["the red mug on the left", "all blue bowls", "[semantic] cone"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabletop_data, "SHARD", 4)
        for first in (0, 4):
            tabletop_data._render_shard(folder / f"scenes_{first:08d}.npz", first)
        return tabletop_data.load_scenes(tabletop_data.render_scenes(folder, 0, 8))


class Words:
    """A tokenizer that remembers what it was asked."""

    def __init__(self):
        self.texts = []

    def encode(self, text):
        self.texts.append(text)
        return [0, *range(4, 4 + len(text.split())), 2]

    def unknown_words(self, text):
        return []


def test_scenes_come_back_from_disk_as_they_were_rendered(scenes):
    again = tabletop_data.render_scene(5, *tabletop_data.SIZE)
    np.testing.assert_array_equal(scenes.rgb[5], again.rgb)
    assert scenes.objects[5] == list(again.objects)


def test_masks_cover_the_targets_and_nothing_else(scenes):
    words = Words()
    maker = BatchMaker(scenes, words, TABLETOP_INPUT, EVALUATION_MIX)
    rng = np.random.default_rng(3)
    batch = maker.make(rng, images=4, prompts=3, vary=False)
    normalised = batch.images_B3HW * 64 + 115
    checked = 0
    for image, texts in enumerate(np.reshape(words.texts, (4, 3))):
        differences = [
            float((torch.from_numpy(pixels).permute(2, 0, 1) - normalised[image]).abs().max())
            for pixels in maker.pixels
        ]
        scene = int(np.argmin(differences))
        assert differences[scene] < 1e-3
        for prompt, text in enumerate(texts):
            targets = find_targets(text, scenes.objects[scene])
            if targets is None:
                continue
            area = np.isin(scenes.instances[scene], [t + 1 for t in targets]).mean()
            assert float(batch.masks_BPmn[image, prompt].mean()) == pytest.approx(area, abs=1e-4)
            assert bool(batch.found_BP[image, prompt]) == bool(targets)
            assert tuple(batch.targets_BPO[image, prompt].nonzero()[:, 0]) == targets
            checked += 1
    assert checked >= 6


def test_a_mirrored_picture_keeps_its_labels_and_mirrors_its_words(scenes):
    plain, mirrored = Words(), Words()
    for words, seed in ((plain, None), (mirrored, 0)):
        maker = BatchMaker(scenes, words, TABLETOP_INPUT, {"place": 1.0})
        for step in range(30):
            maker.make(np.random.default_rng(step), 1, 2, vary=seed is not None)
    pairs = list(zip(plain.texts, mirrored.texts, strict=True))
    assert all(said in (text, mirror(text)) for text, said in pairs)
    assert any(said != text for text, said in pairs)


def test_every_object_is_labelled_with_its_shape_and_color(scenes):
    maker = BatchMaker(scenes, Words(), TABLETOP_INPUT, EVALUATION_MIX)
    batch = maker.make(np.random.default_rng(0), images=1, prompts=1, vary=False)
    labels = sorted(
        (SHAPES[shape], list(COLORS)[color])
        for shape, color in zip(batch.shapes_BO[0], batch.colors_BO[0], strict=True)
        if shape != NONE
    )
    assert labels in [sorted((o.shape, o.color) for o in objects) for objects in scenes.objects]
    covered = batch.objects_BOhw[0].sum((1, 2)) > 0
    assert torch.equal(covered, batch.shapes_BO[0] != NONE)


def test_the_same_generator_gives_the_same_batch(scenes):
    maker = BatchMaker(scenes, Words(), TABLETOP_INPUT, EVALUATION_MIX)
    first, second = (maker.make(np.random.default_rng(9), 2, 2) for _ in range(2))
    assert torch.equal(first.images_B3HW, second.images_B3HW)
    assert torch.equal(first.masks_BPmn, second.masks_BPmn)


def test_a_learned_vocabulary_numbers_words_and_names_strangers(tmp_path):
    size = learn_vocabulary(WORDS, tmp_path / "tokenizer.json")
    tokenizer = load_tokenizer(tmp_path)
    assert size == 4 + 10
    known = tokenizer.encode("The RED mug, on the left!")
    assert known == tokenizer.encode("the red mug on the left")
    assert (known[0], known[-1]) == (0, 2)
    assert min(known[1:-1]) > 3
    assert tokenizer.unknown_words("the xyzzy mug") == ["xyzzy"]


def test_synonyms_are_read_as_the_words_they_mean(tmp_path):
    learn_vocabulary([*WORDS, "the thing in the center"], tmp_path / "tokenizer.json")
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.encode("a red one") == tokenizer.encode("the red thing")
    assert tokenizer.encode("the thing in the centre") == tokenizer.encode(
        "the thing in the center"
    )
    assert tokenizer.unknown_words("an a-b one") == ["a-b"]


def test_another_lens_moves_picture_and_labels_together():
    scene = tabletop_data.render_scene(3, *tabletop_data.SIZE)
    for seed in range(12):
        pixels, labels = reframe(scene.rgb, scene.instances, np.random.default_rng(seed))
        marked = np.where(scene.instances[..., None] > 0, 255, 0).repeat(3, -1).astype(np.uint8)
        moved = reframe(marked, scene.instances, np.random.default_rng(seed))[0]
        agree = (moved[..., 0] > 127) == (labels > 0)
        assert agree.mean() > 0.995
        assert set(np.unique(labels)) == set(np.unique(scene.instances))
        assert pixels.shape == scene.rgb.shape


def test_the_steps_to_a_target_are_of_the_same_picture(scenes):
    batches = BatchMaker(scenes, Words(), TABLETOP_INPUT, {"relation": 1.0})
    batch = batches.make(np.random.default_rng(0), 4, 2, vary=False)
    covered = torch.einsum("bpo,bohw->bphw", batch.candidates_BPO, batch.objects_BOhw)
    target = torch.nn.functional.avg_pool2d(batch.masks_BPmn, 4)
    torch.testing.assert_close(torch.minimum(covered, target), target)  # targets are candidates
    assert (batch.anchors_BPO.sum(-1) == 1).all()
    anchored = torch.einsum("bpo,bohw->bphw", batch.anchors_BPO, batch.objects_BOhw)
    assert (anchored * target).sum() < 0.05 * target.sum()  # nothing is left of itself
