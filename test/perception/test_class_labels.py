"""One mask of class ids: who gets a shared pixel, how sure, and where it is in the next image."""

import cv2
import numpy as np
import pytest

from evf_sam_ros.perception.class_labels import (
    ClassLabels,
    Follower,
    flow_image,
    label_classes,
)
from evf_sam_ros.perception.class_table import SemanticClass
from evf_sam_ros.perception.judgement import DEFAULT_RULES
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.stage_times import StageTimes

FLOOR, CABLE = SemanticClass("floor", 1), SemanticClass("cable", 7)


def answers(masks, scores, rivals=()):
    masks, scores = np.stack(masks), np.array(scores, np.float32)
    unknown = ((),) * len(masks)
    found = scores >= 0.5
    times = StageTimes(0, 0, 0, 0)
    shown = masks & found[:, None, None]
    return Segmentation(shown, scores, found, scores, unknown, masks * 1.0, times, rivals=rivals)


def area(rows, columns, size=(60, 80)):
    mask = np.zeros(size, bool)
    mask[rows, columns] = True
    return mask


def labelled(classes, segmentation):
    return label_classes(classes, [each.name for each in classes], segmentation, DEFAULT_RULES)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_shared_pixel_is_the_smaller_thing_s_in_whatever_order_they_are_asked(order):
    floor, cable = area(np.s_[20:60], np.s_[:]), area(np.s_[40:44], np.s_[10:70])
    masks, scores, classes = [floor, cable], [0.9, 0.6], [FLOOR, CABLE]
    made = labelled(
        [classes[i] for i in order], answers([masks[i] for i in order], [scores[i] for i in order])
    )
    np.testing.assert_array_equal(made.labels == 7, cable)
    np.testing.assert_array_equal(made.labels == 1, floor & ~cable)
    assert made.labels.dtype == made.confidence.dtype == np.uint8
    assert set(made.confidence[cable]) == {153}  # 0.6 of 255
    assert set(made.confidence[made.labels == 0]) == {0}


def test_what_is_not_found_has_no_pixels():
    made = labelled([FLOOR], answers([area(np.s_[20:60], np.s_[:])], [0.3]))
    assert not made.labels.any()
    assert not made.confidence.any()


def test_every_object_that_fits_is_of_the_class():
    one, other = area(np.s_[5:20], np.s_[5:20]), area(np.s_[30:50], np.s_[40:60])
    made = labelled([CABLE], answers([one], [0.9], rivals=((other,),)))
    np.testing.assert_array_equal(made.labels == 7, one | other)


@pytest.fixture(scope="module")
def picture():
    """A scene with something to see everywhere."""
    noise = np.random.default_rng(3).integers(0, 255, (60, 80), np.uint8)
    large = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
    return np.dstack([large] * 3)


def shifted(picture, right, down):
    moved = np.float32([[1, 0, right], [0, 1, down]])
    return cv2.warpAffine(picture, moved, (640, 480), borderMode=cv2.BORDER_REFLECT)


def square(right=0, down=0):
    labels = np.zeros((480, 640), np.uint8)
    labels[100 + down : 300 + down, 200 + right : 400 + right] = 7
    return ClassLabels(labels, labels * 20)


def overlap(found, expected):
    both = np.count_nonzero((found.labels == 7) & (expected.labels == 7))
    return both / np.count_nonzero((found.labels == 7) | (expected.labels == 7))


# Two pixels, one of the images that motion is measured in, around a square of 200 x 200.
ONE_PIXEL_OFF = 0.96


@pytest.mark.parametrize("shift", [(0, 0), (12, 0), (-8, 6)])
def test_labels_move_with_the_picture(picture, shift):
    follow = Follower()
    follow.start(square(), flow_image(picture))
    found = follow(flow_image(shifted(picture, *shift)))
    assert overlap(found, square(*shift)) > ONE_PIXEL_OFF
    assert set(np.unique(found.labels)) <= {0, 7}
    np.testing.assert_array_equal(found.confidence, found.labels * 20)


def test_labels_keep_their_shape_over_many_images(picture):
    follow = Follower()
    follow.start(square(), flow_image(picture))
    for right in range(8, 200, 8):
        found = follow(flow_image(shifted(picture, right, 0)))
    assert overlap(found, square(192)) > ONE_PIXEL_OFF


def test_labels_that_come_late_for_a_marked_image_are_carried_to_the_newest(picture):
    follow = Follower()
    follow.start(square(), flow_image(picture))
    for right in range(8, 104, 8):
        follow(flow_image(shifted(picture, right, 0)))
        if right == 16:
            follow.mark()
    # In one step these 88 pixels, 44 in the small image, would not be found.
    follow.start(square(16), flow_image(shifted(picture, 16, 0)))
    found = follow(flow_image(shifted(picture, 104, 0)))
    assert overlap(found, square(104)) > ONE_PIXEL_OFF


def test_a_picture_too_small_for_motion_keeps_its_labels():
    known = ClassLabels(np.ones((8, 8), np.uint8), np.ones((8, 8), np.uint8))
    grey = np.zeros((8, 8), np.uint8)
    follow = Follower()
    follow.start(known, grey)
    assert follow(grey) is known


def test_pictures_of_two_sizes_and_no_labels_are_refused():
    follow = Follower()
    with pytest.raises(ValueError, match="no labels"):
        follow(np.zeros((32, 32), np.uint8))
    known = ClassLabels(np.ones((32, 32), np.uint8), np.ones((32, 32), np.uint8))
    follow.start(known, np.zeros((32, 32), np.uint8))
    with pytest.raises(ValueError, match="need equal sizes"):
        follow(np.zeros((32, 40), np.uint8))
