"""Record the node's inputs and answers as a rosbag2 folder that `evf-sam bag` reads."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from evf_sam_ros.ros.interface import (
    BURST,
    CAMERA_INFO,
    DEPTH,
    IMAGE,
    RESULT,
    TEXT_COMMAND,
    Endpoint,
)
from evf_sam_ros.ros.parameter_server import ParameterServer
from evf_sam_ros.ros.parameter_values import LenientParameters
from evf_sam_ros.ros.parameters import Effect, Settings, setting
from evf_sam_ros.ros.run import run

PACKAGE = "evf_sam_ros"
BAG_VERSION: Final = 9  # read by `ros2 bag` of Iron and later, and by rosbags
INPUTS = (IMAGE, DEPTH, CAMERA_INFO, TEXT_COMMAND)


@dataclass(frozen=True)
class RecordParameters(Settings):
    """Parameters of the recorder."""

    path: str = setting("recording", "folder to write; it must not be there", effect=Effect.START)
    storage: str = setting(
        "sqlite3", "kind of file", effect=Effect.START, choices=("sqlite3", "mcap")
    )
    node: str = setting("evf_sam", "whose answers are recorded, too", effect=Effect.START)


class RecordNode(LenientParameters):
    """Writes serialized messages in order of arrival."""

    def __init__(self, **node_options: Any) -> None:
        """Create the folder; ValueError where it is there already."""
        super().__init__("recorder", **node_options)
        settings = ParameterServer(self, RecordParameters).current
        types = typestore()
        self._writer = _writer(Path(settings.path), settings.storage)
        for endpoint in INPUTS:
            self._record(endpoint.name, endpoint, types)
        self._record(RESULT.name.replace("~", settings.node), RESULT, types)
        self.get_logger().info(f"Recording to {Path(settings.path).resolve()}")

    def _record(self, name: str, endpoint: Endpoint, types: Typestore) -> None:
        # Best effort takes what every kind of publisher offers.
        qos = QoSProfile(
            depth=BURST if endpoint is RESULT else 30, reliability=ReliabilityPolicy.BEST_EFFORT
        )
        topic = self.resolve_topic_name(name)
        connection = self._writer.add_connection(topic, _name_of(endpoint), typestore=types)
        write: Callable[[bytes], None] = partial(self._write, connection)
        self.create_subscription(endpoint.type, name, write, qos, raw=True)

    def _write(self, connection: Any, data: bytes) -> None:
        self._writer.write(connection, self.get_clock().now().nanoseconds, data)

    def destroy_node(self) -> None:
        super().destroy_node()
        self._writer.close()


def typestore() -> Typestore:
    """Return the definitions of the standard messages and of our own."""
    store = get_typestore(Stores.ROS2_JAZZY)
    # The wheels of PyPI lie in this environment, which ament's own index does not search.
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    folders = [Path(each) / "share" / PACKAGE / "msg" for each in prefixes if each]
    definitions = next((each for each in folders if each.is_dir()), None)
    if definitions is None:
        raise ValueError(f"the definitions of {PACKAGE}'s messages are in none of {prefixes}")
    for path in sorted(definitions.glob("*.msg")):
        store.register(get_types_from_msg(path.read_text(), f"{PACKAGE}/msg/{path.stem}"))
    return store


def _name_of(endpoint: Endpoint) -> str:
    package = re.match(r"\w+", endpoint.type.__module__)
    assert package is not None
    return f"{package[0]}/msg/{endpoint.type.__name__}"


def _writer(path: Path, storage: str) -> Writer:
    if path.exists():
        raise ValueError(f"{str(path)!r} is there already: name a new folder to record to")
    path.resolve().parent.mkdir(parents=True, exist_ok=True)
    writer = Writer(path, version=BAG_VERSION, storage_plugin=StoragePlugin[storage.upper()])
    writer.open()
    return writer


def main(args: list[str] | None = None) -> int:
    return run(RecordNode, args)


if __name__ == "__main__":
    sys.exit(main())
