"""Cache files of image features, which are computed once because the image encoder is frozen."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from evf_sam_ros.data.records import Record
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.perception.preprocess import segmenter_input
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.whole_files import whole_file, write_text

SHARD = 64  # images per file
INDEX = "index.json"


class FeatureStore:
    """Reads features of images from a folder that `precompute` filled."""

    def __init__(self, folder: Path, like: Any) -> None:
        self._folder = folder
        self._like = like
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        self._places: dict[str, int] = {name: i for i, name in enumerate(index["images"])}
        self._open: tuple[int, Any] = (-1, None)

    def read(self, image: Path) -> Any:
        """Return the features of one image, without a batch dimension, float32.

        Raises:
            ValueError: they were never computed.
        """
        number = self._places.get(str(image))
        if number is None:
            raise ValueError(f"{str(self._folder)!r} has no features of {str(image)!r}")
        shard = number // SHARD
        if self._open[0] != shard:
            self._open = (shard, safe_open(_shard(self._folder, shard), "pt"))
        file = self._open[1]
        parts = [file.get_tensor(f"{number}.{part}") for part in range(len(leaves(self._like)))]
        return _rebuilt(self._like, [part.float() for part in parts])


def precompute(
    model: EvfSam, spec: ImageInput, records: Sequence[Record], folder: Path
) -> FeatureStore:
    """Encode every image once, half precision, into files; those that are there are kept.

    Prints how much disk it takes before it starts.

    Raises:
        ValueError: the folder holds features of another model or other images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = sorted({record.image: record for record in records}.values(), key=_by_image)
    device = next(model.parameters()).device
    like = _encoded(model, spec, images[0], device)
    size = sum(2 * part.numel() for part in leaves(like))
    print(
        f"image features: {len(images):,} images x {size / 1e6:.2f} MB = "
        f"{len(images) * size / 1e9:.2f} GB in {folder}"
    )
    _check_index(folder, fingerprint(model, spec), [str(record.image) for record in images])
    shards = range(0, len(images), SHARD)
    missing = [start for start in shards if not _shard(folder, start // SHARD).exists()]
    with progress_bar(total=len(missing) * SHARD, unit="image", desc="encoding images") as bar:
        for start in missing:
            state: dict[str, Tensor] = {}
            for number, record in enumerate(images[start : start + SHARD], start):
                encoded = leaves(_encoded(model, spec, record, device))
                state |= {f"{number}.{i}": part.half() for i, part in enumerate(encoded)}
                bar.update()
            path = _shard(folder, start // SHARD)
            with whole_file(path) as part:
                save_file({name: each.cpu().contiguous() for name, each in state.items()}, part)
    return FeatureStore(folder, like)


def leaves(features: Any) -> list[Tensor]:
    """Return the tensors of a segmenter's features."""
    return list(_leaves(features))


def stacked(each: Sequence[Any]) -> Any:
    """Return the features of several images as a batch."""
    parts = zip(*(leaves(one) for one in each), strict=True)
    return _rebuilt(each[0], [torch.stack(part) for part in parts])


def moved(features: Any, device: torch.device) -> Any:
    """Return features or images on a device."""
    return _rebuilt(features, [part.to(device) for part in leaves(features)])


def fingerprint(model: EvfSam, spec: ImageInput) -> str:
    """Return what tells image encoders apart: their input, sizes and some of each weight."""
    digest = hashlib.sha256(repr(spec).encode())
    for name, tensor in model.segmenter.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()


@torch.inference_mode()
def _encoded(model: EvfSam, spec: ImageInput, record: Record, device: torch.device) -> Any:
    image, _ = segmenter_input(record.read_rgb(), spec)
    features = model.segmenter.encode(image[None].to(device))
    return _rebuilt(features, [part[0] for part in leaves(features)])


def _check_index(folder: Path, model: str, images: list[str]) -> None:
    path = folder / INDEX
    index = {"model": model, "images": images}
    if not path.exists():
        write_text(path, json.dumps(index) + "\n")
    elif json.loads(path.read_text(encoding="utf-8")) != index:
        raise ValueError(
            f"{str(folder)!r} holds features of another model or other images: "
            "choose another folder or delete it"
        )


def _by_image(record: Record) -> str:
    return str(record.image)


def _shard(folder: Path, number: int) -> Path:
    return folder / f"features_{number:05d}.safetensors"


def _leaves(features: Any) -> Iterator[Tensor]:
    if isinstance(features, Tensor):
        yield features
    else:
        yield from (getattr(features, f.name) for f in fields(features))


def _rebuilt(like: Any, parts: Sequence[Tensor]) -> Any:
    make: Callable[..., Any] = type(like)
    return make(*parts) if is_dataclass(like) else parts[0]
