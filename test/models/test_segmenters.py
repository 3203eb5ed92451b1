"""Properties of every segmenter behind the seam that hold for any weights."""

import subprocess
import sys

import pytest
import torch
from patience import patience
from rounding import assert_same, error_of_format
from tiny_networks import EFFICIENT_SAM, SAM, SAM_2, randomised

from evf_sam_ros.engines.measure import relative_error
from evf_sam_ros.engines.precision import round_weights
from evf_sam_ros.models.variants import VARIANTS, build

CONFIGS = {
    "sam": SAM,
    "efficient_sam": EFFICIENT_SAM,
    "sam2": SAM_2,
    "tabletop": VARIANTS["tabletop"],
}


@pytest.fixture(params=CONFIGS, scope="module")
def config(request):
    return CONFIGS[request.param]


@pytest.fixture(scope="module")
def segmenter(config):
    torch.manual_seed(3)
    return randomised(build(config)).segmenter


@pytest.fixture(scope="module")
def images(config):
    return torch.randn(2, 3, *config.image_input.size)


@pytest.fixture(scope="module")
def prompts(segmenter):
    return torch.randn(2, 3, segmenter.prompt_width)


def test_every_prompt_of_every_image_gives_what_it_gives_alone(segmenter, images, prompts):
    with torch.no_grad():
        together = segmenter.decode(segmenter.encode(images), prompts)
        assert together.logits.shape[:2] == together.predicted_iou.shape == (2, 3)
        for i in range(2):
            features = segmenter.encode(images[i : i + 1])
            for p in range(3):
                alone = segmenter.decode(features, prompts[i : i + 1, p : p + 1])
                assert_same(together.logits[i, p], alone.logits[0, 0])
                assert_same(together.predicted_iou[i, p], alone.predicted_iou[0, 0])


def test_the_prompt_and_the_image_move_the_mask(segmenter, images, prompts):
    with torch.no_grad():
        logits = segmenter.decode(segmenter.encode(images), prompts).logits
        swapped = segmenter.decode(segmenter.encode(images.flip(0)), prompts).logits
    assert (logits[0, 0] - logits[0, 1]).abs().max() > 1e-3
    assert (logits - swapped).abs().max() > 1e-3


def test_the_neck_of_sam_is_in_float32_where_all_else_is_in_float16():
    segmenter = build(SAM).segmenter
    neck = segmenter.image_encoder.neck
    with torch.no_grad():
        neck[0].weight *= 1e6  # its products exceed 65504; the norm behind it divides them again
        images = torch.randn(1, 3, *SAM.image_input.size)
        exact = segmenter.encode(images)
        round_weights(segmenter.image_encoder.blocks, torch.float16)
        with torch.autocast("cpu", torch.float16):
            rounded = segmenter.encode(images)
    assert rounded.dtype == torch.float32
    assert relative_error(exact, rounded) < error_of_format(segmenter, torch.float16)


@pytest.mark.parametrize("config", [SAM, EFFICIENT_SAM, SAM_2])
def test_an_image_of_another_size_is_refused(config):
    with pytest.raises(ValueError, match=r"\(64, 80\).*\(64, 64\)"):
        build(config).segmenter.encode(torch.zeros(1, 3, 64, 80))


def test_sam_leaves_no_half_imported_package_behind():
    code = (
        "import sys; from evf_sam_ros.models.segment_anything import modeling; modeling();"
        "print([m for m in sys.modules if m.split('.')[0] in ('segment_anything', 'torchvision')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=patience(60.0),
        check=True,
    )
    assert done.stdout.strip() == "[]"
