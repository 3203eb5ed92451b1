"""Markers of an answer for rviz: a box, a point and a text per object."""

from collections.abc import Sequence

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from evf_sam_ros.msg import SegmentationResult, SegmentedObject

LIFETIME = Duration(sec=2)  # a node that died leaves nothing on the screen
POINT_M = 0.015
TEXT_M = 0.03
OPTICAL_UP, WORLD_UP = (0, -1, 0), (0, 0, 1)  # REP 103
LEAST_SIDE_M = 0.001  # rviz refuses a box without thickness
BOX_COLOR = ColorRGBA(r=0.25, g=0.88, b=0.42, a=0.35)
POINT_COLOR = ColorRGBA(r=1.0, g=0.35, b=0.3, a=1.0)
TEXT_COLOR = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)


def markers_from_results(
    results: Sequence[SegmentationResult], up: tuple[int, int, int] = OPTICAL_UP
) -> MarkerArray:
    """Return three markers per located object of an image, with the same ids in every image.

    The first one deletes what an earlier answer drew, so that fewer objects leave no rest.

    Args:
        results: of one image.
        up: axis of the results' frame along which the texts stand above the boxes.
    """
    markers = [Marker(header=results[0].header, action=Marker.DELETEALL)]
    located = [
        (result, found) for result in results for found in result.objects if found.has_position
    ]
    for number, (result, found) in enumerate(located):
        text = f"{result.expression} {found.score:.2f}"
        markers += [
            _box(result.header, number, found),
            _point(result.header, number, found),
            _text(result.header, number, found, text, up),
        ]
    return MarkerArray(markers=markers)


def _marker(header: Header, namespace: str, number: int, kind: int, color: ColorRGBA) -> Marker:
    return Marker(
        header=header,
        ns=namespace,
        id=number,
        type=kind,
        action=Marker.ADD,
        lifetime=LIFETIME,
        color=color,
    )


def _box(header: Header, number: int, found: SegmentedObject) -> Marker:
    marker = _marker(header, "box", number, Marker.CUBE, BOX_COLOR)
    marker.pose = Pose(position=found.box_center, orientation=found.orientation)
    sides = (max(side, LEAST_SIDE_M) for side in (found.size.x, found.size.y, found.size.z))
    marker.scale = Vector3(**dict(zip("xyz", sides, strict=True)))
    return marker


def _point(header: Header, number: int, found: SegmentedObject) -> Marker:
    marker = _marker(header, "point", number, Marker.SPHERE, POINT_COLOR)
    marker.pose = Pose(position=found.position, orientation=Quaternion(w=1.0))
    marker.scale = Vector3(x=POINT_M, y=POINT_M, z=POINT_M)
    return marker


def _text(
    header: Header,
    number: int,
    found: SegmentedObject,
    text: str,
    up: tuple[int, int, int],
) -> Marker:
    marker = _marker(header, "text", number, Marker.TEXT_VIEW_FACING, TEXT_COLOR)
    x, y, z = up
    above = abs(x) * found.size.x + abs(y) * found.size.y + abs(z) * found.size.z
    reach = above / 2 + TEXT_M
    position = Point(
        x=found.position.x + x * reach,
        y=found.position.y + y * reach,
        z=found.position.z + z * reach,
    )
    marker.pose = Pose(position=position, orientation=Quaternion(w=1.0))
    marker.scale.z = TEXT_M
    marker.text = text
    return marker
