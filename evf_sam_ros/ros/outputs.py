"""What the node publishes about an answer."""

from geometry_msgs.msg import PointStamped
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.ros.answers import Answer
from evf_sam_ros.ros.conversions import image_from_mask, image_from_rgb
from evf_sam_ros.ros.interface import CENTROID, MARKERS, MASK, OUTPUTS, OVERLAY, RESULT
from evf_sam_ros.ros.markers import markers_from_result

QOS = QoSProfile(depth=5)  # reliable, volatile
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
STATUS_NAMES = {getattr(SegmentationResult, name): name for name in STATUSES}


class Outputs:
    """The publishers; safe to use from the executor's thread and the worker's."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._publishers = {
            each: node.create_lifecycle_publisher(each.type, each.name, QOS) for each in OUTPUTS
        }

    def destroy(self) -> None:
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers = {}

    def publish(self, answer: Answer) -> None:
        """Publish an answer; the result comes last, so who has it can have the rest."""
        result = answer.result
        if answer.mask is not None:
            self._publishers[MASK].publish(image_from_mask(answer.mask, result.header))
        if result.objects and result.objects[0].has_position:
            point = result.objects[0].position
            self._publishers[CENTROID].publish(PointStamped(header=result.header, point=point))
        self._publishers[RESULT].publish(result)
        self._publish_pictures(answer)

    def _publish_pictures(self, answer: Answer) -> None:
        """Publish what people look at, if somebody does."""
        markers, overlay = self._publishers[MARKERS], self._publishers[OVERLAY]
        if markers.get_subscription_count():
            markers.publish(markers_from_result(answer.result))
        if answer.image_rgb is not None and overlay.get_subscription_count():
            picture = draw(answer.image_rgb, [_annotation(answer)])
            overlay.publish(image_from_rgb(picture, answer.result.header))


def _annotation(answer: Answer) -> Annotation:
    result = answer.result
    detail = result.message
    if result.objects and result.objects[0].has_position:
        point = result.objects[0].position
        detail = f"{point.x:+.3f} {point.y:+.3f} {point.z:.3f} m"
    assert answer.mask is not None
    return Annotation(
        mask=answer.mask,
        expression=result.expression,
        status=STATUS_NAMES[result.status],
        score=result.score,
        detail=detail,
    )
