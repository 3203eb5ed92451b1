"""`mode: track`: the node follows what it found through a simulated film."""

import numpy as np
import pytest
from robot import Shot, mask_array, overlap

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.conversions import image_from_rgb
from evf_sam_ros.sim.occlusion_clip import occlusion_clip

VISIBLE = 200  # pixels of the target; fewer nobody need find


@pytest.fixture(scope="module")
def film():
    clip = occlusion_clip(900005, 10)
    return clip.expression, list(clip.frames)


@pytest.fixture
def camera(node):
    """Return what shows an image and waits for the answer to it."""
    assert node.set(mode="track", use_depth=False) == ""
    # A command begins with the newest image that is fresh: not with one of the test before.
    node.let_images_grow_old()

    def look(text, rgb):
        return node.look(text, lambda: Shot(image_from_rgb(rgb, node.header())))

    return look


def test_what_is_found_is_followed_and_said_to_be_lost_while_it_is_hidden(node, film, camera):
    expression, frames = film
    node.say(expression)
    hidden = 0
    for frame in frames:
        node.forget()
        result = camera(expression, frame.rgb)
        if np.count_nonzero(frame.target) == 0:
            hidden += 1
            assert result.status == R.NOT_FOUND
            assert result.message.startswith("lost")
        elif np.count_nonzero(frame.target) > VISIBLE:
            assert result.status == R.FOUND
            mask = mask_array(node.with_stamp("mask", result.header.stamp))
            assert overlap(mask, frame.target) > 0.5
    assert 0 < hidden < len(frames) // 2


def test_what_appears_elsewhere_at_once_is_not_taken_for_it(node, film, camera):
    expression, frames = film
    mirrored = np.ascontiguousarray(frames[0].rgb[:, ::-1])
    node.say(expression)
    assert camera(expression, frames[0].rgb).status == R.FOUND
    node.forget()
    first = camera(expression, mirrored)
    assert first.status == R.NOT_FOUND
    assert first.message.startswith("lost")
    asked = node.segment(expression, image_from_rgb(mirrored, node.header()))
    assert asked.result.status == R.FOUND  # a question about one image is none of the stream's
    assert node.set(mode="stream") == ""
    node.forget()
    assert camera(expression, mirrored).status == R.FOUND


def test_the_same_words_said_again_begin_anew(node, film, camera):
    expression, frames = film
    mirrored = np.ascontiguousarray(frames[0].rgb[:, ::-1])
    node.say(expression)
    first = camera(expression, frames[0].rgb)
    assert first.status == R.FOUND
    node.forget()
    # The words are meant for the newest image: it must be there when they come.
    assert camera(expression, mirrored).status == R.NOT_FOUND
    node.say(expression)
    for _ in range(20):  # the first answers may be the earlier command's
        node.forget()
        result = camera(expression, mirrored)
        if result.command_id > first.command_id:
            break
    assert result.status == R.FOUND
