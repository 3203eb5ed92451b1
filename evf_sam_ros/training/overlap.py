"""Intersection and union of the predicted and the target masks, summed over a batch.

Shape suffixes: B images, P expressions per image, m n mask size.
"""

from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.training.tabletop_batches import TabletopBatch


def overlap(decoded: Decoded, batch: TabletopBatch) -> dict[str, float]:
    """Count pixels, a mask being empty where the model sees no target, and right rejections."""
    assert decoded.presence is not None
    found_BP = decoded.presence > 0
    mask_BPmn = (decoded.logits > 0) & found_BP[..., None, None]
    target_BPmn = batch.masks_BPmn > 0.5
    right_BP = found_BP == (batch.found_BP > 0.5)
    return {
        "intersection": float((mask_BPmn & target_BPmn).sum()),
        "union": float((mask_BPmn | target_BPmn).sum()),
        "found_right": float(right_BP.float().mean()),
    }
