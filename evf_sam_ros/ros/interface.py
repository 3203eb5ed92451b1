"""Every topic and service of the node, in one table: the node and the README are made from it."""

from typing import Any, NamedTuple

from geometry_msgs.msg import PointStamped
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from visualization_msgs.msg import MarkerArray

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.srv import Segment


class Endpoint(NamedTuple):
    """One topic or service; inputs have relative names, outputs and services private ones."""

    name: str
    type: Any
    help: str


IMAGE = Endpoint(
    "image",
    Image,
    "the camera; rgb8, bgr8, rgba8, bgra8, mono, Bayer, YUV 4:2:2; rows may be padded",
)
COMPRESSED_IMAGE = Endpoint(
    "image/compressed", CompressedImage, "JPEG or PNG, instead of `image`, by `image_transport`"
)
CAMERA_INFO = Endpoint("camera_info", CameraInfo, "intrinsics; needed for positions")
DEPTH = Endpoint(
    "depth", Image, "registered to the image; 32FC1 in metres or 16UC1 in millimetres"
)
TEXT_COMMAND = Endpoint(
    "text_command", String, "what the robot was told: `pick up the red mug on the left, please`"
)
INPUTS = (IMAGE, COMPRESSED_IMAGE, CAMERA_INFO, DEPTH, TEXT_COMMAND)

RESULT = Endpoint(
    "~/result",
    SegmentationResult,
    "the answer for every processed image, also if nothing is found",
)
MASK = Endpoint("~/mask", Image, "mono8, 255 on the object; all 0 if nothing is found")
CENTROID = Endpoint(
    "~/centroid", PointStamped, "middle of the visible surface, metres; only if found and located"
)
OVERLAY = Endpoint("~/overlay", Image, "rgb8, the image with the answer drawn on it")
MARKERS = Endpoint("~/markers", MarkerArray, "box, point and text for rviz")
OUTPUTS = (RESULT, MASK, CENTROID, OVERLAY, MARKERS)

SEGMENT = Endpoint("~/segment", Segment, "one answer, for the newest image or the caller's own")
CANCEL = Endpoint("~/cancel", Trigger, "end the active command")
ENABLE = Endpoint("~/enable", SetBool, "stop or resume the work; the model stays loaded")
SERVICES = (SEGMENT, CANCEL, ENABLE)
