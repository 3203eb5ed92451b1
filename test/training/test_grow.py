"""A grown model begins with what the model knows that it was grown from."""

import numpy as np
import pytest
import torch

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.beit3 import FIRST_POSITION, Beit3Config, VisionEmbedding
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.training.grow import POSITIONS, WORDS, finer, grown


@pytest.fixture(scope="module")
def default():
    return checkpoint.load(model_folder("default"))


def answer(model, size):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, 3, *size, generator=generator)
    tokens = torch.tensor([[[0, 5, 9, 2]]])
    with torch.inference_mode():
        return model(images, images, tokens, torch.zeros_like(tokens, dtype=torch.bool))


def test_at_the_old_size_the_grown_model_answers_the_same(default):
    size = default.config.image_input.size
    config = finer(default.config, size, default.config.encoder.vocabulary + 3)
    before = answer(default.model, size)
    after = answer(grown(default.model, default.config, config), size)
    torch.testing.assert_close(after.logits, before.logits, rtol=0, atol=1e-4)
    torch.testing.assert_close(after.presence, before.presence, rtol=0, atol=1e-4)


def test_known_words_keep_their_numbers_and_positions_of_a_finer_grid_lie_between(default):
    config = finer(default.config, (384, 512), default.config.encoder.vocabulary + 2)
    state = grown(default.model, default.config, config).state_dict()
    old = default.model.state_dict()
    known = len(old[WORDS])
    assert len(state[WORDS]) == known + 2
    torch.testing.assert_close(state[WORDS][:known], old[WORDS])
    first = FIRST_POSITION + 1
    assert len(state[POSITIONS]) == first + 24 * 32
    torch.testing.assert_close(state[POSITIONS][:first], old[POSITIONS][:first])
    mean = state[POSITIONS][first:].mean(0), old[POSITIONS][first:].mean(0)
    torch.testing.assert_close(*mean, rtol=0, atol=0.02)


def test_a_model_without_a_compact_segmenter_cannot_be_grown():
    with pytest.raises(ValueError, match="compact"):
        finer(VARIANTS["evf_sam2"], (240, 320), 100)


def test_fine_features_are_those_of_stride_8_then_mean_and_deviation_of_the_finer_ones():
    config = Beit3Config(
        width=8, depth=1, heads=1, feed_forward=8, image_size=(32, 32), stem=(2, 3, 4), fine=True
    )
    vision = VisionEmbedding(config).eval()
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    half, quarter, eighth = vision.trunk(images)
    seen = vision.see(images)
    assert seen.shape == (1, 4 + 2 * 3 + 2 * 2, 4, 4) == (1, vision.features, 4, 4)
    torch.testing.assert_close(seen[:, :4], eighth)
    corner = half[0, 1, :4, :4].detach().numpy()  # the cell of the first of 4 x 4
    assert float(seen[0, 4 + 6 + 1, 0, 0]) == pytest.approx(corner.mean(), abs=1e-6)
    deviation = max(float(np.std(corner)), 1e-3)
    assert float(seen[0, 4 + 6 + 2 + 1, 0, 0]) == pytest.approx(deviation, abs=1e-4)
    assert float(seen[0, 4, 0, 0]) == pytest.approx(float(quarter[0, 0, :2, :2].mean()), abs=1e-6)


def test_fine_features_need_a_stem():
    with pytest.raises(ValueError, match="stem"):
        Beit3Config(width=8, depth=1, heads=1, feed_forward=8, fine=True)
