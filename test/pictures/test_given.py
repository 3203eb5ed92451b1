"""Pictures as a caller has them: arrays, files and PIL images."""

import numpy as np
import PIL.Image
import pytest

from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.pictures.given import as_rgb

COLOURS = np.array([[[200, 10, 30], [0, 90, 255]], [[1, 2, 3], [250, 251, 252]]], np.uint8)


@pytest.mark.parametrize("kind", [str, lambda path: path, PIL.Image.open])
def test_a_file_and_a_pil_image_are_the_same_pixels(tmp_path, kind):
    PIL.Image.fromarray(COLOURS).save(tmp_path / "photo.png")
    np.testing.assert_array_equal(as_rgb(kind(tmp_path / "photo.png")), COLOURS)


@pytest.mark.parametrize("kind", [str, PIL.Image.open])
def test_a_photograph_is_turned_as_its_camera_says(tmp_path, kind):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.new("RGB", (80, 60)).save(tmp_path / "photo.jpg", exif=exif)
    assert as_rgb(kind(tmp_path / "photo.jpg")).shape == (80, 60, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_grey_and_transparent_pil_images_become_rgb(mode):
    picture = PIL.Image.new("L", (3, 2), 255).convert(mode)
    np.testing.assert_array_equal(as_rgb(picture), np.full((2, 3, 3), 255, np.uint8))


def test_sixteen_bits_are_scaled_to_eight():
    picture = PIL.Image.fromarray(np.array([[0, 65535]], np.uint16))
    np.testing.assert_array_equal(as_rgb(picture), [[[0, 0, 0], [255, 255, 255]]])


def test_what_is_no_picture_is_named():
    with pytest.raises(ValueError, match="the image is a dict, need an array"):
        as_rgb({})
    with pytest.raises(ValueError, match="mode 'F'"):
        as_rgb(PIL.Image.new("F", (3, 2)))


def test_a_pil_image_that_breaks_off_is_a_value_error(tmp_path):
    PIL.Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-40])
    with pytest.raises(ValueError, match="cannot be read: "):
        as_rgb(PIL.Image.open(tmp_path / "b.jpg"))


def test_the_predictor_takes_them_all(tiny, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(pixels).save(path)
    predict = load_predictor(tiny)
    expected = predict(pixels, ["mug"]).masks
    for given in (path, str(path), PIL.Image.fromarray(pixels)):
        np.testing.assert_array_equal(predict(given, ["mug"]).masks, expected)
