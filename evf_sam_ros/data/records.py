"""The types that every reader returns: pictures, sentences about them, and their masks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data import contents
from evf_sam_ros.pictures.photograph import decode_rgb


class Region:
    """Pixels of a picture in the form a file has them; made to a mask only when asked."""

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """Return the region as a mask, (height, width)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Expression:
    """A sentence about a picture, with its target."""

    key: str  # what the files call it, unique in its data set and split
    text: str
    region: Region | None  # None: the sentence refers to nothing that is there
    ignored: Region | None = None  # pixels that count neither as object nor as background
    kind: str = ""  # what sort of sentence it is, where the files tell
    category: str = ""  # of what it refers to, where the files tell
    # Whether it is said to a robot ("Please point out the mug"): it is then read as a command.
    command: bool = False
    # Centre of the object's body in the camera's optical frame, metres, where its pose is known.
    center_m: tuple[float, float, float] | None = None

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """Return the target's mask, (height, width); empty without a target."""
        if self.region is None:
            return np.zeros((height, width), bool)
        return self.region.mask(height, width)


@dataclass(frozen=True)
class Depth:
    """Depth picture of a record, registered to its picture, and the camera of both."""

    path: Path
    metres_per_unit: float
    # Focal lengths fx and fy and principal point cx and cy, pixels, where the files tell.
    camera: tuple[float, float, float, float] | None = None

    def read_m(self, height: int, width: int) -> NDArray[np.float32]:
        """Return the distance along the optical axis, (height, width), metres; 0: no reading.

        Raises:
            ValueError: there is no such picture, or it is of another size.
        """
        units = contents.read_label(self.path)
        contents.check_size(self.path, units.shape[:2], (height, width))
        if units.ndim != 2:
            raise ValueError(f"{str(self.path)!r} is a picture in colour, need one channel")
        return units.astype(np.float32) * np.float32(self.metres_per_unit)


@dataclass(frozen=True)
class Record:
    """One picture with all its sentences."""

    image: Path
    height: int  # pixels, of the masks
    width: int
    expressions: tuple[Expression, ...]
    categories: tuple[str, ...] = ()  # one for each annotated object, mentioned or not
    depth: Depth | None = None

    def read_rgb(self) -> NDArray[np.uint8]:
        """Return the picture, (height, width, 3) RGB, turned as its masks are.

        Raises:
            ValueError: there is no such picture, or it is of another size than its masks.
        """
        # As it is shown, and else as it is stored: annotations exist for either.
        sizes = []
        for turned in (True, False):
            pixels = decode_rgb(contents.read(self.image), str(self.image), turned=turned)
            if pixels.shape[:2] == (self.height, self.width):
                return pixels
            sizes.append(pixels.shape[1::-1])
        raise ValueError(
            f"{str(self.image)!r} is {sizes[0][0]} x {sizes[0][1]} pixels, "
            f"but its annotations are for {self.width} x {self.height}"
        )


@dataclass(frozen=True)
class Dataset:
    """One split of a data set, each picture once."""

    name: str  # as in `--split name/split`
    split: str
    records: tuple[Record, ...]
    counts: Mapping[str, int] = field(default_factory=dict)  # by unit: images, refs, sentences
    notes: tuple[str, ...] = ()  # what a user should know about these files, in sentences
    problems: tuple[str, ...] = ()  # what is wrong in them, counted and named

    @property
    def label(self) -> str:
        return f"{self.name}/{self.split}" if self.split else self.name

    def expressions(self) -> Iterator[tuple[Record, Expression]]:
        """Return every sentence with the picture it is about."""
        for record in self.records:
            for expression in record.expressions:
                yield record, expression
