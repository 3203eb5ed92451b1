"""A camera that publishes photographs from a folder, one after the other."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.pictures.photograph import read_rgb
from evf_sam_ros.ros.cameras.camera_messages import camera_qos, offered_reliability, pinhole_info
from evf_sam_ros.ros.conversions import image_from_rgb
from evf_sam_ros.ros.parameter_server import ParameterServer
from evf_sam_ros.ros.parameter_values import LenientParameters
from evf_sam_ros.ros.parameters import Effect, Settings, setting
from evf_sam_ros.ros.run import run

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class ImageFilesParameters(Settings):
    """Parameters of the camera of files."""

    files: str = setting("", "a folder of pictures, or one picture; needed", effect=Effect.START)
    rate_hz: float = setting(1.0, "pictures per second", effect=Effect.START, range=(0.01, 120.0))
    loop: bool = setting(True, "begin again after the last picture; false: keep showing it")
    frame_id: str = setting("camera", "frame of the pictures")
    field_of_view_deg: float = setting(
        0.0,
        "horizontal angle of view, from which camera_info is made; 0: no camera_info",
        range=(0.0, 170.0),
    )
    image_reliability: str = offered_reliability("reliable")


class ImageFilesNode(LenientParameters):
    """Publishes each picture with the current time as its stamp."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("image_files", **node_options)
        self._settings = ParameterServer(self, ImageFilesParameters)
        settings = self._settings.current
        self._paths = pictures(settings.files)
        self._next = 0
        self._shown: tuple[Path, NDArray[np.uint8]] | None = None
        qos = camera_qos(settings.image_reliability)
        self._image = self.create_publisher(Image, "image", qos)
        self._info = self.create_publisher(CameraInfo, "camera_info", qos)
        self.create_timer(1.0 / settings.rate_hz, self._show, clock=self.get_clock())
        self.get_logger().info(f"{len(self._paths)} pictures, from {self._paths[0]}")

    def _show(self) -> None:
        path = self._paths[self._next]
        last = self._next == len(self._paths) - 1
        self._next = (
            0
            if last and self._settings.current.loop
            else min(self._next + 1, len(self._paths) - 1)
        )
        image_rgb = self._read(path)
        if image_rgb is None:
            return
        header = Header(
            stamp=self.get_clock().now().to_msg(), frame_id=self._settings.current.frame_id
        )
        if angle_deg := self._settings.current.field_of_view_deg:
            height, width = image_rgb.shape[:2]
            self._info.publish(info_from_angle(width, height, angle_deg, header))
        self._image.publish(image_from_rgb(image_rgb, header))

    def _read(self, path: Path) -> NDArray[np.uint8] | None:
        """Return a picture; one that cannot be read is told of and passed over."""
        if self._shown is None or self._shown[0] != path:
            try:
                self._shown = (path, read_rgb(path))
            except (ValueError, OSError, cv2.error) as error:
                self.get_logger().error(f"Passed over: {error}", throttle_duration_sec=5.0)
                return None
        return self._shown[1]


def pictures(place: str) -> list[Path]:
    """Return the pictures of a folder, 2.png before 10.png; ValueError if there are none."""
    path = Path(place).expanduser()
    if not place:
        raise ValueError("the parameter files is empty, need a folder of pictures or one picture")
    if path.is_dir():
        found = [each for each in path.iterdir() if each.suffix.lower() in ENDINGS]
        if not found:
            raise ValueError(f"no pictures in {path}, need files ending in {', '.join(ENDINGS)}")
        return sorted(found, key=_numbers_as_numbers)
    if not path.is_file():
        raise ValueError(f"files is {place!r}, and there is no such folder or picture")
    return [path]


def info_from_angle(width: int, height: int, angle_deg: float, header: Header) -> CameraInfo:
    """Describe an ideal camera with square pixels by its horizontal angle of view."""
    focal = width / 2 / np.tan(np.radians(angle_deg) / 2)
    k = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return pinhole_info(k, width, height, header)


def _numbers_as_numbers(path: Path) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def main(args: list[str] | None = None) -> int:
    return run(ImageFilesNode, args)


if __name__ == "__main__":
    sys.exit(main())
