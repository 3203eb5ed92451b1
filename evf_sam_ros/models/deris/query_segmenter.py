"""From a picture and what BEIT-3 read to one mask per prompt, and one per object.

Shape suffixes: B images, P prompts per image, N = B * P, Q queries, h w mask size, H W image
size (4 h, 4 w).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.deris.decoder import QueryDecoder, Step
from evf_sam_ros.models.deris.deris_config import DerisConfig
from evf_sam_ros.models.deris.existence import Existence
from evf_sam_ros.models.deris.pixels import PictureEncoder, PictureFeatures, Pixels
from evf_sam_ros.models.deris.prompts import DerisPrompts
from evf_sam_ros.models.deris.swin import Swin
from evf_sam_ros.models.segmenter import Decoded, Instances

_UPSCALING = 4


@dataclass(frozen=True)
class DerisAnswer:
    """Everything that the model says to N sentences."""

    steps: list[Step]
    masks_NQHW: Tensor  # logits of the last step, at the image's size
    scores_NQ: Tensor  # 0..1, whether the sentence means what the query found
    existence_N: Tensor  # logit that there is a target; the published answer ignores it


class DerisSegmenter(nn.Module):
    """Queries that find objects in a picture and compare them with the words."""

    def __init__(self, config: DerisConfig) -> None:
        super().__init__()
        self.config = config
        self.prompt_width = config.width
        swin = Swin(config.swin)
        pixels = Pixels(config.swin.widths, config.width, config.pixel_decoder)
        self.picture = PictureEncoder(swin, pixels)
        self.decoder = QueryDecoder(config.width, config.queries)
        self.existence = Existence(config.width, config.existence)

    def encode(self, images_B3HW: Tensor) -> PictureFeatures:
        """Return what the queries read of a picture; all its prompts share it.

        Raises:
            ValueError: an image of another size.
        """
        side = self.config.image_side
        if tuple(images_B3HW.shape[-2:]) != (side, side):
            raise ValueError(
                f"the image is {tuple(images_B3HW.shape[-2:])}, this model takes {side} x {side}"
            )
        features: PictureFeatures = self.picture(images_B3HW)
        return features

    def decode(self, features: PictureFeatures, prompts: DerisPrompts) -> Decoded:
        """Return one mask per prompt: of all objects that it means, or of the likeliest if none.

        The presence is above 0 where the published models answer that there is a target.
        """
        answer = self.answer(features, prompts)
        shape = prompts.padding_BPL.shape[:2]
        logits_NHW = _union(answer, self.config.score_threshold)
        return Decoded(
            logits=logits_NHW.unflatten(0, shape),
            predicted_iou=answer.scores_NQ.amax(1).unflatten(0, shape),
            presence=self._presence(answer).unflatten(0, shape),
            existence=answer.existence_N.float().unflatten(0, shape),
            instances=Instances(
                logits=answer.masks_NQHW.unflatten(0, shape),
                scores=answer.scores_NQ.unflatten(0, shape),
                is_selected=selected(answer.scores_NQ, self.config.score_threshold).unflatten(
                    0, shape
                ),
            ),
        )

    def answer(self, features: PictureFeatures, prompts: DerisPrompts) -> DerisAnswer:
        """Return what the queries say at every step, and what follows from it."""
        steps = self.decoder(features.repeated(prompts.padding_BPL.shape[1]), prompts)
        last = steps[-1]
        words = prompts.words_BPLC.flatten(0, 1), prompts.padding_BPL.flatten(0, 1)
        return DerisAnswer(
            steps=steps,
            masks_NQHW=functional.interpolate(
                last.masks_NQhw.float(), scale_factor=_UPSCALING, mode="bilinear",
                align_corners=True,
            ),
            scores_NQ=last.scores_NQ2.float().softmax(-1)[..., 0],
            existence_N=self.existence(last.queries_NQC, *words),
        )  # fmt: skip

    def _presence(self, answer: DerisAnswer) -> Tensor:
        """Return by how much the best score exceeds the threshold, both as logits, (N,)."""
        referred_NQ, other_NQ = answer.steps[-1].scores_NQ2.float().unbind(-1)
        threshold = torch.tensor(self.config.score_threshold, device=referred_NQ.device)
        return (referred_NQ - other_NQ).amax(1) - threshold.logit()


def selected(scores_NQ: Tensor, threshold: float) -> Tensor:
    """Return which queries belong to the answer, (N, Q) bool."""
    return scores_NQ > threshold


def _union(answer: DerisAnswer, threshold: float) -> Tensor:
    """Return the logits of the selected masks together, (N, H, W); of none, the best query's."""
    chosen_NQ = selected(answer.scores_NQ, threshold)
    best_NQ = functional.one_hot(answer.scores_NQ.argmax(1), chosen_NQ.shape[1]).bool()
    chosen_NQ = torch.where(chosen_NQ.any(1, keepdim=True), chosen_NQ, best_NQ)
    return answer.masks_NQHW.masked_fill(~chosen_NQ[..., None, None], -torch.inf).amax(1)
