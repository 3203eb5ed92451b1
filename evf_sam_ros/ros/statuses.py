"""Statuses by their numbers in SegmentationResult.msg."""

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.judgement import Status

DEPTH_STATUSES = ("NONE", "OK", "NOT_REGISTERED", "TOO_SPARSE", "OUT_OF_SYNC")
STATUS_NUMBERS: dict[Status, int] = {
    status: getattr(SegmentationResult, status.name) for status in Status
}
STATUS_NAMES = {number: status.name for status, number in STATUS_NUMBERS.items()}
DEPTH_STATUS_NAMES = {getattr(SegmentationResult, name): name for name in DEPTH_STATUSES}
