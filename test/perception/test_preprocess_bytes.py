"""Byte images resized in whole numbers are those of Pillow and of torch, bit for bit."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.perception.preprocess import restore, segmenter_input
from evf_sam_ros.perception.preprocess_bytes import antialiased_taps, resize_bytes

SIZES = [  # (height, width) before and after
    ((48, 64), (48, 64)),
    ((48, 64), (96, 128)),
    ((97, 53), (31, 40)),
    ((720, 1280), (576, 1024)),
    ((30, 41), (64, 7)),
    ((1, 1), (5, 3)),
    ((2, 300), (1, 299)),
    ((480, 640), (224, 224)),
]


def noise(size):
    generator = np.random.default_rng(sum(size))
    image = generator.integers(0, 256, (*size, 3), np.uint8)
    image[: size[0] // 2] = np.where(image[: size[0] // 2] > 127, 255, 0)  # where sums overshoot
    return image


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_antialiased_is_pillows_bilinear(before, after):
    image = noise(before)
    expected = Image.fromarray(image).resize(after[::-1], Image.Resampling.BILINEAR)
    computed = resize_bytes(torch.from_numpy(image).permute(2, 0, 1), after, "antialiased")
    np.testing.assert_array_equal(computed.permute(1, 2, 0), np.asarray(expected))


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_sampled_is_torchs_bilinear_of_bytes(before, after):
    pixels = torch.from_numpy(noise(before)).permute(2, 0, 1).contiguous()
    expected = functional.interpolate(pixels[None], after, mode="bilinear")[0]
    assert torch.equal(resize_bytes(pixels, after, "sampled"), expected)


@pytest.mark.parametrize("resize", ["pad", "stretch", "sample", "bicubic", "twice"])
@pytest.mark.parametrize("size", [(48, 64), (97, 53), (20, 30), (32, 40)])
def test_a_picture_on_a_device_becomes_the_very_input_that_an_array_does(resize, size):
    spec = ImageInput(size=(32, 40), resize=resize, mean=(120.0, 110.0, 100.0), std=(58.0,) * 3)
    image = noise(size)
    expected, expected_size = segmenter_input(image, spec)
    computed, computed_size = segmenter_input(torch.from_numpy(image), spec)
    assert torch.equal(expected, computed)
    assert expected_size == computed_size


def test_tables_are_copied_to_a_device_once(monkeypatch):
    pixels = torch.zeros(3, 37, 41, dtype=torch.uint8, device="meta")
    resize_bytes(pixels, (11, 13), "sampled")
    monkeypatch.setattr(torch, "from_numpy", lambda _: pytest.fail("made again"))
    resize_bytes(pixels, (11, 13), "sampled")


def test_halving_mixes_four_pixels_one_three_three_one():
    taps = antialiased_taps(8, 4)
    assert taps.places_KN[:, 1].tolist() == [1, 2, 3, 4]
    shares = taps.weights_KN[:, 1] / 2**taps.bits
    np.testing.assert_allclose(shares, [1 / 8, 3 / 8, 3 / 8, 1 / 8], atol=1e-6)


@pytest.mark.parametrize("resize", ["pad", "twice", "stretch", "sample", "bicubic"])
def test_a_picture_and_its_logits_stay_on_their_device(resize):
    elsewhere = torch.device("meta")  # refuses tensors of the CPU among its own, as a GPU does
    spec = ImageInput(size=(24, 32), resize=resize, mean=(0,) * 3, std=(1,) * 3)
    picture = torch.zeros(9, 12, 3, dtype=torch.uint8, device=elsewhere)
    pixels, resized = segmenter_input(picture, spec)
    logits = restore(torch.zeros(2, 6, 8, device=elsewhere), spec, resized, (9, 12))
    assert (pixels.device, logits.device) == (elsewhere, elsewhere)
    assert logits.shape == (2, 9, 12)
