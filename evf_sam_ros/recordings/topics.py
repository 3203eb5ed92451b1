"""Selection of a recording's topics for images, depth and camera_info."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evf_sam_ros.recordings.opening import Recording

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
INFO = "sensor_msgs/msg/CameraInfo"
TF_STATIC = "/tf_static"
DEPTH_ENCODINGS = ("32FC1", "16UC1")


@dataclass(frozen=True)
class Topic:
    """A topic of a recording."""

    name: str
    type: str
    count: int
    encoding: str = ""  # of its first message, where it is an image

    @property
    def is_depth(self) -> bool:
        """True if its images are depth, by their encoding or the topic's name."""
        named = self.encoding == "mono16" and "depth" in self.name
        return self.encoding.startswith(DEPTH_ENCODINGS) or named

    def __str__(self) -> str:
        encoding = f", {self.encoding}" if self.encoding else ""
        return f"{self.name} ({self.type}{encoding}, {self.count} messages)"


@dataclass(frozen=True)
class Chosen:
    """The selected topics; places in space need both depth and camera_info."""

    image: Topic
    depth: Topic | None
    info: Topic | None
    depth_info: Topic | None = None  # where depth has a camera of its own
    frames: Topic | None = None  # where it is to be registered by what /tf_static says

    @property
    def rectified(self) -> bool:
        """REP 104 leaves it to the topic's name whether an image is rectified."""
        return any(part.startswith("image_rect") for part in self.image.name.split("/"))


def topics_of(reader: Recording) -> list[Topic]:
    """Return every topic of a recording, by name; of images the first message is read."""
    return [
        Topic(name, str(info.msgtype), info.msgcount, _encoding(reader, name, info.msgtype))
        for name, info in sorted(reader.topics.items())
    ]


def choose(topics: Sequence[Topic], image: str, depth: str, info: str) -> Chosen:
    """Find the topics by type; names that are given are taken.

    Args:
        topics: what the recording holds.
        image: the name of the images' topic, empty: the only one that can be it.
        depth: of the depth images registered to them; "none": without depth.
        info: of the camera of the images; "none": without.

    Raises:
        ValueError: there is none, or more than one; the message lists what there is.
    """
    pictures = [each for each in topics if each.type in (IMAGE, COMPRESSED) and each.count]
    colors = [each for each in pictures if not each.is_depth]
    chosen = _one("image", "--image", image, colors, topics)
    if chosen is None:
        raise ValueError(f"the recording has no images{_listing(topics)}")
    depths = [each for each in pictures if each.is_depth]
    infos = [each for each in topics if each.type == INFO and each.count]
    chosen_depth = _one("depth image", "--depth", depth, _preferred(depths, "aligned"), topics)
    chosen_info = _one("camera_info", "--camera-info", info, _beside(chosen, infos), topics)
    return Chosen(
        image=chosen,
        depth=chosen_depth,
        info=chosen_info,
        depth_info=_of_depth(chosen_depth, chosen_info, infos),
    )


def with_frames(chosen: Chosen, topics: Sequence[Topic]) -> Chosen:
    """Choose what tells where the cameras stand; ValueError where the recording has no such."""
    found = next((each for each in topics if each.name == TF_STATIC), None)
    if found is None:
        raise ValueError(f"the recording has no {TF_STATIC}{_listing(topics)}")
    return replace(chosen, frames=found)


def _one(
    what: str, option: str, name: str, candidates: Sequence[Topic], topics: Sequence[Topic]
) -> Topic | None:
    if name == "none":
        return None
    if name:
        found = next((each for each in topics if each.name == name), None)
        if found is None:
            raise ValueError(f"the recording has no topic {name!r}{_listing(topics)}")
        return found
    if len(candidates) > 1:
        names = ", ".join(each.name for each in candidates)
        raise ValueError(f"more than one topic may be the {what}: {names}; choose by {option}")
    return candidates[0] if candidates else None


def _preferred(candidates: Sequence[Topic], word: str) -> Sequence[Topic]:
    """Return those whose name has the word, where there are any."""
    return [each for each in candidates if word in each.name] or candidates


def _beside(image: Topic, infos: Sequence[Topic]) -> Sequence[Topic]:
    """Return the camera_info in the image's own namespace, where there is one."""
    folder = image.name.rsplit("/", 1)[0]
    folders = {folder, folder.rsplit("/", 1)[0]}  # .../image_raw/compressed lies one deeper
    beside = [each for each in infos if each.name.rsplit("/", 1)[0] in folders]
    return sorted(beside, key=lambda each: -len(each.name))[:1] or infos


def _of_depth(depth: Topic | None, taken: Topic | None, infos: Sequence[Topic]) -> Topic | None:
    """Return the camera_info in the depth images' own namespace, if it is not the image's."""
    if depth is None:
        return None
    levels = 2 if depth.type == COMPRESSED else 1  # .../image_raw/compressedDepth lies one deeper
    folder = depth.name.rsplit("/", levels)[0]
    own = [each for each in infos if each.name.rsplit("/", 1)[0] == folder and each != taken]
    return own[0] if own else None


def _listing(topics: Sequence[Topic]) -> str:
    return "; it has " + ", ".join(map(str, topics)) if topics else ": it is empty"


def _encoding(reader: Recording, name: str, kind: Any) -> str:
    if kind not in (IMAGE, COMPRESSED):
        return ""
    connections = [each for each in reader.connections if each.topic == name]
    for connection, _, data in reader.messages(connections=connections):
        try:
            message: Any = reader.deserialize(data, connection.msgtype)
        except Exception:  # a broken message says nothing; the frame will
            return ""
        return str(message.encoding if kind == IMAGE else message.format)
    return ""
