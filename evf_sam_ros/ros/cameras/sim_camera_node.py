"""A camera in the simulated tabletop: publishes colour, depth and camera_info."""

import sys
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.ros.cameras.camera_messages import camera_qos, offered_reliability, pinhole_info
from evf_sam_ros.ros.conversions import Rgb, image_message
from evf_sam_ros.ros.parameter_server import ParameterServer
from evf_sam_ros.ros.parameter_values import LenientParameters
from evf_sam_ros.ros.parameters import Effect, Settings, setting
from evf_sam_ros.ros.run import run
from evf_sam_ros.sim.depth_noise import realistic_depth
from evf_sam_ros.sim.scene import Scene, render_scene

FROM_RGB = {
    "rgb8": None,
    "bgr8": cv2.COLOR_RGB2BGR,
    "rgba8": cv2.COLOR_RGB2RGBA,
    "bgra8": cv2.COLOR_RGB2BGRA,
    "mono8": cv2.COLOR_RGB2GRAY,
}


@dataclass(frozen=True)
class CameraParameters(Settings):
    """Parameters of the simulated camera."""

    seed: int = setting(900000, "which scene", range=(0, 2**31 - 1))
    width: int = setting(640, "pixels", effect=Effect.START, range=(16, 4096))
    height: int = setting(480, "pixels", effect=Effect.START, range=(16, 4096))
    rate_hz: float = setting(15.0, "images per second", effect=Effect.START, range=(0.1, 120.0))
    frame_id: str = setting("camera_color_optical_frame", "frame of all three topics")
    noise: bool = setting(True, "depth with the errors and holes of a real sensor")
    encoding: str = setting("rgb8", "of the colour image", choices=tuple(FROM_RGB))
    depth_encoding: str = setting(
        "32FC1", "32FC1 in metres or 16UC1 in millimetres", choices=("32FC1", "16UC1")
    )
    image_reliability: str = offered_reliability("best_effort")


class SimCameraNode(LenientParameters):
    """Publishes the scene that the parameter `seed` selects, one after another."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("sim_camera", **node_options)
        self._settings = ParameterServer(self, CameraParameters)
        settings = self._settings.current
        qos = camera_qos(settings.image_reliability)
        self._image = self.create_publisher(Image, "image", qos)
        self._depth = self.create_publisher(Image, "depth", qos)
        self._info = self.create_publisher(CameraInfo, "camera_info", qos)
        self._rng = np.random.default_rng(settings.seed)
        self._scene = render_scene(settings.seed, settings.width, settings.height)
        self.create_timer(1.0 / settings.rate_hz, self._show, clock=self.get_clock())

    def _show(self) -> None:
        settings = self._settings.current
        if self._scene.seed != settings.seed:
            self._scene = render_scene(settings.seed, settings.width, settings.height)
        depth_m = self._scene.depth_m
        if settings.noise:
            depth_m = realistic_depth(depth_m, self._rng)
        header = Header(frame_id=settings.frame_id)
        info = info_message(self._scene, header)
        image = color_message(self._scene.rgb, settings.encoding, header)
        depth = depth_message(depth_m, settings.depth_encoding, header)
        # An image is taken when all of it is drawn: drawing is no part of what a robot waits for.
        # All three messages hold this one header.
        header.stamp = self.get_clock().now().to_msg()
        self._info.publish(info)
        self._image.publish(image)
        self._depth.publish(depth)


def color_message(image_rgb: Rgb, encoding: str, header: Header) -> Image:
    """Encode a picture in one of `FROM_RGB`."""
    code = FROM_RGB[encoding]
    pixels = image_rgb if code is None else cv2.cvtColor(image_rgb, code)
    return image_message(pixels, encoding, header)


def depth_message(depth_m: NDArray[np.float32], encoding: str, header: Header) -> Image:
    """Encode (H, W) metres as 32FC1 or, in millimetres, as 16UC1."""
    if encoding == "32FC1":
        return image_message(depth_m.astype("<f4"), encoding, header)
    millimetres = np.nan_to_num(np.round(depth_m * 1000.0), nan=0.0, posinf=0.0, neginf=0.0)
    return image_message(np.clip(millimetres, 0, 65535).astype("<u2"), encoding, header)


def info_message(scene: Scene, header: Header) -> CameraInfo:
    """Describe the camera of a scene."""
    height, width = scene.depth_m.shape
    return pinhole_info(scene.camera_matrix, width, height, header)


def main(args: list[str] | None = None) -> int:
    return run(SimCameraNode, args)


if __name__ == "__main__":
    sys.exit(main())
