"""Assemble a SAM-CLIP bridge from the published weights of CLIP, BERT and SAM.

python -m evf_sam_ros.training.bridge_assemble FOLDER --sam sam_vit_b_01ec64.pth
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from evf_sam_ros.language.tokenizer import WORD_FILE
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.bridge.config import BridgeEncoderConfig, Sparse
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build
from evf_sam_ros.training.pretrained import load_segmenter

CLIP, BERT = "openai/clip-vit-large-patch14-336", "google-bert/bert-base-uncased"
VARIANT = "sam_clip_bridge"


def assemble(config: EvfSamConfig, folder: Path, *, clip: str, bert: str, sam: Path) -> None:
    """Write a model folder whose towers are the published ones; everything else is random.

    Args:
        config: of a bridge.
        clip: folder or Hugging Face name of a CLIP: both halves and its tokenizer.
        bert: likewise of a BERT.
        sam: file of SAM's weights, as its authors publish it.

    Raises:
        ValueError: one of them is not there, not whole or of other sizes than `config`.
    """
    assert isinstance(config.encoder, BridgeEncoderConfig)
    model: Any = build(config)
    library = _transformers()
    picture = _published(library.CLIPVisionModelWithProjection, clip)
    _take_over(model.encoder.picture.clip, picture, clip)
    words = _published(library.BertModel, bert, add_pooling_layer=False)
    _take_over(model.encoder.bert, words, bert)
    # All that this reads of a model is its segmenter.
    load_segmenter(cast(Any, SimpleNamespace(segmenter=model.segmenter.promptable)), sam)
    if config.encoder.categories:
        texts_KD = category_texts(clip, config.encoder.categories)
        model.encoder.category_texts_KD.copy_(texts_KD)
    checkpoint.save(model, config, folder)
    tokenizer = _published_tokenizer(bert).backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / WORD_FILE))


@torch.inference_mode()
def category_texts(clip: str, names: Sequence[str]) -> Tensor:
    """Return what CLIP's text half says of each name as it stands, (K, D), of length 1."""
    text = _published(_transformers().CLIPTextModelWithProjection, clip).eval()
    read = _published_tokenizer(clip)(list(names), padding=True, return_tensors="pt")
    embeds_KD = text(read["input_ids"], attention_mask=read["attention_mask"]).text_embeds
    return nn.functional.normalize(embeds_KD, dim=1)


def _published(kind: Any, source: str, **options: Any) -> nn.Module:
    """Read one half of a published model; the other half's weights are left."""
    try:
        model, report = kind.from_pretrained(
            source, dtype=torch.float32, output_loading_info=True, **options
        )
    except (OSError, RuntimeError) as error:
        raise ValueError(f"cannot read {source!r} as {kind.__name__}: {error}") from error
    if missing := report["missing_keys"]:
        raise ValueError(f"{source!r} is not a whole {kind.__name__}: missing {sorted(missing)}")
    return cast(nn.Module, model)


def _published_tokenizer(source: str) -> Any:
    try:
        return _transformers().AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise ValueError(f"{source!r} holds no tokenizer: {error}") from error


def _take_over(ours: nn.Module, theirs: nn.Module, source: str) -> None:
    checkpoint.check_state(ours.state_dict(), theirs.state_dict(), source)
    ours.load_state_dict(theirs.state_dict())


def _transformers() -> Any:
    import transformers

    return transformers


def main(argv: Sequence[str] | None = None) -> None:
    """Assemble the published size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--sam", type=Path, required=True, metavar="FILE", help="weights of SAM ViT-B"
    )
    for name, default in (("clip", CLIP), ("bert", BERT)):
        what = f"{name.upper()}: a folder or a Hugging Face name (%(default)s)"
        parser.add_argument(f"--{name}", default=default, help=what)
    parser.add_argument(
        "--sparse",
        choices=get_args(Sparse),
        default="sentence",
        help="initial value of the sparse prompt (%(default)s)",
    )
    arguments = parser.parse_args(argv)
    published = VARIANTS[VARIANT]
    assert isinstance(published.encoder, BridgeEncoderConfig)
    config = replace(published, encoder=replace(published.encoder, sparse=arguments.sparse))
    sources = {"clip": arguments.clip, "bert": arguments.bert, "sam": arguments.sam}
    assemble(config, arguments.folder, **sources)
    print(f"the model is in {arguments.folder}: its towers know, the rest is to be trained")


if __name__ == "__main__":
    main()
