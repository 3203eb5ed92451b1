"""Recordings written for the tests, by the library that real ones are read with."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
MS = 1_000_000


@dataclass
class Bag:
    """An open recording; every method writes one message."""

    writer: Writer

    def __post_init__(self):
        self._connections = {}

    def image(self, topic, stamp_ns, pixels, encoding="rgb8", *, at_ns=None, frame_id="camera"):
        height, width = pixels.shape[:2]
        message = TYPES["sensor_msgs/msg/Image"](
            header=header(stamp_ns, frame_id),
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=pixels.nbytes // height,
            data=np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8),
        )
        self._write(topic, message, stamp_ns if at_ns is None else at_ns)

    def jpeg(self, topic, stamp_ns, rgb, ending=".png", size=None):
        """Write a picture, of which `size` bytes are left."""
        data = cv2.imencode(ending, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].ravel()[:size]
        message = TYPES["sensor_msgs/msg/CompressedImage"](
            header=header(stamp_ns), format=f"rgb8; {ending[1:]} compressed", data=data
        )
        self._write(topic, message, stamp_ns)

    def compressed_depth(self, topic, stamp_ns, data, text):
        message = TYPES["sensor_msgs/msg/CompressedImage"](
            header=header(stamp_ns), format=text, data=np.frombuffer(data, np.uint8)
        )
        self._write(topic, message, stamp_ns)

    def info(self, topic, stamp_ns, matrix, width, height, *, at_ns=None, frame_id="camera"):
        (fx, _, cx), (_, fy, cy), _ = np.asarray(matrix, float)
        message = TYPES["sensor_msgs/msg/CameraInfo"](
            header=header(stamp_ns, frame_id),
            height=height,
            width=width,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1]),
            r=np.eye(3).ravel(),
            p=np.array([fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0]),
            binning_x=0,
            binning_y=0,
            roi=TYPES["sensor_msgs/msg/RegionOfInterest"](
                x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
            ),
        )
        self._write(topic, message, stamp_ns if at_ns is None else at_ns)

    def stands(self, stamp_ns, parent, child, moved):
        """Write to /tf_static where a frame stands in another, not turned."""
        vector = TYPES["geometry_msgs/msg/Vector3"](*map(float, moved))
        turned = TYPES["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        step = TYPES["geometry_msgs/msg/TransformStamped"](
            header=header(stamp_ns, parent),
            child_frame_id=child,
            transform=TYPES["geometry_msgs/msg/Transform"](translation=vector, rotation=turned),
        )
        self._write("/tf_static", TYPES["tf2_msgs/msg/TFMessage"](transforms=[step]), stamp_ns)

    def text(self, topic, stamp_ns, words):
        self._write(topic, TYPES["std_msgs/msg/String"](data=words), stamp_ns)

    def _write(self, topic, message, at_ns):
        kind = message.__msgtype__
        if topic not in self._connections:
            connection = self.writer.add_connection(topic, kind, typestore=STORE)
            self._connections[topic] = connection
        data = STORE.serialize_cdr(message, kind)
        self.writer.write(self._connections[topic], at_ns, data)


def header(stamp_ns, frame_id="camera"):
    stamp = TYPES["builtin_interfaces/msg/Time"](
        sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000
    )
    return TYPES["std_msgs/msg/Header"](stamp=stamp, frame_id=frame_id)


def write_bag(path: Path, fill, storage="sqlite3", compression=None) -> Path:
    """Write a recording: `fill` is called with a `Bag`; compression is a mode and a format."""
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression is not None:
        writer.set_compression(*compression)
    with writer:
        fill(Bag(writer))
    return path
