"""CLIP's image encoder and BERT, built from `transformers` with its parameter names.

Shape suffixes: I images, V picture width, S S image size, h w patches.
"""

from typing import Any

from torch import Tensor, nn

from evf_sam_ros.models.bridge.config import BertConfig, BridgeEncoderConfig
from evf_sam_ros.models.trunk import ConvTrunk

TRUNK_STRIDE = 8  # pixels


class PictureTower(nn.Module):
    """CLIP's vision transformer: the patches of its last layer, without [CLS]."""

    def __init__(self, config: BridgeEncoderConfig) -> None:
        library = _transformers()
        super().__init__()
        height, width = (side // config.patch for side in config.image_size)
        self.patches = (height, width)
        # The projection is not used; the paper counts it, and released weights hold it.
        self.clip: Any = library.CLIPVisionModelWithProjection(
            library.CLIPVisionConfig(
                hidden_size=config.vision.width,
                num_hidden_layers=config.vision.depth,
                num_attention_heads=config.vision.heads,
                intermediate_size=config.vision.feed_forward,
                projection_dim=config.joint_width,
                hidden_act=config.activation,
                image_size=config.image_size[0],
                patch_size=config.patch,
            )
        )
        if config.stem is not None:
            embeddings = self.clip.vision_model.embeddings
            embeddings.patch_embedding = _Stem(config.stem, config.vision.width, config.patch)

    def forward(self, images_I3SS: Tensor) -> Tensor:
        """Return the patches, (I, V, h, w)."""
        height, width = self.patches
        # Positions are learned for a square and resampled for anything else.
        states = self.clip.vision_model(
            pixel_values=images_I3SS, interpolate_pos_encoding=height != width
        ).last_hidden_state
        return states[:, 1:].transpose(1, 2).unflatten(2, self.patches)


class _Stem(nn.Module):
    """A convolution trunk where CLIP has one convolution: for models without its weights."""

    def __init__(self, widths: tuple[int, int, int], width: int, patch: int) -> None:
        super().__init__()
        if patch % TRUNK_STRIDE:
            raise ValueError(f"patch is {patch}, a stem needs a multiple of {TRUNK_STRIDE}")
        self.trunk = ConvTrunk(widths)
        step = patch // TRUNK_STRIDE
        self.proj = nn.Conv2d(widths[-1], width, step, stride=step)

    @property
    def weight(self) -> Tensor:
        """The weight whose dtype CLIP reads to choose its precision."""
        return self.proj.weight

    def forward(self, images_I3SS: Tensor) -> Tensor:
        return self.proj(self.trunk(images_I3SS)[-1])


def bert(config: BertConfig) -> Any:
    """Build a BERT without its pooler, which nothing here uses."""
    library = _transformers()
    sizes = library.BertConfig(
        vocab_size=config.vocabulary,
        hidden_size=config.width,
        num_hidden_layers=config.depth,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward,
        max_position_embeddings=config.positions,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
    )
    return library.BertModel(sizes, add_pooling_layer=False)


def _transformers() -> Any:
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise ValueError(
            "the SAM-CLIP bridge needs transformers: pip install 'evf_sam_ros[encoders]'"
        ) from error
    return transformers
