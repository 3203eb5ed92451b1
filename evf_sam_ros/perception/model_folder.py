"""Locate a model's files: in a folder, in this package, or among the downloads."""

from pathlib import Path

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception import hub

EMBEDDED_MODELS = Path(checkpoint.__file__).parent
DEFAULT_MODEL = "tabletop"


def embedded_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(path.parent.name for path in EMBEDDED_MODELS.glob("*/config.json"))


def model_folder(model: str | Path | None, *, offline: bool = True) -> Path:
    """Find a model by folder, name or Hugging Face id; the first of these that there is."""
    if model in (None, "", "default"):
        model = DEFAULT_MODEL
    assert model is not None
    for folder in (Path(model).expanduser(), EMBEDDED_MODELS / model):
        if (folder / checkpoint.CONFIG).is_file():
            return folder.resolve()
    if hub.is_hub_id(str(model)) and not Path(model).exists():
        return hub.find(str(model), offline=offline)
    if Path(model).expanduser().is_file():
        raise ValueError(f"model {str(model)!r} is a file: give the folder it is in")
    if model in VARIANTS:
        raise ValueError(
            f"the weights of {model!r} do not come with this package: give the folder they are in"
        )
    raise ValueError(
        f"no model {str(model)!r}: need a folder with config.json, weights and tokenizer, "
        f"a Hugging Face id, or one of {', '.join(['default', *embedded_models()])}"
    )


def tokenizer_folder(tokenizer: str | Path, *, offline: bool = True) -> Path:
    """Find the folder of a tokenizer by folder, model name or Hugging Face id."""
    for folder in (Path(tokenizer).expanduser(), EMBEDDED_MODELS / tokenizer):
        if folder.is_dir():
            return folder.resolve()
    if hub.is_hub_id(str(tokenizer)):
        return hub.find_tokenizer(str(tokenizer), offline=offline)
    raise ValueError(
        f"no tokenizer {str(tokenizer)!r}: need a folder with one of "
        f"{', '.join(hub.VOCABULARIES)}, or a Hugging Face id"
    )
