"""Trained and frozen parameters: which they are, and the function that sets `requires_grad`."""

from dataclasses import dataclass

from evf_sam_ros.models.compact import CompactSegmenter
from evf_sam_ros.models.efficient_sam import EfficientSam
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.sam2 import Sam2


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The trained parts besides the encoder and the projector, which are always trained.

    The segmenter's image encoder never does.
    """

    prompt_encoder: bool  # of it, text uses "no mask" alone
    mask_decoder: bool
    scores: bool = False  # the decoder's own opinions of its mask: predicted IoU, presence


# Names below `segmenter.` by the part they belong to.
PROMPT_ENCODER = ("prompt_encoder.no_mask_embed.",)
MASK_DECODER = ("mask_decoder.",)
# SAM-2 computes these once per image, with its image encoder.
IMAGE_SIDE = ("mask_decoder.conv_s0.", "mask_decoder.conv_s1.")
SCORES = ("mask_decoder.iou_prediction_head.", "mask_decoder.pred_obj_score_head.")
COMPACT_DECODER = (
    "tokens", "transformer.", "up_to_quarter.", "up_to_half.", "mask_head.",
)  # fmt: skip
COMPACT_SCORES = ("presence_head.", "iou_head.")
UNUSED = ("encoder.vision_embed.mask_token",)  # of BEIT-3's own pretraining


def published(model: EvfSam) -> Trained:
    """Return what the paper trains: with SAM-2, neither, so that its video abilities stay."""
    frozen = isinstance(model.segmenter, Sam2)
    return Trained(prompt_encoder=not frozen, mask_decoder=not frozen)


def train_only(model: EvfSam, trained: Trained) -> list[str]:
    """Let gradients flow into these parts and no others; return the names that learn.

    A part that a model lacks cannot learn: EfficientSAM's text needs no prompt encoder.
    """
    learned: tuple[str, ...] = ()
    decoder: tuple[str, ...] = MASK_DECODER
    scores = SCORES
    if isinstance(model.segmenter, CompactSegmenter):
        decoder, scores = COMPACT_DECODER, COMPACT_SCORES
    elif trained.prompt_encoder and not isinstance(model.segmenter, EfficientSam):
        learned = PROMPT_ENCODER  # the others give text no dense embedding
    if trained.mask_decoder:
        learned += decoder
    if trained.scores:
        learned += scores
    kept = IMAGE_SIDE if trained.scores else IMAGE_SIDE + scores
    names = []
    for name, parameter in model.named_parameters():
        own = name.removeprefix("segmenter.")
        if own == name:  # the encoder and the projector
            learns = not name.startswith(UNUSED)
        else:
            learns = own.startswith(learned) and not own.startswith(kept)
        parameter.requires_grad_(learns)
        if learns:
            names.append(name)
    return names
