"""Atomic writing of files, and error messages that name the file."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_REASONS = {
    errno.ENOSPC: "no room is left on the disk",
    errno.EDQUOT: "no room is left for this user",
    errno.EFBIG: "it would be larger than files may be here",
    errno.EACCES: "there is no permission",
    errno.EPERM: "there is no permission",
    errno.EROFS: "the file system can only be read",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of its path is a file",
    errno.ENOENT: "there is no such file or folder",
    errno.EEXIST: "something of that name is there",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EIO: "the device fails",
}
# How safetensors and torch, which raise errors of their own, tell that they cannot write a file.
_FOREIGN = ("os error", "PytorchStreamWriter", "inline_container")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name to write to; the file has its own name once all of it is written.

    Whatever happens before, what was there under that name stays, and nothing else is left.

    Raises:
        OSError: it cannot be written; the message is a sentence with its name.
    """
    partial = _partial(path)
    try:
        with named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            partial.replace(path)
    except Exception as error:
        if not any(each in str(error) for each in _FOREIGN):
            raise
        raise OSError(f"cannot write {str(path)!r}: {reason(error)}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what writing a file raises into a sentence with its name; no empty file is left."""
    try:
        yield
    except OSError as error:
        if error.errno is None or not _is_about(error, path):
            raise  # a sentence already, or of another file
        if path.is_file() and not path.stat().st_size:
            path.unlink()
        raise OSError(f"cannot write {str(path)!r}: {reason(error)}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def reason(error: Exception) -> str:
    """Return why a file could not be read or written, as the end of a sentence."""
    number = error.errno if isinstance(error, OSError) else _number_in(str(error))
    if number is None:
        return "is there room on the disk?"
    return _REASONS.get(number, os.strerror(number).lower())


def sentence(error: OSError) -> str:
    """Return what to tell a person of an error of the operating system."""
    if error.errno is None or error.filename is None:
        return " ".join(str(error).split())
    return f"cannot use {str(error.filename)!r}: {reason(error)}"


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def _is_about(error: OSError, path: Path) -> bool:
    """Tell whether an error is of a file or of the folders it is in; writing names no file."""
    if error.filename is None:
        return True
    return Path(error.filename) in (path, _partial(path), *path.parents)


def _number_in(text: str) -> int | None:
    """Return the number in "... (os error 28)"."""
    digits = text.partition("os error ")[2].partition(")")[0]
    return int(digits) if digits.isdecimal() else None
