"""Messages as JSON documents for the page; values that are not finite numbers become null."""

import json
import math
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.ros.stamps import nanoseconds
from evf_sam_ros.ros.statuses import DEPTH_STATUS_NAMES, STATUS_NAMES

MAX_OBJECTS = 16
MAX_VALUES = 64  # of one diagnostic status
MAX_TEXT = 500  # characters of any text shown
STAGES = ("frame_age", "preprocess", "inference", "postprocess", "total")
LEVELS = ("OK", "WARN", "ERROR", "STALE")


def document(kind: str, **values: Any) -> str:
    """Return a JSON document that browsers can read: JSON knows no NaN."""
    return json.dumps({"kind": kind, **_finite(values)}, allow_nan=False)


def result_document(result: SegmentationResult, kind: str = "result") -> str:
    return document(
        kind,
        command_id=result.command_id,
        command=result.command[:MAX_TEXT],
        expression=result.expression[:MAX_TEXT],
        status=STATUS_NAMES.get(result.status, str(result.status)),
        message=result.message[:MAX_TEXT],
        image_damaged=bool(result.image_damaged),
        score=float(result.score),
        calibrated=bool(result.calibrated),
        depth_status=DEPTH_STATUS_NAMES.get(result.depth_status, str(result.depth_status)),
        frame_id=result.header.frame_id[:MAX_TEXT],
        stamp_s=nanoseconds(result.header.stamp) / 1e9,
        times_ms={stage: nanoseconds(getattr(result, stage)) / 1e6 for stage in STAGES},
        objects=[_object(each) for each in result.objects[:MAX_OBJECTS]],
    )


def diagnostics_document(statuses: list[DiagnosticStatus]) -> str:
    return document("diagnostics", statuses=[_status(each) for each in statuses])


def statuses_of(message: DiagnosticArray, node: str) -> list[DiagnosticStatus]:
    """Return what a node says of itself, by the custom that a status's name begins with it."""
    names = (f"{node.lstrip('/')}:", f"{node}:")
    return [each for each in message.status if each.name.startswith(names)]


def _object(each: SegmentedObject) -> dict[str, Any]:
    described = {
        "score": float(each.score),
        "description": each.description[:MAX_TEXT],
        "area_px": each.area,
        "roi": [each.roi.x_offset, each.roi.y_offset, each.roi.width, each.roi.height],
        "centroid_px": [each.centroid_u, each.centroid_v],
        "anchor_px": [each.anchor_u, each.anchor_v],
        "cut_off": each.cut_off,
        "depth_valid_ratio": float(each.depth_valid_ratio),
        "position_m": None,
    }
    if each.has_position:
        point, size, covariance = each.position, each.size, each.position_covariance
        described |= {
            "position_m": [point.x, point.y, point.z],
            "size_m": [size.x, size.y, size.z],
            "box_upright": each.box_upright,
            "deviation_m": [math.sqrt(max(covariance[i], 0.0)) for i in (0, 4, 8)],
        }
    return described


def _status(each: DiagnosticStatus) -> dict[str, Any]:
    level = int.from_bytes(each.level, "little")  # ROS's `byte` is bytes in Python
    return {
        "name": each.name[:MAX_TEXT],
        "level": LEVELS[level] if level < len(LEVELS) else str(level),
        "message": each.message[:MAX_TEXT],
        "values": [
            [value.key[:MAX_TEXT], value.value[:MAX_TEXT]] for value in each.values[:MAX_VALUES]
        ],
    }


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return value
