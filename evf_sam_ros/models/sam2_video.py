"""SAM-2 on a stream of frames: words select an object once, the memory follows it.

What is kept does not grow: the frame of the words, the grids of the last frames that memory
attention still reads, and a pointer for each of the last fifteen.

Shape suffixes: C prompt width, E memory width, h w the grid at stride 16, K its cells (h * w),
R remembered tokens, H W image size. One object: the batch is always 1.
"""

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from evf_sam_ros.models.sam2 import Sam2
from evf_sam_ros.models.sam2_decoder import Sam2Features
from evf_sam_ros.models.sam2_memory import sine_positions
from evf_sam_ros.models.segmenter import Decoded

POINTERS = 16  # that are read at once, the first frame's among them
NO_OBJECT = -1024.0  # mask logit everywhere in a frame without the object
# The memory encoder was trained on masks of -10 (background) to 10 (object).
_MASK_SCALE, _MASK_BIAS = 20.0, -10.0


@dataclass(frozen=True)
class _Frame:
    """The part of a frame that later frames read."""

    grid_1KE: Tensor
    pointer_1RE: Tensor  # the pointer, cut into tokens of the memory's width


class Sam2Video:
    """Follows one object through frames that arrive one at a time.

    Gives what the authors' `inference_video` gives: of the three masks the one with the highest
    predicted IoU, none where the object score is not positive, a memory of every frame. Its
    filling of holes, which needs a CUDA extension, is left out.
    """

    def __init__(self, sam2: Sam2) -> None:
        self._sam2 = sam2
        self._first: _Frame | None = None
        self._grids: deque[Tensor] = deque(maxlen=len(sam2.memory.frame_positions) - 1)
        self._pointers: deque[Tensor] = deque(maxlen=POINTERS - 1)

    @property
    def started(self) -> bool:
        return self._first is not None

    def start(self, seen: Sam2Features, prompt_11C: Tensor) -> Decoded:
        """Segment the object of the prompt, and clear the memory of other frames.

        Args:
            seen: what `Sam2.see` returns for the frame.
        """
        decoded, pointer_1RE = self._decode(self._sam2.unremembered(seen), seen, prompt_11C)
        self._grids.clear()
        self._pointers.clear()
        # As the authors: the first mask is remembered as it is shown, the others as probabilities.
        grid_1KE = self._memorised(seen, (self._at_full_size(decoded) > 0).float())
        self._first = _Frame(grid_1KE, pointer_1RE)
        return decoded

    def follow(self, seen: Sam2Features) -> Decoded:
        """Find the object in the next frame, and remember that too.

        Raises:
            ValueError: nothing was pointed at so far.
        """
        if self._first is None:
            raise ValueError("follow was called before start: nothing to follow")
        grid_1Chw = self._recalled(seen.grid_BChw, self._first)
        # No words: SAM-2 reads "no point" instead, twice, as it was trained.
        nothing_12C = self._sam2.prompt_encoder.not_a_point_embed.weight[None].expand(1, 2, -1)
        decoded, pointer_1RE = self._decode(grid_1Chw, seen, nothing_12C)
        self._grids.appendleft(self._memorised(seen, self._at_full_size(decoded).sigmoid()))
        self._pointers.appendleft(pointer_1RE)
        return decoded

    def _decode(
        self, grid_1Chw: Tensor, seen: Sam2Features, tokens_1TC: Tensor
    ) -> tuple[Decoded, Tensor]:
        features = Sam2Features(grid_1Chw, seen.eighth_BChw, seen.quarter_BChw)
        candidates = self._sam2.decoded(features, tokens_1TC)
        best = int(candidates.best()[0])
        there = candidates.presence_N > 0
        logits_1hw = torch.where(there[:, None, None], candidates.logits_NMhw[:, best], NO_OBJECT)
        memory = self._sam2.memory
        pointer_1C = torch.where(
            there[:, None],
            memory.pointer(candidates.tokens_NMC[:, best]),
            memory.no_object_pointer,
        )
        width = memory.frame_positions.shape[-1]
        decoded = Decoded(
            logits_1hw[:, None], candidates.iou_NM[:, [best]], candidates.presence_N[:, None]
        )
        return decoded, pointer_1C.unflatten(1, (-1, width))

    def _at_full_size(self, decoded: Decoded) -> Tensor:
        side = self._sam2.image_side
        return functional.interpolate(
            decoded.logits.float(), (side, side), mode="bilinear", align_corners=False
        )

    def _memorised(self, seen: Sam2Features, mask_11HW: Tensor) -> Tensor:
        scaled_11HW = mask_11HW * _MASK_SCALE + _MASK_BIAS
        grid_1Ehw = self._sam2.memory.encoder(seen.grid_BChw, scaled_11HW)
        # The authors keep it so as well; half the space, and part of the numbers.
        return grid_1Ehw.flatten(2).transpose(1, 2).to(torch.bfloat16)

    def _recalled(self, grid_1Chw: Tensor, first: _Frame) -> Tensor:
        """Return the grid with what is remembered read into it."""
        memory = self._sam2.memory
        height, width = grid_1Chw.shape[2:]
        device = grid_1Chw.device
        cells_1KE = sine_positions(height, width, first.grid_1KE.shape[-1], device)
        # By age: the newest frame has the first place, the words' frame always the last.
        ages = memory.frame_positions.flatten(1)[:, None]
        places = [cells_1KE + ages[-1]]
        places += [cells_1KE + ages[age] for age in range(len(self._grids))]
        pointers_1RE = torch.cat([first.pointer_1RE, *self._pointers], 1)
        grids = [grid.to(pointers_1RE.dtype) for grid in (first.grid_1KE, *self._grids)]
        return memory.attention(
            grid_1Chw,
            sine_positions(height, width, grid_1Chw.shape[1], device)
            .transpose(1, 2)
            .unflatten(2, (height, width)),
            torch.cat([*grids, pointers_1RE], 1),
            torch.cat([*places, torch.zeros_like(pointers_1RE)], 1),
            pointers_1RE.shape[1],
        )
