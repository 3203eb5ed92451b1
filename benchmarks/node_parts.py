"""Measure what the node does to one image beside the model: CPU time of each part, in one process.

    OMP_NUM_THREADS=1 python benchmarks/node_parts.py [--size WxH]

The object is a box, as a part of the picture; depth is flat. Medians on one thread: to be compared
also where others use the machine. What stands above the line is done before the next image can be
looked at, what stands below it meanwhile.
"""

import argparse
import array
import io
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
import torch
from PIL import Image as Picture
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.geometry import locate
from evf_sam_ros.perception.instances import objects_of
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.perception.preprocess import segmenter_input
from evf_sam_ros.ros.conversions import (
    depth_from_image,
    image_from_mask,
    rgb_from_compressed,
    rgb_from_image,
)
from evf_sam_ros.ros.node.objects import object_message
from evf_sam_ros.sim.scene import render_scene

ROUNDS = 20
SEED = 900000
TEXT = "the black block"
BYTES_PER_PIXEL = {"rgb8": 3, "bgr8": 3, "yuv422_yuy2": 2, "bayer_rggb8": 1}
SHARES = (9, 100)  # of the picture: one in so many pixels is the object's


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720", help="of the image, WxH")
    width, height = map(int, parser.parse_args(argv).size.split("x"))
    torch.set_num_threads(1)
    predictor = load_predictor(device="cpu", engine="torch")
    print(f"{width}x{height}, CPU time\n\n| ms | |\n| --- | --- |")
    for parts in (before_the_model, after_the_model):
        for name, part in parts(predictor, width, height).items():
            print(f"| {name} | {cpu_ms(part):.2f} |")
        if parts is before_the_model:
            print("| --- | --- |")


def cpu_ms(part: Callable[[], Any]) -> float:
    """Return the median CPU time of a part, after a first run."""
    part()
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        part()
        taken.append(time.process_time() - started)
    return 1e3 * float(np.median(taken))


def before_the_model(
    predictor: Predictor, width: int, height: int
) -> dict[str, Callable[[], Any]]:
    """Return the parts that the model waits for, and the model."""
    rgb = render_scene(SEED, width, height).rgb
    stream = io.BytesIO()
    Picture.fromarray(rgb).save(stream, "JPEG")
    frames = {encoding: noise(width, height, encoding) for encoding in BYTES_PER_PIXEL}
    jpeg = CompressedImage(format="jpeg", data=stream.getvalue())
    depth = flat_depth(width, height)
    return {
        **{f"read {name}": partial(rgb_from_image, frame) for name, frame in frames.items()},
        "read JPEG": partial(rgb_from_compressed, jpeg),
        "resize for the model": lambda: segmenter_input(rgb, predictor.config.image_input),
        "the model, with that": lambda: predictor(rgb, [TEXT]),
        "read depth": lambda: depth_from_image(depth),
    }


def after_the_model(_: Predictor, width: int, height: int) -> dict[str, Callable[[], Any]]:
    """Return the parts that come after it, for a larger and a smaller object."""
    parts: dict[str, Callable[[], Any]] = {}
    camera = Intrinsics(width, width, width / 2, height / 2)
    depth_m = depth_from_image(flat_depth(width, height))
    for share in SHARES:
        mask = np.zeros((height, width), bool)
        tall, wide = (round(side / share**0.5) for side in (height, width))
        mask[tall : 2 * tall, wide : 2 * wide] = True
        of = f"an object of 1/{share} of it"
        parts |= {
            f"judge {of}": partial(objects_of, TEXT, mask, depth_m, 64),
            f"place {of}": lambda mask=mask: object_message(
                mask, 1.0, locate(mask, depth_m, camera, 0.1, 10.0)
            ),
        }
    parts["mask to message, serialised"] = lambda: serialize_message(
        image_from_mask(mask, Header())
    )
    return parts


def noise(width: int, height: int, encoding: str) -> Image:
    """Make an image that shows nothing."""
    step = width * BYTES_PER_PIXEL[encoding]
    message = Image(width=width, height=height, step=step, encoding=encoding)
    message.data = array.array("B", np.random.default_rng(0).bytes(step * height))
    return message


def flat_depth(width: int, height: int) -> Image:
    """Make a depth image that is one metre everywhere."""
    message = Image(width=width, height=height, step=4 * width, encoding="32FC1")
    message.data = array.array("B", np.ones((height, width), np.float32).tobytes())
    return message


if __name__ == "__main__":
    main()
