"""Our models in the published code's form: attention written out, in half precision as it has it.

What it does as the published inference does:

- Scores are a tensor of their own, in the format of the queries; autocast takes the softmax in
  float32. So in BEIT-3, in EfficientSAM and in SAM, whose ViT is that of the PyPI package as it
  is: relative positions are looked up anew, by indices from the host, in every block. SAM-2 had
  fused attention from the beginning, and keeps it.
- Half precision is half weights and half inputs under autocast, so residuals are rounded, too.
  BEIT-3 takes GELU in float32. Tables that are not learned stay float32: in half they would move
  the decoder's positions, and cost as much.
- Every prompt goes through BEIT-3 with an image of its own, the image encoder runs once.
- A frame is resized on the host by the libraries that it was resized by, and copied to the
  device as float32; logits of full size come back, and the host takes the threshold.

What it leaves out: the emptying of torch's cache before every image, which the published
evaluation does. It would slow down whoever runs next as well. Ratios are the lower for it.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from evf_sam_ros.engines.engine import PlainEngine
from evf_sam_ros.models.sam2 import Sam2
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input


def build(
    config: Any, model: Any, device: torch.device, dtype: torch.dtype
) -> dict[str, Callable[..., Any]]:
    """Return all three steps, and the whole frame."""
    return Published(config, model, device, dtype).steps()


class Published:
    """A model as the published code runs it; in float32 it shares the weights it is given."""

    def __init__(self, config: Any, model: Any, device: torch.device, dtype: torch.dtype) -> None:
        self._config, self._device, self._dtype = config, device, dtype
        self._plain = PlainEngine(model if dtype == torch.float32 else _halved(model, dtype))
        self._fuses = isinstance(model.segmenter, Sam2)

    def steps(self) -> dict[str, Callable[..., Any]]:
        """Return the steps by their names."""
        return {
            "encode": self.encode,
            "prompt": self.prompt,
            "decode": self.decode,
            "frame": self.frame,
        }

    def encode(self, images: Tensor) -> Any:
        """Return image features."""
        with self._form(written_out=not self._fuses):
            return self._plain.encode(images.to(self._dtype))

    def prompt(self, fusions: Tensor, tokens: Tensor, padding: Tensor) -> Tensor:
        """Return prompts (1, P, C); each has an image of its own."""
        images = fusions.to(self._dtype).expand(tokens.shape[1], -1, -1, -1)
        with self._form(written_out=True), _exchanged("gelu", _gelu):
            return self._plain.prompt(images, tokens[0][:, None], padding[0][:, None])[:, 0][None]

    def decode(self, features: Any, prompts: Tensor) -> Any:
        """Return one mask per prompt."""
        with self._form(written_out=not self._fuses):
            return self._plain.decode(features, prompts)

    def frame(self, photograph: np.ndarray, tokens: Tensor, padding: Tensor) -> Any:
        """Return masks (P, H, W) of a photograph (H, W, 3), both in memory."""
        image, resized = segmenter_input(photograph, self._config.image_input)
        fusion = fusion_input(photograph, self._config.fusion_input)
        prompts = self.prompt(fusion[None].to(self._device), tokens, padding)
        decoded = self.decode(self.encode(image[None].to(self._device)), prompts)
        size = (photograph.shape[0], photograph.shape[1])
        logits = restore(decoded.logits[0], self._config.image_input, resized, size)
        return logits.cpu().numpy() > 0

    @contextmanager
    def _form(self, *, written_out: bool) -> Iterator[None]:
        reduced = self._dtype != torch.float32
        attention = _attention if written_out else functional.scaled_dot_product_attention
        with (
            _exchanged("scaled_dot_product_attention", attention),
            torch.autocast(self._device.type, self._dtype, enabled=reduced),
        ):
            yield


def _halved(model: Any, dtype: torch.dtype) -> Any:
    half = copy.deepcopy(model)
    for weights in half.parameters():
        weights.data = weights.data.to(dtype)
    return half


@contextmanager
def _exchanged(name: str, other: Callable[..., Tensor]) -> Iterator[None]:
    own = getattr(functional, name)
    setattr(functional, name, other)
    try:
        yield
    finally:
        setattr(functional, name, own)


def _attention(
    queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
) -> Tensor:
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-2, -1)
    if bias is not None:
        scores = scores + bias
    return scores.softmax(-1) @ values


_fused_gelu = functional.gelu


def _gelu(values: Tensor) -> Tensor:
    return _fused_gelu(values.float()).to(values.dtype)
