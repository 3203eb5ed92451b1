"""Statistics of the training pictures, with which a model detects unfamiliar pictures.

`python -m evf_sam_ros.training.familiar_pictures MODEL` draws simulated scenes from everywhere
that the default was trained for, and writes the statistics beside the weights.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import ceil
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.checkpoint import LoadedModel
from evf_sam_ros.perception.familiarity import Familiarity, pooled
from evf_sam_ros.perception.preprocess import segmenter_input
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.sim.layout import Viewpoints
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.training.augment import augment
from evf_sam_ros.training.familiarity_fit import LEAST_PICTURES, fit
from evf_sam_ros.training.other_pictures import other_pictures

Picture = NDArray[np.uint8]
Disturb = Callable[[Picture, np.random.Generator], Picture]

SIZE = (320, 240)  # pixels, of a scene
BATCH = 16
OTHERS = 1000  # drawn pictures of no scene
PLAIN = 4  # one picture in so many is not disturbed
SCENES = range(1200)
# The recipe trains on scenes from all over this range; its ends are seen as often here.
WIDE_SCENES = range(870_000, 870_100)
WIDE = (
    Viewpoints(fov_y=(62, 72)),
    Viewpoints(fov_y=(26, 34)),
    Viewpoints(elevation=(20, 27)),
    Viewpoints(elevation=(64, 76)),
    Viewpoints(azimuth=50),
)
DISTURBED_SCENES = range(800_000, 800_300)


def _scaled(*gains: float) -> Disturb:
    return lambda picture, rng: np.clip(picture * np.array(gains, np.float32), 0, 255).astype(
        np.uint8
    )


def _noisy(picture: Picture, rng: np.random.Generator) -> Picture:
    return np.clip(picture + rng.normal(0, 12, picture.shape), 0, 255).astype(np.uint8)


def _blurred(picture: Picture, rng: np.random.Generator) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2), np.uint8)


def _coded(picture: Picture, rng: np.random.Generator) -> Picture:
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 25])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


# More than training disturbs pictures by; the model bears it all (benchmarks/robustness.py).
STRONG: tuple[Disturb, ...] = (
    _scaled(1, 1, 1), _noisy, _blurred, _scaled(0.5, 0.5, 0.5), _scaled(1.5, 1.5, 1.5),
    _scaled(1.15, 1, 0.85), _scaled(0.85, 1, 1.15), _coded,
)  # fmt: skip


def learn(folder: Path, pictures: Iterable[Picture]) -> Familiarity | None:
    """Write the statistics of a model's training pictures beside its weights; None for too few."""
    loaded = checkpoint.load(folder)
    ours = np.concatenate(list(_pooled(loaded, pictures)))
    if len(ours) < LEAST_PICTURES:
        return None
    others = np.concatenate(list(_pooled(loaded, other_pictures(OTHERS))))
    familiarity = Familiarity((fit(ours, others),))
    familiarity.write(folder)
    return familiarity


def learn_more(folder: Path, parent: Path, pictures: Sequence[Picture]) -> Familiarity | None:
    """Write the statistics of a fine-tuned model: its parent's worlds and its own pictures.

    The segmenter's image encoder is frozen, so that the parent's statistics still hold. Of few
    pictures each is disturbed several times; the limit is the largest distance of a held-out one.
    None where the parent has no statistics: it takes any picture, and so does its child.
    """
    known = Familiarity.of(parent)
    if known is None or not pictures:
        return None
    times = ceil(LEAST_PICTURES / len(pictures)) + 1
    repeated = (picture for picture in pictures for _ in range(times))
    own = np.concatenate(list(_pooled(checkpoint.load(folder), disturbed(repeated))))
    familiarity = Familiarity((*known.worlds, fit(own, false_alarms=0.0, block=times)))
    familiarity.write(folder)
    return familiarity


def disturbed(pictures: Iterable[Picture], seed: int = 0) -> Iterator[Picture]:
    """Yield pictures as training sees them, and some as they are."""
    rng = np.random.default_rng(seed)
    for number, picture in enumerate(pictures):
        if number % PLAIN:
            picture = np.clip(augment(picture, rng), 0, 255).astype(np.uint8)
        yield picture


def tabletop_pictures() -> Iterator[Picture]:
    """Draw the scenes of which the default's statistics are."""
    yield from disturbed(render_scene(seed, *SIZE).rgb for seed in SCENES)
    for view in WIDE:
        yield from (render_scene(seed, *SIZE, viewpoints=view).rgb for seed in WIDE_SCENES)
    for disturb in STRONG:
        for seed in DISTURBED_SCENES:
            yield disturb(render_scene(seed, *SIZE).rgb, np.random.default_rng(seed))


@torch.inference_mode()
def _pooled(loaded: LoadedModel, pictures: Iterable[Picture]) -> Iterator[NDArray[np.floating]]:
    spec, stream = loaded.config.image_input, iter(pictures)
    with progress_bar(desc="pictures", unit="picture") as bar:
        while batch := list(islice(stream, BATCH)):
            images = torch.stack([segmenter_input(each, spec)[0] for each in batch])
            yield pooled(loaded.model.segmenter.encode(images))
            bar.update(len(batch))


def main() -> None:
    """Write the statistics of a model of the tabletop."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="folder of a model of the simulated tabletop")
    folder = parser.parse_args().model
    familiarity = learn(folder, tabletop_pictures())
    assert familiarity is not None  # thousands of pictures
    [world] = familiarity.worlds
    print(f"distance at most {world.limit:.2f}, discriminant at most {world.most:.2f}")


if __name__ == "__main__":
    main()
