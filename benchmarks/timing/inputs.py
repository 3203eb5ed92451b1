"""Inputs of every engine: the same random pictures and words, in rotation.

Shape suffixes: P prompts, L tokens, H W image size, S S fusion image size.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.variants import EvfSamConfig
from evf_sam_ros.perception.preprocess import fusion_input, segmenter_input

PICTURES, PROMPTS = 16, 12
WORDS = 12  # tokens of a prompt, start and end among them; the last few only fill it up
_PADDED = 3  # tokens, of every second prompt
PICTURE_SIZE = (720, 1280)  # (height, width), pixels
_GRAIN = 16  # pixels of a patch of one colour


Words = tuple[Tensor, Tensor]  # tokens (1, P, L), and True where one only fills up its row


class Inputs:
    """Photographs and prompts; frame n has picture n and the prompts from n on."""

    def __init__(
        self, config: EvfSamConfig, device: torch.device, pictures: int = PICTURES
    ) -> None:
        random = np.random.default_rng(0)
        self.photographs = [_photograph(random) for _ in range(pictures)]
        self._images = [
            segmenter_input(each, config.image_input)[0][None].to(device)
            for each in self.photographs
        ]
        self._fusions = [
            fusion_input(each, config.fusion_input)[None].to(device) for each in self.photographs
        ]
        longest = max(WORDS, config.encoder.max_tokens)
        tokens = random.integers(3, config.encoder.vocabulary, (PROMPTS, longest))
        self._tokens = torch.from_numpy(tokens).to(device)
        self._words: dict[tuple[int, int, int], Words] = {}

    def photograph(self, frame: int) -> NDArray[np.uint8]:
        """Return (H, W, 3) RGB."""
        return self.photographs[frame % len(self.photographs)]

    def image(self, frame: int) -> Tensor:
        """Return what an image encoder takes, (1, 3, H, W)."""
        return self._images[frame % len(self._images)]

    def fusion(self, frame: int) -> Tensor:
        """Return what a vision-language encoder takes, (1, 3, S, S)."""
        return self._fusions[frame % len(self._fusions)]

    def words(self, frame: int, prompts: int, length: int = WORDS) -> Words:
        """Return so many prompts of that many tokens; every second one is shorter."""
        key = frame % PROMPTS, prompts, length
        if key not in self._words:  # or a device would be asked for them while it is timed
            rows = [(frame + number) % PROMPTS for number in range(prompts)]
            tokens_1PL = self._tokens[rows, :length][None]
            padding_1PL = torch.zeros_like(tokens_1PL, dtype=torch.bool)
            padding_1PL[:, 1::2, max(1, length - _PADDED) :] = True
            self._words[key] = tokens_1PL, padding_1PL
        return self._words[key]


def _photograph(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return patches of colour with some noise: neither flat nor noise alone, as pictures are."""
    height, width = (side // _GRAIN for side in PICTURE_SIZE)
    patches = random.integers(0, 256, (height, width, 3)).repeat(_GRAIN, 0).repeat(_GRAIN, 1)
    noisy = patches + random.normal(0, 8, patches.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)
