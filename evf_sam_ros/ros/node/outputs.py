"""The node's publishers: results always, other outputs while someone subscribes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped, Pose, PoseStamped
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Floats
from evf_sam_ros.perception.judgement import label_image
from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.ros.conversions import image_from_mask, image_from_rgb, image_message
from evf_sam_ros.ros.interface import (
    APPROACH_POSE,
    BURST,
    CENTROID,
    COLLISION_OBJECT,
    DETECTIONS,
    DETECTIONS_3D,
    LABEL_MASK,
    MARKERS,
    MASK,
    OBJECT_POINTS,
    OPTIONAL_OUTPUTS,
    OUTPUTS,
    OVERLAY,
    POSE,
    REGISTERED_DEPTH,
    RESULT,
    SCENE_POINTS,
    TARGET_CENTROID,
    TARGET_MARKERS,
    TARGET_POINTS,
    TARGET_POSE,
    Endpoint,
    installed_type,
)
from evf_sam_ros.ros.node.clouds import object_cloud, scene_cloud
from evf_sam_ros.ros.node.collisions import CollisionObjects
from evf_sam_ros.ros.node.depth_source import RegisteredDepth
from evf_sam_ros.ros.node.detections import detections_2d, detections_3d
from evf_sam_ros.ros.node.markers import WORLD_UP, markers_from_results
from evf_sam_ros.ros.node.object_frame import ObjectFrame
from evf_sam_ros.ros.node.objects import approach_message, in_target
from evf_sam_ros.ros.node.replies import Answer, union
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.statuses import STATUS_NAMES

QOS = QoSProfile(depth=5)  # reliable, volatile
RESULT_QOS = QoSProfile(depth=BURST)
MANY = (RESULT, COLLISION_OBJECT)  # of which one image may give many messages


class Outputs:
    """The publishers; safe to use from the executor's thread and the publishing thread."""

    def __init__(self, node: LifecycleNode, parameters: Callable[[], NodeParameters]) -> None:
        """Create the publishers.

        Args:
            node: the node that publishes.
            parameters: returns its current parameters.

        Raises:
            ValueError: a parameter needs a package that is not installed.
        """
        self._node = node
        self._parameters = parameters
        types = {each: each.type for each in OUTPUTS}
        types |= {each: installed_type(each.type) for each in OPTIONAL_OUTPUTS}
        missing = [each.type for each, kind in types.items() if kind is None]
        if missing:
            node.get_logger().info(f"Not published, their package is missing: {missing}")
        self._publishers = {
            each: node.create_lifecycle_publisher(
                kind, each.name, RESULT_QOS if each in MANY else QOS
            )
            for each, kind in types.items()
            if kind is not None
        }
        self._object_frame = ObjectFrame(node) if parameters().publish_tf else None
        boxes = self._publishers.get(COLLISION_OBJECT)
        self._collisions = None
        if boxes is not None:
            self._collisions = CollisionObjects(node.get_name(), boxes.publish)

    def destroy(self) -> None:
        if self._object_frame is not None:
            self._object_frame.destroy()
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers = {}

    def remove_collisions(self) -> None:
        """Let no planner go round what is not looked for any more: the node is deactivated."""
        if self._collisions is not None:
            self._collisions.remove_all()

    def publish(self, answers: Sequence[Answer]) -> None:
        """Publish the answers to one image, one for each command, at least one.

        Pictures for people come after the results, which come after what robots use.
        """
        pictured = [answer for answer in answers if answer.image_rgb is not None]
        if pictured:
            self._publish_masks(pictured)
            self._publish_place(pictured)
        for answer in answers:
            self._publishers[RESULT].publish(answer.result)
        results = [answer.result for answer in answers]
        if self._collisions is not None:
            self._collisions.publish(results)
        header = results[0].header
        self._if_heard(MARKERS, lambda: markers_from_results(results))
        if pictured:
            self._if_heard(TARGET_MARKERS, lambda: _target_markers(results))
        if pictured:
            self._if_heard(DETECTIONS, lambda: detections_2d(header, results))
            self._if_heard(DETECTIONS_3D, lambda: detections_3d(header, results))
            self._if_heard(OVERLAY, lambda: _overlay(pictured))

    def _if_heard(self, endpoint: Endpoint, make: Callable[[], Any]) -> None:
        publisher = self._publishers.get(endpoint)
        if publisher is not None and publisher.get_subscription_count():
            publisher.publish(make())

    def _publish_masks(self, answers: Sequence[Answer]) -> None:
        self._if_heard(MASK, lambda: _mask(answers))
        self._if_heard(LABEL_MASK, lambda: _label_mask(answers))
        depth = next((answer.depth for answer in answers if answer.depth is not None), None)
        if depth is not None:
            header = answers[0].result.header
            self._if_heard(REGISTERED_DEPTH, lambda: _depth_image(depth, header))

    def _publish_place(self, answers: Sequence[Answer]) -> None:
        """Publish where the first object is that may be acted on, if there is one."""
        for answer in answers:
            result = answer.result
            found = result.status == SegmentationResult.FOUND and result.objects
            if found and result.objects[0].has_position:
                break
        else:
            return
        self._publish_pose(result, CENTROID, POSE)
        self._if_heard(OBJECT_POINTS, lambda: self._cloud(answer, result.header))
        self._if_heard(SCENE_POINTS, lambda: self._scene(answer))
        seen = result
        if result.objects[0].has_target_position:
            seen = in_target(result)
            self._publish_pose(seen, TARGET_CENTROID, TARGET_POSE)
            matrix = answer.target_from_image
            self._if_heard(TARGET_POINTS, lambda: self._cloud(answer, seen.header, matrix))
        if answer.approach is not None:
            self._publishers[APPROACH_POSE].publish(
                approach_message(seen.header, answer.approach, self._parameters().ground_z_m)
            )
        if self._object_frame is not None:
            self._object_frame.publish(seen)

    def _publish_pose(
        self, result: SegmentationResult, centroid: Endpoint, pose: Endpoint
    ) -> None:
        header, best = result.header, result.objects[0]
        self._publishers[centroid].publish(PointStamped(header=header, point=best.position))
        turned = Pose(position=best.position, orientation=best.orientation)
        self._publishers[pose].publish(PoseStamped(header=header, pose=turned))

    def _cloud(
        self, answer: Answer, header: Header, target_from_image: Floats | None = None
    ) -> PointCloud2:
        assert answer.depth is not None
        assert answer.image_rgb is not None
        parameters = self._parameters()
        return object_cloud(
            header,
            answer.parts[:1],
            answer.depth,
            answer.image_rgb,
            (parameters.depth_min_m, parameters.depth_max_m),
            target_from_image,
        )

    def _scene(self, answer: Answer) -> PointCloud2:
        assert answer.depth is not None
        assert answer.image_rgb is not None
        parameters = self._parameters()
        limits_m = parameters.depth_min_m, parameters.depth_max_m
        header = answer.result.header
        return scene_cloud(header, answer.parts[0], answer.depth, answer.image_rgb, limits_m)


def _target_markers(results: Sequence[SegmentationResult]) -> MarkerArray:
    return markers_from_results([in_target(result) for result in results], WORLD_UP)


def _mask(answers: Sequence[Answer]) -> Image:
    first = answers[0]
    assert first.image_rgb is not None
    masks = [answer.mask for answer in answers if answer.mask is not None]
    return image_from_mask(union(masks, first.image_rgb), first.result.header)


def _label_mask(answers: Sequence[Answer]) -> Image:
    first = answers[0]
    assert first.image_rgb is not None
    labelled = (
        (found.label, part)
        for answer in answers
        for found, part in zip(answer.result.objects, answer.parts, strict=True)
    )
    labels = label_image(first.image_rgb.shape[:2], labelled)
    return image_message(labels.astype("<u2"), "16UC1", first.result.header)


def _depth_image(depth: RegisteredDepth, header: Header) -> Image:
    return image_message(np.asarray(depth.depth_m[:, :], "<f4"), "32FC1", header)


def _overlay(answers: Sequence[Answer]) -> Image:
    first = answers[0]
    assert first.image_rgb is not None
    picture = draw(first.image_rgb, [_annotation(answer) for answer in answers])
    return image_from_rgb(picture, first.result.header)


def _annotation(answer: Answer) -> Annotation:
    result = answer.result
    detail = result.message
    if result.objects and result.objects[0].has_position:
        point = result.objects[0].position
        detail = f"{point.x:+.3f} {point.y:+.3f} {point.z:.3f} m"
    assert answer.image_rgb is not None
    return Annotation(
        mask=union(answer.parts, answer.image_rgb),
        expression=result.expression,
        status=STATUS_NAMES[result.status],
        score=result.score,
        detail=detail,
    )
