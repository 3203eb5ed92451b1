"""Table of the node's topics, services and actions, from which node and docs are made."""

from importlib import import_module
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped, PoseStamped
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from visualization_msgs.msg import MarkerArray

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.image_messages import IMAGE_ENCODINGS
from evf_sam_ros.srv import Segment, SetClasses

# A sentence may name 16 objects, and many sentences may come at once: whoever publishes results or
# commands, or listens to them, has room for as many.
BURST = 1000


class Endpoint(NamedTuple):
    """A topic, service or action; inputs have relative names, outputs private ones.

    A type that not every machine has is given by its name, "package/Message".
    """

    name: str
    type: Any
    help: str


IMAGE = Endpoint(
    "image",
    Image,
    f"the camera, rows may be padded; one of {', '.join(IMAGE_ENCODINGS)}",
)
COMPRESSED_IMAGE = Endpoint(
    "image/compressed", CompressedImage, "JPEG or PNG, instead of `image`, by `image_transport`"
)
CAMERA_INFO = Endpoint("camera_info", CameraInfo, "intrinsics; needed for positions")
DEPTH = Endpoint(
    "depth", Image, "registered to the image; 32FC1 in metres or 16UC1 in millimetres"
)
COMPRESSED_DEPTH = Endpoint(
    "depth/compressedDepth",
    CompressedImage,
    "instead of `depth`, by `depth_transport`: PNG or RVL, 16UC1 or 32FC1",
)
DEPTH_INFO = Endpoint(
    "depth/camera_info",
    CameraInfo,
    "intrinsics of a depth camera that is not the image's, to register its depth by",
)
TF = Endpoint(
    "/tf",
    "tf2_msgs/TFMessage",
    "where the cameras stand at each time, by `target_frame`, `gravity_frame` and "
    "`register_depth_by_tf`",
)
TF_STATIC = Endpoint("/tf_static", "tf2_msgs/TFMessage", "as `/tf`, for all times")
TEXT_COMMAND = Endpoint(
    "text_command",
    String,
    "what the robot was told: `pick up the red mug on the left, please`; "
    "several objects at once: `the red mug; the bowl`",
)
SPEECH = Endpoint(
    "speech",
    "hri_msgs/LiveSpeech",
    "what was heard, final text only, by `speech_type`; or whisper_msgs/Transcription",
)
INPUTS = (
    IMAGE,
    COMPRESSED_IMAGE,
    CAMERA_INFO,
    DEPTH,
    COMPRESSED_DEPTH,
    DEPTH_INFO,
    TF,
    TF_STATIC,
    TEXT_COMMAND,
    SPEECH,
)

RESULT = Endpoint(
    "~/result",
    SegmentationResult,
    "the answer to every command for every processed image, also if nothing is found: up to 16 an "
    "image, so a listener's queue must hold 16 times the images it may fall behind",
)
MASK = Endpoint("~/mask", Image, "mono8, 255 on what was found; all 0 unless the status is FOUND")
LABEL_MASK = Endpoint(
    "~/label_mask", Image, "16UC1, each object's `label`; candidates of AMBIGUOUS included"
)
CENTROID = Endpoint(
    "~/centroid", PointStamped, "middle of the visible surface, metres; only if found and located"
)
POSE = Endpoint(
    "~/pose", PoseStamped, "the centroid, turned as the object's box; only if found and located"
)
OBJECT_POINTS = Endpoint(
    "~/object_points", PointCloud2, "x, y, z, rgb of the object; only if found and located"
)
OVERLAY = Endpoint("~/overlay", Image, "rgb8, the image with the answer drawn on it")
MARKERS = Endpoint("~/markers", MarkerArray, "box, point and text for rviz")
TARGET_CENTROID = Endpoint("~/target/centroid", PointStamped, "`~/centroid` in `target_frame`")
TARGET_POSE = Endpoint("~/target/pose", PoseStamped, "`~/pose` in `target_frame`")
TARGET_POINTS = Endpoint(
    "~/target/object_points", PointCloud2, "`~/object_points` in `target_frame`"
)
TARGET_MARKERS = Endpoint("~/target/markers", MarkerArray, "`~/markers` in `target_frame`")
SCENE_POINTS = Endpoint(
    "~/scene_points",
    PointCloud2,
    "x, y, z, rgb of all but the object, with the stamp and frame of `~/object_points`",
)
REGISTERED_DEPTH = Endpoint(
    "~/registered_depth",
    Image,
    "32FC1, metres, the depth that positions are made from, in the pixels of `~/label_mask`; "
    "NaN: no reading",
)
APPROACH_POSE = Endpoint(
    "~/approach_pose",
    PoseStamped,
    "where to stand before the object, on the ground of `target_frame`, facing it; only if found "
    "and located there",
)
OUTPUTS = (
    RESULT,
    MASK,
    LABEL_MASK,
    CENTROID,
    POSE,
    OBJECT_POINTS,
    SCENE_POINTS,
    REGISTERED_DEPTH,
    OVERLAY,
    MARKERS,
    TARGET_CENTROID,
    TARGET_POSE,
    TARGET_POINTS,
    TARGET_MARKERS,
    APPROACH_POSE,
)

DETECTIONS = Endpoint(
    "~/detections", "vision_msgs/Detection2DArray", "boxes in pixels, where vision_msgs is there"
)
DETECTIONS_3D = Endpoint(
    "~/detections_3d",
    "vision_msgs/Detection3DArray",
    "boxes in metres, where vision_msgs is there",
)
COLLISION_OBJECT = Endpoint(
    "~/collision_object",
    "moveit_msgs/CollisionObject",
    "the boxes of what is found, in `target_frame` where it is known: ADD while seen, REMOVE when "
    "gone; where moveit_msgs is there",
)
OPTIONAL_OUTPUTS = (DETECTIONS, DETECTIONS_3D, COLLISION_OBJECT)

# Nav2's semantic layer takes these together: the same stamp and frame, sensor data QoS.
SEMANTIC_MASK = Endpoint(
    "~/semantic/label_mask",
    Image,
    "mono8, the id of the class of each pixel, 0: none; by `classes`",
)
SEMANTIC_CONFIDENCE = Endpoint(
    "~/semantic/confidence", Image, "mono8, the score of the pixel's class, 255: certain"
)
SEMANTIC_POINTS = Endpoint(
    "~/semantic/points",
    PointCloud2,
    "x, y, z, rgb of each pixel of the mask, in its order; NaN where there is no depth",
)
SEMANTIC_OUTPUTS = (SEMANTIC_MASK, SEMANTIC_CONFIDENCE, SEMANTIC_POINTS)
SEMANTIC_INFO = Endpoint(
    "~/semantic/label_info",
    "vision_msgs/LabelInfo",
    "names and ids of the classes, latched, before the first mask and after each change; where "
    "vision_msgs is there",
)

# Published by parameter only.
OBJECT_FRAME = Endpoint(
    "/tf", "tf2_msgs/TFMessage", "the frame of the object that is followed, by `publish_tf`"
)

ALL_OUTPUTS = (*OUTPUTS, *OPTIONAL_OUTPUTS, *SEMANTIC_OUTPUTS, SEMANTIC_INFO, OBJECT_FRAME)

# Not private: every robot's monitors listen to this one name.
DIAGNOSTICS = Endpoint(
    "/diagnostics",
    DiagnosticArray,
    "once a second: model, camera, depth, frames, semantic, commands, latency, memory",
)

SEGMENT = Endpoint("~/segment", Segment, "one answer, for the newest image or the caller's own")
CANCEL = Endpoint("~/cancel", Trigger, "end the active command")
ENABLE = Endpoint("~/enable", SetBool, "stop or resume the work; the model stays loaded")
SET_CLASSES = Endpoint(
    "~/set_classes", SetClasses, "change the classes of `~/semantic/...`; says why not"
)
SERVICES = (SEGMENT, CANCEL, ENABLE, SET_CLASSES)

FIND_OBJECT = Endpoint(
    "~/find_object", FindObject, "look until several images agree; with feedback, can be cancelled"
)
ACTIONS = (FIND_OBJECT,)


def installed_type(name: str) -> Any | None:
    """Return the message type `package/Message`, None where its package is not installed."""
    package, message = name.split("/")
    try:
        return getattr(import_module(f"{package}.msg"), message)
    except (ImportError, AttributeError):
        return None
