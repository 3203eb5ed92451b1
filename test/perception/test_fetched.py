"""Copies from a device are read only when all of them have arrived."""

import numpy as np
import pytest
import torch

from evf_sam_ros.perception.download import Download
from evf_sam_ros.perception.predictor import load_predictor


class Slow(Download):
    """A stand-in for a GPU: copies arrive when they are waited for."""

    def __init__(self):
        super().__init__(torch.device("cuda"))
        self.queued, self.waits = [], 0

    def _queued(self, part):
        copy = torch.zeros_like(part)
        self.queued.append((copy, part))
        return copy

    def _wait(self):
        self.waits += 1
        for copy, part in self.queued:
            copy.copy_(part)


def test_all_copies_are_waited_for_once():
    download, parts = Slow(), [torch.ones(2, 3), None, torch.tensor([True, False])]
    copies = download(*parts)
    assert download.waits == 1
    assert copies[1] is None
    for part, copy in zip(parts, copies, strict=True):
        assert part is None or torch.equal(part, copy)


def test_what_is_in_memory_is_not_copied():
    part = torch.ones(2)
    assert Download(torch.device("cpu"))(part, None) == [part, None]


@pytest.mark.usefixtures("one_thread")
def test_the_predictor_answers_alike_and_waits_once_however_many_images(tiny):
    predict = load_predictor(tiny, device="cpu")
    images = [
        np.random.default_rng(0).integers(0, 256, (30, 40 + 9 * i, 3), np.uint8) for i in (0, 1)
    ]
    prompts = [["the red mug", "left"], ["the red mug"]]
    expected = predict.batch(images, prompts, attention=True)
    predict._download = Slow()
    computed = predict.batch(images, prompts, attention=True)
    assert predict._download.waits == 1
    for own, other in zip(expected, computed, strict=True):
        for name in ("logits", "masks", "proposed", "predicted_iou", "scores", "attention"):
            np.testing.assert_array_equal(getattr(own, name), getattr(other, name))
