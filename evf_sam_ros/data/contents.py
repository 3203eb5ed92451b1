"""Contents of a data set's pictures, which are files of their own or cells of a Parquet table.

A cell is named like a file below its table, `TABLE.parquet/ROW/COLUMN`, so that whatever keeps
the path of a picture can find a cell again.
"""

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evf_sam_ros.pictures import png
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.pictures.photograph import check_file

TABLE = ".parquet"
EXTRA = "reading Parquet tables needs pyarrow: pip install 'evf_sam_ros[parquet]'"


def cell(table: Path, row: int, column: str) -> Path:
    """Return the path under which a cell of a table is read."""
    return table / str(row) / column


def read(path: Path) -> bytes:
    """Return the content of a picture file, or of a cell of a table.

    Raises:
        ValueError: the file is missing, or the table has no such picture.
    """
    table = path.parent.parent
    if table.suffix != TABLE or table.is_dir():
        check_file(path)
        return path.read_bytes()
    content = _bytes_of(_column(table, _changed(table), path.name)[int(path.parent.name)])
    if content is None:
        raise ValueError(f"{str(path)!r} holds no picture")
    return content


def opened(path: Path) -> Path | io.BytesIO:
    """Return what Pillow opens for a picture: the file itself, of which it reads the head alone.

    Raises:
        ValueError: the table has no such picture.
    """
    return io.BytesIO(read(path)) if path.parent.parent.suffix == TABLE else path


def rows(table: Path, wanted: tuple[str, ...], pictures: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows of a Parquet table, with pictures as paths of cells (None: there is none).

    Args:
        table: the file.
        wanted: columns that it must have.
        pictures: which of them hold pictures.

    Raises:
        ValueError: it is not such a table, or pyarrow is not installed.
    """
    parquet = _parquet()
    try:
        columns = set(parquet.ParquetFile(table).schema_arrow.names)
        if missing := [name for name in wanted if name not in columns]:
            raise ValueError(f"it lacks the columns {', '.join(missing)}")
        texts = sorted(columns - set(pictures))
        found = parquet.read_table(table, columns=texts).to_pylist()
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(table)!r} is not the expected Parquet table: {error}") from error
    for column in pictures:
        cells = _column(table, _changed(table), column)
        for number, content in enumerate(cells):
            there = _bytes_of(content) is not None
            found[number][column] = cell(table, number, column) if there else None
    return found


def read_label(path: Path) -> NDArray[Any]:
    """Return the stored numbers of a picture, (H, W) or (H, W, channels): no palette, no alpha.

    Raises:
        ValueError: the file is missing, is not a picture, or is damaged.
    """
    content = read(path)
    try:
        if content.startswith(png.START):
            png.check(content)
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()  # NumPy 1.21 makes an object of a picture that cannot be read
            pixels = np.asarray(picture)
            alpha = picture.mode in ("LA", "RGBA")
    except (OSError, SyntaxError, DamagedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"{str(path)!r} is not a picture that is whole: {error}") from error
    if alpha:
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def check_size(path: Path, size: tuple[int, ...], wanted: tuple[int, int]) -> None:
    """Refuse a mask or depth picture whose (height, width) is not that of its picture."""
    if tuple(size) != wanted:
        raise ValueError(
            f"{str(path)!r} is {size[1]} x {size[0]} pixels, but its picture is {wanted[1]} x "
            f"{wanted[0]}"
        )


@lru_cache(maxsize=4)  # a table's pictures and masks, while its rows are gone through
def _column(table: Path, _changed: int, column: str) -> list[Any]:
    parquet = _parquet()
    try:
        return list(parquet.read_table(table, columns=[column])[column].to_pylist())
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{str(table)!r} is not the expected Parquet table: {error}") from error


def _bytes_of(content: Any) -> bytes | None:
    """Return the picture of a cell: bytes, or the struct {bytes, path} of Hugging Face."""
    if isinstance(content, dict):
        content = content.get("bytes")
    return content if isinstance(content, bytes) and content else None


def _changed(table: Path) -> int:
    check_file(table)
    return table.stat().st_mtime_ns


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError(EXTRA) from error
    return pyarrow.parquet
