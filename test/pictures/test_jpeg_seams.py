"""JPEGs that decode without complaint although bits of them are wrong."""

import numpy as np
import pytest

from evf_sam_ros.pictures import jpeg
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.pictures.jpeg_seams import LEAST_STEP, UNITS, seam_of
from evf_sam_ros.sim.scene import render_scene

simplejpeg = pytest.importorskip("simplejpeg")

SIZE = 320, 512  # 16 units of the widest kind
SCENES = 3


def picture(contrast=30, seed=0):
    """Return something with edges and a texture, grey levels 60 to 160."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    shapes = contrast * np.sin(rows / 40 + columns / 60) > 10
    noise = np.random.default_rng(seed).integers(-10, 11, (*SIZE, 3))
    return (100 + 40 * shapes[..., None] + noise).astype(np.uint8)


def brighter_from(pixels, x, y, height, step):
    """Add a step to a row of units from (x, y) on, and to all below it."""
    changed = pixels.astype(int)
    changed[y : y + height, x:] += step
    changed[y + height :] += step
    return np.clip(changed, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sampling", UNITS)
@pytest.mark.parametrize("step", [20, -20, (0, 0, 40)])
def test_the_block_from_which_a_picture_is_too_bright_is_found(sampling, step):
    width, height = UNITS[sampling]
    x, y = 6 * width, 4 * height
    seam = seam_of(brighter_from(picture(), x, y, height, np.array(step)), sampling)
    assert (seam.x, seam.y) == (x, y)
    # The median over 16 units or more, each the mean of 8 x 2 pixels with noise of 6 levels.
    assert seam.step == pytest.approx(step if np.isscalar(step) else max(step), abs=2)


def test_it_is_found_after_compression_as_well():
    pixels = np.ascontiguousarray(brighter_from(picture(), 96, 64, 16, 20))
    content = simplejpeg.encode_jpeg(pixels, quality=85, colorsubsampling="420")
    with pytest.raises(
        DamagedImageError, match=r"block at \(96, 64\) is (19|20|21) levels too bright"
    ):
        jpeg.decode(content)


def test_several_blocks_with_steps_of_their_own_do_not_hide_it():
    pixels = brighter_from(picture(), 128, 64, 16, 20)
    pixels[64:80, 128:160] += 30
    assert seam_of(pixels, "420").step == pytest.approx(20, abs=2)


@pytest.mark.parametrize(
    "area",
    {
        "the lower half": np.s_[160:],
        "a corner on the grid": np.s_[160:, 256:],
        "a bar of one row of blocks": np.s_[160:176],
        "a square of blocks": np.s_[64:96, 64:96],
        "the right half": np.s_[:, 256:],
    }.items(),
    ids=lambda each: each[0],
)
def test_edges_of_the_picture_itself_are_no_damage(area):
    pixels = picture()
    pixels[area[1]] += 40
    assert seam_of(pixels, "420") is None


def test_a_step_off_the_grid_is_the_picture_s_own():
    assert seam_of(brighter_from(picture(), 96, 68, 16, 20), "420") is None


def test_a_step_too_small_to_matter_is_let_pass():
    assert seam_of(brighter_from(picture(0), 96, 64, 16, int(LEAST_STEP) - 2), "420") is None
    assert seam_of(brighter_from(picture(0), 96, 64, 16, int(LEAST_STEP) + 2), "420") is not None


@pytest.mark.parametrize("size", [(8, 8), (31, 400), (400, 200)])
def test_a_picture_of_few_blocks_is_let_pass(size):
    assert seam_of(np.zeros((*size, 3), np.uint8), "420") is None


def test_no_scene_is_taken_for_a_damaged_one():
    for seed in range(20):
        rgb = np.ascontiguousarray(render_scene(seed, width=640, height=480).rgb)
        for sampling in ("420", "422", "444"):
            content = simplejpeg.encode_jpeg(rgb, quality=60 + seed, colorsubsampling=sampling)
            assert jpeg.decode(content).shape == rgb.shape


def test_most_pictures_that_a_wrong_bit_changes_widely_are_refused():
    """More than half: not in the first row, not at a border, not all that is spoilt twice."""
    rng = np.random.default_rng(0)
    refused = []
    for seed in range(SCENES):
        rgb = np.ascontiguousarray(render_scene(seed, width=640, height=480).rgb)
        content = simplejpeg.encode_jpeg(rgb, quality=85, colorsubsampling="420")
        whole = jpeg.decode(content).astype(int)
        for _ in range(60):
            spoilt = bytearray(content)
            spoilt[rng.integers(len(content) // 8, len(content) - 2)] ^= 1 << rng.integers(8)
            try:
                pixels = simplejpeg.decode_jpeg(bytes(spoilt), "RGB", strict=True)
            except ValueError:
                continue
            if np.abs(pixels - whole).mean() > 8:
                refused.append(seam_of(pixels, "420") is not None)
    assert len(refused) > 10
    assert np.mean(refused) > 0.5
