"""Locate a model's files: in a folder, in this package, or among the downloads."""

from pathlib import Path

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.models.weights import lonely_checkpoint
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
        if (folder / checkpoint.CONFIG).is_file() or lonely_checkpoint(folder):
            return folder.resolve()
    if hub.is_hub_id(str(model)) and not Path(model).exists():
        return hub.find(str(model), offline=offline)
    raise ValueError(_refusal(str(model)))


def _refusal(model: str) -> str:
    path = Path(model).expanduser()
    if path.is_file():
        return f"model {model!r} is a file: give the folder it is in"
    if path.is_dir():
        return f"the folder {model!r} holds no model: there is no {checkpoint.CONFIG} in it"
    if model in VARIANTS:
        return (
            f"the weights of {model!r} do not come with this package: give the folder they are in"
        )
    if "/" in model or model.startswith("~"):
        missing = [each for each in (path, *path.parents) if not each.exists()][-1]
        return f"no model {model!r}: there is no folder {str(missing)!r}"
    return (
        f"no model {model!r}: need a folder with config.json, weights and tokenizer, "
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
