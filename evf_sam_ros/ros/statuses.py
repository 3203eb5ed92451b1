"""Statuses by their numbers in SegmentationResult.msg."""

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.judgement import Status

STATUS_NUMBERS: dict[Status, int] = {
    status: getattr(SegmentationResult, status.name) for status in Status
}
STATUS_NAMES = {number: status.name for status, number in STATUS_NUMBERS.items()}
DEPTH_STATUS_NUMBERS: dict[DepthStatus, int] = {
    status: getattr(SegmentationResult, status.value) for status in DepthStatus
}
DEPTH_STATUS_NAMES = {number: status.value for status, number in DEPTH_STATUS_NUMBERS.items()}
