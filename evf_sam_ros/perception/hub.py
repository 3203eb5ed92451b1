"""Models by Hugging Face id: found in the cache of that library, downloaded only on request."""

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from evf_sam_ros.language.added_tokens import ADDED_FILE, TOKENIZER_CONFIG
from evf_sam_ros.language.tokenizer import SENTENCEPIECE_FILES, WORD_FILE
from evf_sam_ros.models.checkpoint import CONFIG
from evf_sam_ros.models.weights import LONELY_SUFFIX, listed, weight_files
from evf_sam_ros.perception.licences import condition_of_id

# As Hugging Face names repositories: neither "--" nor "..", no ending in "-", "." or ".git".
_ID = re.compile(
    r"((?!.*(?:--|\.\.|\.git(?:@|$)))\w[\w.-]*/\w(?:[\w.-]*\w)?)(?:@([\w./-]+))?", re.ASCII
)
_SAFE = ("*.safetensors", "*.safetensors.index.json")
_PICKLED = ("pytorch_model*.bin", "pytorch_model*.bin.index.json")
VOCABULARIES = (*SENTENCEPIECE_FILES, WORD_FILE)
_TOKENIZER = (*VOCABULARIES, ADDED_FILE, TOKENIZER_CONFIG)


def is_hub_id(model: str) -> bool:
    """Tell whether this can be the id of a model: `owner/name` or `owner/name@revision`."""
    return _ID.fullmatch(model) is not None


def find(model: str, *, offline: bool) -> Path:
    """Return the folder of a model that was downloaded, or else download it unless `offline`.

    A model that is here is never asked for again: a robot keeps the one it was tested with.

    Raises:
        ValueError: it is not here and may not or cannot be downloaded.
    """
    folder = cached(model)
    if folder is not None:
        return folder
    if offline:
        raise ValueError(
            f"no model {model!r}: there is no such folder, and the Hugging Face model of this "
            f"name is not on this computer; `evf-sam download {model}` fetches it"
        )
    return download(model)


def cached(model: str) -> Path | None:
    """Return the folder of a model that was downloaded as a whole; never touches the network."""
    from huggingface_hub import try_to_load_from_cache

    repository, revision = _split(model)
    path = try_to_load_from_cache(repository, CONFIG, revision=revision)
    if not isinstance(path, str):  # None, or a mark that there is no such file
        return None
    try:
        weight_files(Path(path).parent)
    except ValueError:  # a download that broke off
        return None
    return Path(path).parent


def download(model: str, report: Callable[[str], None] | None = None) -> Path:
    """Download a model's files if they are new or have changed; return its folder.

    Each file appears when it is whole. A connection that breaks is taken up where it broke; after
    an interruption, files that were finished are kept.

    Args:
        report: takes one line that says how much there is to download; None: to stderr.
    """
    return _download(model, _wanted, _check_model, report or _to_stderr)


def find_tokenizer(model: str, *, offline: bool) -> Path:
    """Return a folder with the tokenizer of a model, downloaded unless `offline`.

    Raises:
        ValueError: it is not here and may not or cannot be downloaded.
    """
    folder = _cached_tokenizer(model)
    if folder is not None:
        return folder
    if offline:
        raise ValueError(
            f"no tokenizer {model!r}: there is no such folder, and that of the Hugging Face model "
            f"is not on this computer; `evf-sam download {model} --tokenizer` fetches it"
        )
    return download_tokenizer(model)


def download_tokenizer(model: str, report: Callable[[str], None] | None = None) -> Path:
    """Download the tokenizer of a model without its weights; return the folder it is in."""

    def wanted(sizes: Mapping[str, int]) -> dict[str, int]:
        return {name: size for name, size in sizes.items() if _matches(name, _TOKENIZER)}

    return _download(model, wanted, _check_tokenizer, report or _to_stderr)


def _cached_tokenizer(model: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    repository, revision = _split(model)
    for name in VOCABULARIES:
        path = try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(path, str):
            return Path(path).parent
    return None


def _download(
    model: str,
    wanted: Callable[[Mapping[str, int]], dict[str, int]],
    check: Callable[[str, Mapping[str, int]], None],
    report: Callable[[str], None],
) -> Path:
    from huggingface_hub import snapshot_download

    repository, revision = _split(model)
    try:
        listing = _remote_files(repository, revision)
        check(model, listing)
        sizes = wanted(listing)
        _prepare(model, sizes, report)
        folder = snapshot_download(repository, revision=revision, allow_patterns=list(sizes))
    except ValueError:
        raise
    except Exception as error:  # the library's own, its network library's, the system's
        raise ValueError(_explained(model, error)) from error
    return Path(folder)


def _split(model: str) -> tuple[str, str | None]:
    match = _ID.fullmatch(model)
    if match is None:
        raise ValueError(
            f"{model!r} is not a Hugging Face id, need owner/name or owner/name@revision"
        )
    return match[1], match[2]


def _remote_files(repository: str, revision: str | None) -> dict[str, int]:
    """Return the size of every file, bytes."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(repository, revision=revision, files_metadata=True)
    return {file.rfilename: file.size or 0 for file in info.siblings or ()}


def _wanted(sizes: Mapping[str, int]) -> dict[str, int]:
    """Choose what a model folder needs: one format of weights, no other framework's."""
    safe = any(_matches(name, _SAFE) for name in sizes)
    patterns = (CONFIG, *_TOKENIZER, *(_SAFE if safe else _PICKLED))
    return {name: size for name, size in sizes.items() if _matches(name, patterns)}


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return "/" not in name and any(fnmatch(name, pattern) for pattern in patterns)


def _check_model(model: str, sizes: Mapping[str, int]) -> None:
    if CONFIG not in sizes or not any(_matches(name, _SAFE + _PICKLED) for name in sizes):
        advice = _by_hand(model, sizes)
        raise ValueError(f"{model!r} holds no model: need {CONFIG} and weights beside it{advice}")


def _by_hand(model: str, sizes: Mapping[str, int]) -> str:
    """Return how to fetch a repository of checkpoints, each one file without config.json."""
    found = sorted(name for name in sizes if name.endswith(LONELY_SUFFIX))
    if not found:
        return ""
    condition = condition_of_id(model)
    return (
        f"; it has the checkpoints {listed(found)}: fetch one by `hf download {_split(model)[0]} "
        f"{found[0]} --local-dir DIR`, put beit3.spm of EVF-SAM beside it and give its folder"
        f"{f'; {condition}' if condition else ''}"
    )


def _check_tokenizer(model: str, sizes: Mapping[str, int]) -> None:
    if not any(name in sizes for name in VOCABULARIES):
        raise ValueError(f"{model!r} holds no tokenizer: need one of {', '.join(VOCABULARIES)}")


def _prepare(model: str, sizes: Mapping[str, int], report: Callable[[str], None]) -> None:
    """Say what will be downloaded and under which condition; refuse what has no room."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    total = sum(sizes.values())
    present = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(present).free
    if cached(model) is None and free < total:
        raise ValueError(f"{model!r} takes {_size(total)}, but {cache} has {_size(free)} left")
    report(f"{model}: {len(sizes)} files, {_size(total)}, to {cache}")
    if condition := condition_of_id(model):
        report(f"{model}: {condition}")


def _explained(model: str, error: Exception) -> str:
    from huggingface_hub import errors

    page = f"https://huggingface.co/{_split(model)[0]}"
    if isinstance(error, errors.GatedRepoError):
        return f"{model!r} must be asked for at {page}; then run `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"there is no model {page}, or it is private and needs `hf auth login`"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{page} has no revision {_split(model)[1]!r}"
    reason = (str(error).strip() or repr(error)).splitlines()[0]
    return f"{model!r} could not be downloaded, try again later: {reason}"


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
