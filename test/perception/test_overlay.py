"""The overlay: its content, and that it fits any picture."""

import numpy as np
import pytest

from evf_sam_ros.perception import overlay
from evf_sam_ros.perception.overlay import COLORS, WARNING, Annotation, draw


def grey(height, width):
    return np.full((height, width, 3), 128, np.uint8)


def square(height, width):
    mask = np.zeros((height, width), bool)
    mask[height // 2 : height * 3 // 4, width // 2 : width * 3 // 4] = True
    return mask


def has_color(picture, color):
    return bool((picture == np.array(color, np.uint8)).all(axis=-1).any())


@pytest.mark.parametrize(("height", "width"), [(240, 320), (480, 640), (1080, 1920), (1920, 1080)])
def test_a_found_object_is_tinted_and_outlined_and_the_rest_of_the_picture_stays(height, width):
    image = grey(height, width)
    picture = draw(image, [Annotation(square(height, width), "the red mug", "FOUND", 0.9)])
    assert picture.shape == image.shape
    assert picture.dtype == np.uint8
    assert (image == 128).all()
    assert has_color(picture, COLORS[0])
    inside = picture[height // 2 + height // 12, width // 2 + width // 12]
    assert inside[1] > 128  # towards green
    assert (picture[-height // 5 :] == 128).all()
    bar = picture[: height // 20]
    assert bar.mean() < 100
    assert bar.max() > 200  # letters on it


def test_nothing_but_the_caption_is_drawn_where_nothing_was_found():
    nowhere = np.zeros((480, 640), bool)
    picture = draw(grey(480, 640), [Annotation(nowhere, "the unicorn", "NOT_FOUND", 0.02)])
    assert (picture[60:] == 128).all()
    answer = picture[:60, 400:].astype(int)
    reddish = (answer[..., 0] - answer[..., 1] > 80).sum()
    assert reddish > 20, f"the answer should be written in {WARNING}"


def test_several_commands_get_a_line_and_a_color_each():
    masks = np.zeros((2, 480, 640), bool)
    masks[0, 300:350, 100:200] = True
    masks[1, 300:350, 300:400] = True
    picture = draw(
        grey(480, 640),
        [Annotation(mask, "a thing", "FOUND", 0.5, detail="z 0.8 m") for mask in masks],
    )
    assert has_color(picture, COLORS[0])
    assert has_color(picture, COLORS[1])


def test_a_long_expression_gives_way_to_the_answer():
    nowhere = np.zeros((240, 320), bool)
    short = draw(grey(240, 320), [Annotation(nowhere, "mug", "NOT_FOUND", 0.25)])
    long = draw(grey(240, 320), [Annotation(nowhere, "very " * 80 + "mug", "NOT_FOUND", 0.25)])
    np.testing.assert_array_equal(short[:, 270:], long[:, 270:])


@pytest.mark.parametrize("expression", ["", "红色的杯子", "la tasse bleuâtre", "a\nb", "%s %d {}"])
def test_any_text_can_be_shown(expression):
    nowhere = np.zeros((240, 320), bool)
    assert draw(grey(240, 320), [Annotation(nowhere, expression, "ERROR")]).shape == (240, 320, 3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 300), (300, 2), (16, 16), (61, 97)])
def test_even_a_tiny_picture_survives(height, width):
    everything = np.ones((height, width), bool)
    items = [Annotation(everything, "the red mug", "FOUND", 1.0, "0 0 0 m")] * 9
    assert draw(grey(height, width), items).shape == (height, width, 3)


def test_many_commands_leave_most_of_the_picture_free():
    nowhere = np.zeros((240, 320), bool)
    picture = draw(grey(240, 320), [Annotation(nowhere, "mug", "NOT_FOUND", 0.1)] * 40)
    assert (picture[120:] == 128).all()


def test_every_part_of_a_mask_has_its_own_cross():
    mask = np.zeros((480, 640), bool)
    mask[200:240, 100:140] = True
    mask[300:340, 400:440] = True
    picture = draw(grey(480, 640), [Annotation(mask, "all the mugs", "FOUND", 0.9)])
    assert picture[220, 120].min() > 200
    assert picture[320, 420].min() > 200
    assert (picture[270, 270] == 128).all()  # the middle of both is nobody's


def test_no_annotations_give_the_picture_back():
    np.testing.assert_array_equal(draw(grey(24, 32), []), grey(24, 32))


def test_a_read_only_picture_with_odd_strides_is_fine():
    image = grey(240, 640)[:, ::-2]
    image.setflags(write=False)
    assert draw(image, [Annotation(np.ones((240, 320), bool), "mug", "FOUND")]).shape[1] == 320


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(24, 32\)"):
        draw(grey(24, 32), [Annotation(np.ones((2, 2), bool), "mug", "FOUND")])


def test_the_caption_goes_where_no_object_is():
    at_the_top = np.zeros((480, 640), bool)
    at_the_top[10:40, 100:500] = True
    picture = draw(grey(480, 640), [Annotation(at_the_top, "the red mug", "FOUND", 0.9)])
    assert (picture[50:400] == 128).all()  # neither caption nor object
    assert picture[-20:].mean() < 100  # the bar is at the bottom
    assert picture[25, 300].min() > 100  # the object is as bright as before


def test_an_object_behind_every_caption_keeps_its_outline():
    everything = np.zeros((480, 640), bool)
    everything[3:477, 5:635] = True
    picture = draw(grey(480, 640), [Annotation(everything, "the table", "FOUND", 0.9)])
    assert (picture[3, 10:630] == np.array(COLORS[0])).all(axis=-1).mean() > 0.9


def test_captions_that_do_not_fit_are_counted():
    nowhere = np.zeros((240, 320), bool)
    items = [Annotation(nowhere, "mug", "NOT_FOUND", 0.1)] * 40
    ten, forty = draw(grey(240, 320), items[:10]), draw(grey(240, 320), items)
    assert (ten != forty).any()  # "N more"


def test_a_masked_pixel_is_mixed_with_the_colour_and_rounded():
    """0.82 of what was there and 0.18 of (64, 224, 108), for each of the 256 values."""
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = np.repeat(levels[..., None], 3, 2)
    mask = np.ones((16, 16), bool)
    mask[0, 0] = False
    before = picture.copy()
    overlay._tint(picture, mask, overlay.COLORS[0])
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[15, 15].tolist() == [221, 249, 229]  # 220.62, 249.42 and 228.54
    mixed = np.round((1 - 0.18) * before[mask] + 0.18 * np.array(overlay.COLORS[0]))
    assert np.array_equal(picture[mask], mixed)
