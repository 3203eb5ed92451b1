"""What is told about an answer beside its status."""

import numpy as np

from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.ros.node.judgement import judge
from evf_sam_ros.ros.parameters import NodeParameters


def answer(found, readings):
    masks = np.zeros((1, 20, 20), bool)
    masks[0, 2:18, 2:18] = found
    return Segmentation(
        masks=masks,
        scores=np.array([0.9 if found else 0.1], np.float32),
        found=np.array([found]),
        predicted_iou=np.ones(1, np.float32),
        unknown_words=((),),
        logits=np.zeros((1, 5, 5), np.float32),
        times=StageTimes(0, 0, 0, 0),
        readings=readings,
    )


def judged(found, *readings):
    given = answer(found, (readings,)), 0
    return judge("the red bottel", given, None, 0.5, NodeParameters())


def test_a_word_read_as_another_is_told_with_what_was_found():
    judgement = judged(True, Reading("bottel", "bottle"))
    assert judgement.status == SegmentationResult.FOUND
    assert judgement.message == "'bottel' read as 'bottle'"


def test_and_with_what_was_not():
    judgement = judged(False, Reading("bottel", "bottle"), Reading("coloured", ""))
    assert judgement.status == SegmentationResult.NOT_FOUND
    assert judgement.message.startswith("'bottel' read as 'bottle'; 'coloured' left out; nothing")


def test_without_slips_nothing_is_told_of_them():
    assert judged(True).message == ""
