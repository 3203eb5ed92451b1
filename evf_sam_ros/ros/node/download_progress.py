"""Progress of a Hugging Face download, measured by the files on disk."""

from contextlib import suppress
from pathlib import Path


def downloaded_bytes(model: str) -> int:
    """Return the size of the files of `owner/name[@revision]` on disk, partial ones included."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=model.partition("@")[0], repo_type="model")
    total = 0
    for path in (Path(constants.HF_HUB_CACHE) / name / "blobs").glob("*"):
        with suppress(FileNotFoundError):  # it has just been given its final name
            total += path.stat().st_size
    return total
