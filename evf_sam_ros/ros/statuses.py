"""The names of a result's statuses, for people; their numbers stand in SegmentationResult.msg."""

from evf_sam_ros.msg import SegmentationResult

STATUSES = (
    "FOUND",
    "NOT_FOUND",
    "AMBIGUOUS",
    "LOW_CONFIDENCE",
    "NO_FRAME",
    "STALE_FRAME",
    "COMMAND_EXPIRED",
    "COMMAND_REJECTED",
    "CANCELLED",
    "ERROR",
)
DEPTH_STATUSES = ("NONE", "OK", "NOT_REGISTERED", "TOO_SPARSE", "OUT_OF_SYNC")
STATUS_NAMES = {getattr(SegmentationResult, name): name for name in STATUSES}
DEPTH_STATUS_NAMES = {getattr(SegmentationResult, name): name for name in DEPTH_STATUSES}
