"""Resizing and normalising: values one can check by hand (the rest is in the golden data)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from evf_sam_ros.models.image_input import ImageInput, beit3_input, efficient_sam_input, sam_input
from evf_sam_ros.perception.preprocess import fitted_size, resized, restore, segmenter_input

PLAIN = ImageInput(size=(4, 8), resize="stretch", mean=(0.0,) * 3, std=(1.0,) * 3)
COLOUR = (200, 100, 50)


def picture(height, width):
    return np.full((height, width, 3), COLOUR, np.uint8)


@pytest.mark.parametrize("resize", ["pad", "stretch", "sample", "bicubic", "twice"])
def test_a_uniform_picture_stays_uniform_in_rgb_order(resize):
    image, (height, width) = segmenter_input(picture(30, 40), replace(PLAIN, resize=resize))
    assert image.shape == (3, 4, 8)
    assert image.dtype == torch.float32
    for channel, level in zip(image, COLOUR, strict=True):
        torch.testing.assert_close(
            channel[:height, :width], torch.full((height, width), float(level))
        )


def test_normalising_subtracts_the_mean_and_divides_by_the_deviation():
    spec = replace(PLAIN, mean=(100.0, 100.0, 0.0), std=(50.0, 1.0, 100.0))
    assert segmenter_input(picture(4, 8), spec)[0][:, 0, 0].tolist() == [2.0, 0.0, 0.5]


def test_released_inputs_are_normalised_as_published():
    black = np.zeros((8, 8, 3), np.uint8)
    assert segmenter_input(black, beit3_input())[0].unique().tolist() == [-1.0]
    image, _ = segmenter_input(black, efficient_sam_input(64))
    torch.testing.assert_close(
        image[:, 0, 0], torch.tensor([-2.1179, -2.0357, -1.8044]), atol=1e-4, rtol=0
    )


def test_padding_is_zero_and_lies_below_and_to_the_right():
    wide, size = segmenter_input(picture(10, 20), sam_input(16))
    assert size == (8, 16)
    assert wide[:, 8:].abs().max() == 0
    assert wide[:, :8].abs().min() > 0
    tall, size = segmenter_input(picture(20, 10), sam_input(16))
    assert size == (16, 8)
    assert tall[:, :, 8:].abs().max() == 0


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((480, 640), (768, 1024)),
        ((320, 480), (683, 1024)),  # 682.67
        ((427, 300), (1024, 719)),
        ((1, 5000), (1, 1024)),
        ((7, 7), (1024, 1024)),
    ],
)
def test_the_longest_side_fits_and_no_side_vanishes(size, fitted):
    assert fitted_size(size, (1024, 1024)) == fitted


def test_shrinking_averages_where_antialiased_and_samples_where_not():
    stripes = np.zeros((8, 64, 3), np.uint8)
    stripes[:, ::4] = 240  # a quarter of the columns
    stretched = resized(stripes, PLAIN)
    assert (stretched.float() - 60).abs().max() < 10
    sampled = resized(stripes, replace(PLAIN, resize="sample"))
    assert sampled.unique().tolist() == [120]  # between columns 3 and 4 of every 8


def test_resizing_twice_is_the_longest_side_by_pil_then_a_stretch_in_float():
    photograph = np.random.default_rng(3).integers(0, 255, (20, 40, 3), np.uint8)
    spec = replace(PLAIN, size=(16, 16), resize="twice", mean=(100.0,) * 3, std=(50.0,) * 3)
    image, size = segmenter_input(photograph, spec)
    assert size == (16, 16)  # nothing is padding
    scaled = Image.fromarray(photograph).resize((16, 8), Image.Resampling.BILINEAR)
    rows = (np.asarray(scaled, np.float32).transpose(2, 0, 1) - 100) / 50
    # Twice as many rows: each lies a quarter of a cell from the nearest old one.
    expected = 0.75 * rows[:, 4] + 0.25 * rows[:, 3]
    np.testing.assert_allclose(image[:, 8].numpy(), expected, atol=1e-5)


def test_the_ways_to_resize_differ_only_where_they_should():
    spec = replace(PLAIN, size=(16, 16))
    small, large = (
        np.random.default_rng(4).integers(0, 255, (*size, 3), np.uint8)
        for size in ((8, 12), (40, 60))
    )
    ways = {
        (name, photograph is large): segmenter_input(photograph, replace(spec, resize=name))[0]
        for name in ("sample", "stretch", "twice")
        for photograph in (small, large)
    }
    # Enlarging needs no antialiasing; the two differ by rounding alone.
    assert (ways["sample", False] - ways["stretch", False]).abs().max() <= 1
    assert (ways["sample", True] - ways["stretch", True]).abs().mean() > 5
    assert (ways["twice", True] - ways["stretch", True]).abs().mean() > 1


def test_bicubic_overshoots_and_is_not_clamped():
    edge = np.zeros((4, 4, 3), np.uint8)
    edge[:, 2:] = 255
    enlarged = resized(edge, replace(PLAIN, size=(16, 16), resize="bicubic"))
    assert enlarged.dtype == torch.float32
    assert enlarged.min() < -1
    assert enlarged.max() > 256


@pytest.mark.parametrize("resize", ["pad", "stretch", "sample", "bicubic", "twice"])
@pytest.mark.parametrize("original", [(30, 60), (60, 30), (31, 47)])
def test_a_place_in_the_logits_comes_back_to_its_place_in_the_photograph(resize, original):
    spec = ImageInput(size=(64, 64), resize=resize, mean=(0.0,) * 3, std=(1.0,) * 3)
    photograph = np.zeros((*original, 3), np.uint8)
    top, left = original[0] // 3, original[1] // 3
    photograph[top:, left:] = 255
    image, size = segmenter_input(photograph, spec)
    logits = restore(image[:1] - 127.5, spec, size, original)
    assert logits.shape == (1, *original)
    assert logits.dtype == torch.float32
    found = (logits[0] > 0).numpy()
    assert np.count_nonzero(found != (photograph[..., 0] > 0)) <= sum(original)


def test_half_precision_logits_are_restored_in_float32():
    logits = torch.zeros(2, 4, 8, dtype=torch.bfloat16)
    assert restore(logits, PLAIN, (4, 8), (9, 9)).dtype == torch.float32


def test_views_and_read_only_pictures_are_taken():
    backwards = picture(6, 9)[:, ::-1]
    backwards.flags.writeable = False
    for resize in ("pad", "stretch", "sample", "bicubic", "twice"):
        segmenter_input(backwards, replace(PLAIN, resize=resize))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_anything_but_rgb_bytes_is_refused(image):
    with pytest.raises(ValueError, match=r"need \(H, W, 3\) uint8"):
        segmenter_input(image, PLAIN)


@pytest.mark.parametrize(
    "wrong", [{"resize": "nearest"}, {"size": (0, 5)}, {"std": (1.0, 0.0, 1.0)}]
)
def test_an_impossible_specification_is_refused(wrong):
    with pytest.raises(ValueError, match="need"):
        replace(PLAIN, **wrong)
