"""Masks are made one prompt after the other, and are those of all at once."""

from functools import partial

import pytest
import torch

from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.perception.preprocess import masks_of, restore

SPEC = ImageInput(size=(64, 64), mean=(0.0,) * 3, std=(1.0,) * 3, resize="pad")


@pytest.mark.parametrize("prompts", [1, 5])
def test_the_masks_are_those_of_all_logits_restored_at_once(prompts):
    logits = torch.randn(prompts, 16, 16, generator=torch.Generator().manual_seed(0))
    bring = partial(restore, spec=SPEC, resized_size=(48, 64), original=(90, 120))
    masks = masks_of(logits, bring)
    assert masks.dtype == torch.bool
    assert torch.equal(masks, bring(logits) > 0)


def test_no_more_than_one_prompt_is_restored_at_a_time():
    asked = []

    def bring(logits):
        asked.append(len(logits))
        return logits.repeat_interleave(4, 1).repeat_interleave(4, 2)

    logits = torch.tensor([[[1.0]], [[-1.0]], [[2.0]]])
    assert masks_of(logits, bring).all((1, 2)).tolist() == [True, False, True]
    assert asked == [1, 1, 1]
