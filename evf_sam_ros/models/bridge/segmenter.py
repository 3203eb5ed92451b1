"""SAM with a sparse and a dense prompt, and object queries that decide whether a target exists.

Shape suffixes: B images, P prompts per image, N = B * P, C width, h w SAM's feature size.
"""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.bridge.config import BridgeSegmenterConfig
from evf_sam_ros.models.bridge.encoder import BridgePrompts
from evf_sam_ros.models.bridge.pyramid import FeaturePyramid
from evf_sam_ros.models.bridge.queries import NoTarget, Prediction, QueryModule
from evf_sam_ros.models.compact import CompactFeatures, CompactSegmenter
from evf_sam_ros.models.sam import Sam
from evf_sam_ros.models.segmenter import Decoded

SCALES = (0.25, 0.5, 1.0)  # the coarsest first


@dataclass(frozen=True)
class Learned:
    """Everything a training step looks at."""

    decoded: Decoded
    said: list[Prediction]  # by the queries, before the first layer and after each
    no_target_N2: Tensor | None  # logits: there is a target, there is none


class BridgeSegmenter(nn.Module):
    """A promptable segmenter under the two prompts, and queries beside it."""

    def __init__(self, promptable: Sam | CompactSegmenter, config: BridgeSegmenterConfig) -> None:
        super().__init__()
        width = promptable.prompt_width
        self.prompt_width = width
        self.promptable = promptable
        self.pyramid = FeaturePyramid(width, width, SCALES)
        self.queries = QueryModule(width, config.joint_width, config.queries)
        self.no_target = NoTarget(width) if config.no_target else None

    def encode(self, images_B3HW: Tensor) -> Any:
        """Return image features as the promptable segmenter gives them."""
        return self.promptable.encode(images_B3HW)

    def decode(self, features: Any, prompts: BridgePrompts) -> Decoded:
        """Return one mask per prompt and, if it was trained, the presence of a target."""
        decoded = self._masks(features, prompts)
        if self.no_target is None:  # then the queries serve training only
            return replace(decoded, presence=None)
        no_target_N2 = self.no_target(self._ask(features, prompts)[-1].objects_NQC)
        return replace(decoded, presence=_presence(no_target_N2, prompts))

    def learn(self, features: Any, prompts: BridgePrompts) -> Learned:
        """Return the output of `decode` and that of the queries, for training."""
        decoded = self._masks(features, prompts)
        said = self._ask(features, prompts)
        if self.no_target is None:
            return Learned(replace(decoded, presence=None), said, None)
        no_target_N2 = self.no_target(said[-1].objects_NQC)
        presence_BP = _presence(no_target_N2, prompts)
        return Learned(replace(decoded, presence=presence_BP), said, no_target_N2)

    def _masks(self, features: Any, prompts: BridgePrompts) -> Decoded:
        """Prompt SAM; its first mask answers."""
        size = _grid(features).shape[2:]
        dense_NChw = functional.interpolate(
            prompts.dense_BPChw.flatten(0, 1).float(), size, mode="bicubic", align_corners=False
        )
        dense_BPChw = dense_NChw.unflatten(0, prompts.sparse_BPC.shape[:2])
        return self.promptable.decode(
            features, prompts.sparse_BPC, dense_BPChw.to(prompts.dense_BPChw.dtype)
        )

    def _ask(self, features: Any, prompts: BridgePrompts) -> list[Prediction]:
        each = prompts.sparse_BPC.shape[1]
        grid_BChw = _grid(features)
        pyramid = [level.repeat_interleave(each, 0) for level in self.pyramid(grid_BChw)]
        return self.queries(grid_BChw.repeat_interleave(each, 0), pyramid, prompts.pyramid)


def _grid(features: Any) -> Tensor:
    return features.grid_BChw if isinstance(features, CompactFeatures) else features


def _presence(no_target_N2: Tensor, prompts: BridgePrompts) -> Tensor:
    """Return the logit that there is a target, (B, P): above 0 where the first vote is higher."""
    target_N, none_N = no_target_N2.unbind(1)
    return (target_N - none_N).unflatten(0, prompts.sparse_BPC.shape[:2])
