"""The two steps of every segmenter with less work than in `models`, from the same weights.

Shape suffixes: B images, P prompts per image, N = B * P, C prompt width, Q tokens of a prompt,
h w image features, K cells (h * w), M mask channels, D encoder width, T tokens.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from evf_sam_ros.engines.decoding import repeated, two_way
from evf_sam_ros.engines.sam_encoder import LeanSamEncoder, SamAttention
from evf_sam_ros.models.compact import CompactFeatures, CompactSegmenter
from evf_sam_ros.models.efficient_sam import EfficientSam
from evf_sam_ros.models.mask_decoder import MASK_TOKENS, grid_positions
from evf_sam_ros.models.sam import Sam
from evf_sam_ros.models.sam2 import Sam2
from evf_sam_ros.models.sam2_decoder import Candidates, Sam2Features
from evf_sam_ros.models.segmenter import Decoded, Segmenter


def lean_segmenter(segmenter: Segmenter, sam_attention: SamAttention) -> Segmenter:
    """Return a segmenter that gives the same answers with less work."""
    match segmenter:
        case Sam():
            return LeanSam(segmenter, sam_attention)
        case EfficientSam():
            return LeanEfficientSam(segmenter)
        case Sam2():
            return LeanSam2(segmenter)
        case CompactSegmenter():
            return LeanCompact(segmenter)
    return segmenter


class LeanSam(Segmenter):
    """SAM: its encoder with less work, one mask of four, and what prompts share once."""

    positions_1KC: Tensor  # of the image's cells

    def __init__(self, sam: Sam, attention: SamAttention) -> None:
        super().__init__()
        self.sam = sam
        self.prompt_width = sam.prompt_width
        encoder = sam.image_encoder
        self.image_encoder = (
            encoder if attention == "written" else LeanSamEncoder(encoder, attention)
        )
        frequencies_2F = sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        side = sam.prompt_encoder.image_embedding_size[0]
        self.register_buffer(
            "positions_1KC", _rows(grid_positions(frequencies_2F, side, side)), False
        )

    def encode(self, images_B3HW: Tensor) -> Tensor:
        self.sam.check(images_B3HW)
        return self.image_encoder(images_B3HW)

    def decode(self, features_BChw: Tensor, prompts_BPC: Tensor) -> Decoded:
        decoder: Any = self.sam.mask_decoder
        dense_1C11 = self.sam.prompt_encoder.no_mask_embed.weight[..., None, None]
        own = [decoder.iou_token.weight, decoder.mask_tokens.weight]
        image_BChw = features_BChw + dense_1C11
        tokens_NQC, grid_NChw = _two_way(
            decoder.transformer, own, image_BChw, self.positions_1KC, prompts_BPC
        )
        pixels_NMhw = decoder.output_upscaling(grid_NChw)
        weights_NM = decoder.output_hypernetworks_mlps[0](tokens_NQC[:, 1])
        iou_N = decoder.iou_prediction_head(tokens_NQC[:, 0])[:, 0]
        return _decoded(torch.einsum("nm,nmhw->nhw", weights_NM, pixels_NMhw), iou_N, prompts_BPC)


class LeanEfficientSam(Segmenter):
    """EfficientSAM: position tables made once, one mask of four, what prompts share once."""

    positions_1KC: Tensor  # of the image's cells, for the decoder
    places_1TD: Tensor  # of the image's patches, for the encoder

    def __init__(self, segmenter: EfficientSam) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.prompt_width = segmenter.prompt_width
        encoder: Any = segmenter.image_encoder
        self.side: int = encoder.image_side // encoder.patch_embed["proj"].stride[0]
        self.register_buffer("places_1TD", encoder.positions(self.side).detach(), False)
        positions_Chw = segmenter.prompt_encoder.positions(self.side, self.side)
        self.register_buffer("positions_1KC", _rows(positions_Chw), False)

    def encode(self, images_B3HW: Tensor) -> Tensor:
        encoder: Any = self.segmenter.image_encoder
        encoder.check(images_B3HW)
        tokens_BTD = encoder.patch_embed["proj"](images_B3HW).flatten(2).transpose(1, 2)
        tokens_BTD = tokens_BTD + self.places_1TD.to(tokens_BTD.dtype)
        for block in encoder.blocks:
            tokens_BTD = block(tokens_BTD)
        return encoder.neck(tokens_BTD.transpose(1, 2).unflatten(2, (self.side, self.side)))

    def decode(self, features_BChw: Tensor, prompts_BPC: Tensor) -> Decoded:
        decoder: Any = self.segmenter.mask_decoder
        own = [decoder.iou_token.weight, decoder.mask_tokens.weight]
        tokens_NQC, pixels_NMhw = _two_way(
            decoder.transformer, own, features_BChw, self.positions_1KC, prompts_BPC
        )
        for layer in decoder.final_output_upscaling_layers:
            pixels_NMhw = layer(pixels_NMhw)
        weights_NM = decoder.output_hypernetworks_mlps[0](tokens_NQC[:, 1])
        iou_N = decoder.iou_prediction_head(tokens_NQC[:, 0])[:, 0]
        return _decoded(torch.einsum("nm,nmhw->nhw", weights_NM, pixels_NMhw), iou_N, prompts_BPC)


class LeanSam2(Segmenter):
    """SAM-2: position tables made once, what prompts share once."""

    positions_1KC: Tensor  # of the image's cells, for the decoder
    places_1hwD: Tensor  # of the trunk's first grid

    def __init__(self, sam: Sam2) -> None:
        super().__init__()
        self.sam = sam
        self.prompt_width = sam.prompt_width
        frequencies_2F = sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        side = sam.prompt_encoder.image_embedding_size[0]
        self.register_buffer(
            "positions_1KC", _rows(grid_positions(frequencies_2F, side, side)), False
        )

        trunk: Any = sam.image_encoder.trunk
        stride = trunk.patch_embed["proj"].stride[0]
        grid = sam.image_side // stride
        self.register_buffer("places_1hwD", trunk.positions(grid, grid).detach(), False)

    def encode(self, images_B3HW: Tensor) -> Sam2Features:
        self.sam.check(images_B3HW)
        encoder: Any = self.sam.image_encoder
        grid_BhwD = encoder.trunk.patches(images_B3HW)
        grid_BhwD = grid_BhwD + self.places_1hwD.to(grid_BhwD.dtype)
        seen = self.sam.seen(encoder.neck(encoder.trunk.stages(grid_BhwD))[:-1])
        return Sam2Features(self.sam.unremembered(seen), seen.eighth_BChw, seen.quarter_BChw)

    def decode(self, features: Sam2Features, prompts_BPC: Tensor) -> Decoded:
        decoder: Any = self.sam.mask_decoder
        dense_1C11 = self.sam.prompt_encoder.no_mask_embed.weight[..., None, None]
        own = (decoder.obj_score_token, decoder.iou_token, decoder.mask_tokens)
        tokens_NQC, grid_NChw = _two_way(
            decoder.transformer, [token.weight for token in own],
            features.grid_BChw + dense_1C11, self.positions_1KC, prompts_BPC,
        )  # fmt: skip
        candidates = self._candidates(decoder, features, tokens_NQC, grid_NChw)
        chosen_N1 = self.sam.chosen(candidates)[:, None]
        logits_NMhw = candidates.logits_NMhw
        places = chosen_N1[..., None, None].expand(-1, -1, *logits_NMhw.shape[2:])
        return _decoded(
            logits_NMhw.gather(1, places)[:, 0],
            candidates.iou_NM.gather(1, chosen_N1)[:, 0],
            prompts_BPC,
            candidates.presence_N,
        )

    def _candidates(
        self, decoder: Any, features: Sam2Features, tokens_NQC: Tensor, grid_NChw: Tensor
    ) -> Candidates:
        to_eighth, norm, activation, to_quarter, _ = decoder.output_upscaling
        rows = grid_NChw.shape[0]
        eighth_NChw = to_eighth(grid_NChw) + repeated(features.eighth_BChw, rows)
        finer = to_quarter(activation(norm(eighth_NChw)))
        pixels = functional.gelu(finer + repeated(features.quarter_BChw, rows))
        masks_NMC = tokens_NQC[:, 2 : 2 + MASK_TOKENS]
        heads = zip(decoder.output_hypernetworks_mlps, masks_NMC.unbind(1), strict=True)
        weights_NMF = torch.stack([mlp(token_NC) for mlp, token_NC in heads], 1)
        return Candidates(
            logits_NMhw=torch.einsum("nmf,nfhw->nmhw", weights_NMF, pixels),
            iou_NM=decoder.iou_prediction_head(tokens_NQC[:, 1]).sigmoid(),
            presence_N=decoder.pred_obj_score_head(tokens_NQC[:, 0])[:, 0],
            tokens_NMC=masks_NMC,
        )


class LeanCompact(Segmenter):
    """The default model's segmenter: what prompts share once."""

    def __init__(self, segmenter: CompactSegmenter) -> None:
        super().__init__()
        self.segmenter: Any = segmenter
        self.prompt_width = segmenter.prompt_width

    def encode(self, images_B3HW: Tensor) -> CompactFeatures:
        return self.segmenter.encode(images_B3HW)

    def decode(self, features: CompactFeatures, prompts_BPC: Tensor) -> Decoded:
        own = self.segmenter
        tokens_NQC, grid_NChw = _two_way(
            own.transformer, [own.tokens], features.grid_BChw, _rows(own.position[0]), prompts_BPC
        )
        rows = grid_NChw.shape[0]
        quarter = own.up_to_quarter(grid_NChw) + repeated(features.quarter_BMHW, rows)
        half = own.up_to_half(functional.gelu(quarter)) + repeated(features.half_BMHW, rows)
        weights_NM = own.mask_head(tokens_NQC[:, 2])
        return _decoded(
            torch.einsum("nm,nmhw->nhw", weights_NM, functional.gelu(half)),
            own.iou_head(tokens_NQC[:, 1])[:, 0].sigmoid(),
            prompts_BPC,
            own.presence_head(tokens_NQC[:, 0])[:, 0],
        )


def _two_way(
    transformer: Any,
    own: list[Tensor],
    grid_BChw: Tensor,
    positions_1KC: Tensor,
    prompts_BPC: Tensor,
) -> tuple[Tensor, Tensor]:
    """Run a decoder's transformer on its own tokens and the prompt behind them.

    Returns:
        The tokens (N, Q, C), and what each prompt made of its image (N, C, h, w).
    """
    own_QC = torch.cat(own)
    prompts_N1C = prompts_BPC.flatten(0, 1)[:, None]
    own_NQC = own_QC.to(prompts_N1C.dtype).expand(prompts_N1C.shape[0], -1, -1)
    tokens_NQC, cells_NKC = two_way(
        transformer,
        grid_BChw.flatten(2).transpose(1, 2),
        positions_1KC.to(grid_BChw.dtype),
        torch.cat([own_NQC, prompts_N1C], 1),
    )
    return tokens_NQC, cells_NKC.transpose(1, 2).unflatten(2, grid_BChw.shape[2:])


def _rows(positions_Chw: Tensor) -> Tensor:
    return positions_Chw.detach().flatten(1).T[None].contiguous()


def _decoded(
    logits_Nhw: Tensor, iou_N: Tensor, prompts_BPC: Tensor, presence_N: Tensor | None = None
) -> Decoded:
    images, prompts = prompts_BPC.shape[:2]
    return Decoded(
        logits_Nhw.reshape(images, prompts, *logits_Nhw.shape[1:]),
        iou_N.reshape(images, prompts),
        None if presence_N is None else presence_N.reshape(images, prompts),
    )
