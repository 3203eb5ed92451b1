"""SAM-2 (Ravi et al. 2024) as a segmenter of images; `sam2_video` follows them.

Shape suffixes: B images, P prompts per image, N = B * P, C prompt width, T tokens per prompt,
H W image size, h w features, M mask tokens.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from evf_sam_ros.models.hiera import HieraConfig, ImageEncoder
from evf_sam_ros.models.mask_decoder import MaskDecoderConfig, grid_positions
from evf_sam_ros.models.sam import prompt_encoder
from evf_sam_ros.models.sam2_decoder import Candidates, MaskDecoder, Sam2Features
from evf_sam_ros.models.sam2_memory import Memory, MemoryConfig
from evf_sam_ros.models.segmenter import Decoded, Segmenter

_STRIDE = 16  # pixels per cell of the grid
_COARSEST = 32  # pixels per cell of the last stage

# Which of a prompt's four masks answers:
#   best    of masks 1 to 3 the one with the highest predicted IoU
#   stable  mask 0, unless its outline depends much on the threshold; then as `best`
MaskChoice = Literal["best", "stable"]
_STABILITY_MARGIN, _STABLE = 0.05, 0.98  # logit; intersection over union


@dataclass(frozen=True, kw_only=True)
class Sam2Config:
    """Sizes of a SAM-2; the defaults are those all released ones share."""

    hiera: HieraConfig
    image_side: int = 1024  # pixels
    prompt_width: int = 256
    mask_channels: int = 16  # of the mask prompts, which text does not use
    masks: MaskChoice = "best"
    decoder: MaskDecoderConfig = field(default_factory=MaskDecoderConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)

    def __post_init__(self) -> None:
        if self.masks not in get_args(MaskChoice):
            raise ValueError(f"masks is {self.masks!r}, need one of {get_args(MaskChoice)}")
        if self.image_side % _COARSEST:
            raise ValueError(f"image_side {self.image_side} is not a multiple of {_COARSEST}")


class Sam2(Segmenter):
    """Segment Anything 2, prompted by one token of text, on single images."""

    def __init__(self, config: Sam2Config) -> None:
        super().__init__()
        self.prompt_width = config.prompt_width
        self.image_side = config.image_side
        self.masks = config.masks
        self.image_encoder = ImageEncoder(config.hiera, config.prompt_width)
        self.prompt_encoder: Any = prompt_encoder(
            config.prompt_width, config.image_side, _STRIDE, config.mask_channels
        )
        self.mask_decoder = MaskDecoder(config.prompt_width, config.decoder)
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, config.prompt_width))
        self.memory = Memory(config.memory, config.prompt_width)

    def encode(self, images_B3HW: Tensor) -> Sam2Features:
        """Return the features of images that nothing is remembered about."""
        seen = self.see(images_B3HW)
        return Sam2Features(self.unremembered(seen), seen.eighth_BChw, seen.quarter_BChw)

    def unremembered(self, seen: Sam2Features) -> Tensor:
        """Return the grid of an image that nothing is remembered about, (B, C, h, w)."""
        return seen.grid_BChw + self.no_mem_embed[0, 0, :, None, None]

    def see(self, images_B3HW: Tensor) -> Sam2Features:
        """Return the features of images before any memory is added."""
        self.check(images_B3HW)
        return self.seen(self.image_encoder(images_B3HW))

    def check(self, images_B3HW: Tensor) -> None:
        """Raise ValueError for images of another size."""
        if images_B3HW.shape[-2:] != (self.image_side, self.image_side):
            raise ValueError(
                f"the image is {tuple(images_B3HW.shape[-2:])}, "
                f"this encoder takes {(self.image_side, self.image_side)}"
            )

    def seen(self, levels: list[Tensor]) -> Sam2Features:
        """Return what the image encoder's levels, the finest first, are to the decoder."""
        quarter, eighth, grid = levels
        return Sam2Features(
            grid, self.mask_decoder.conv_s1(eighth), self.mask_decoder.conv_s0(quarter)
        )

    def decode(self, features: Sam2Features, prompts_BPC: Tensor) -> Decoded:
        """Return the chosen mask of every prompt; `presence` is SAM-2's object score."""
        candidates = self.candidates(features, prompts_BPC)
        chosen_N = self.chosen(candidates)
        rows_N = torch.arange(len(chosen_N), device=chosen_N.device)
        size = prompts_BPC.shape[:2]
        return Decoded(
            logits=candidates.logits_NMhw[rows_N, chosen_N].unflatten(0, size),
            predicted_iou=candidates.iou_NM[rows_N, chosen_N].unflatten(0, size),
            presence=candidates.presence_N.unflatten(0, size),
        )

    def candidates(self, features: Sam2Features, prompts_BPC: Tensor) -> Candidates:
        """Return all masks of all prompts, N in the order of images, then prompts."""
        prompts = prompts_BPC.shape[1]
        repeated = Sam2Features(
            *(part.repeat_interleave(prompts, 0) for part in vars(features).values())
        )
        return self.decoded(repeated, prompts_BPC.flatten(0, 1)[:, None])

    def decoded(self, features: Sam2Features, prompts_NTC: Tensor) -> Candidates:
        """Return all masks of prompts of T tokens each; `features` have one row per prompt."""
        frequencies_2F = self.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        positions_Chw = grid_positions(frequencies_2F, *features.grid_BChw.shape[2:])
        dense_1C11 = self.prompt_encoder.no_mask_embed.weight[..., None, None]
        return self.mask_decoder(features, positions_Chw, dense_1C11, prompts_NTC)

    def chosen(self, candidates: Candidates) -> Tensor:
        """Return which mask answers each prompt, (N,)."""
        best_N = candidates.best()
        if self.masks == "best":
            return best_N
        first_N = torch.zeros_like(best_N)
        if self.training:
            return first_N
        return torch.where(stability(candidates.logits_NMhw[:, 0]) >= _STABLE, first_N, best_N)


def stability(logits_Nhw: Tensor) -> Tensor:
    """Return the IoU of each mask at a stricter and at a laxer threshold, (N,)."""
    strict_N, lax_N = (
        (logits_Nhw > threshold).flatten(1).sum(1)
        for threshold in (_STABILITY_MARGIN, -_STABILITY_MARGIN)
    )
    return torch.where(lax_N > 0, strict_N / lax_N.clamp(min=1), 1.0)
