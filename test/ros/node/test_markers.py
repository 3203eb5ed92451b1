"""Markers replace those of the answer before."""

import pytest
from visualization_msgs.msg import Marker

from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.ros.node.markers import WORLD_UP, markers_from_results


def located(x):
    found = SegmentedObject(has_position=True, score=0.5)
    found.position.x = found.box_center.x = x
    found.size.x = found.size.y = found.size.z = 0.1
    return found


def test_nothing_found_deletes_everything():
    markers = markers_from_results(
        [SegmentationResult(status=SegmentationResult.NOT_FOUND)]
    ).markers
    assert [each.action for each in markers] == [Marker.DELETEALL]


def test_each_located_object_has_a_box_a_point_and_a_text_with_ids_that_stay():
    result = SegmentationResult(expression="mugs", objects=[located(1.0), located(2.0)])
    result.header.frame_id = "camera"
    deletion, *markers = markers_from_results([result]).markers
    assert deletion.action == Marker.DELETEALL
    assert [(each.ns, each.id) for each in markers] == [
        (kind, number) for number in (0, 1) for kind in ("box", "point", "text")
    ]
    assert all(each.header.frame_id == "camera" for each in markers)
    assert [each.pose.position.x for each in markers] == [1.0] * 3 + [2.0] * 3
    assert markers[2].text == "mugs 0.50"


def test_the_text_stands_above_the_box_where_y_points_down():
    found = located(1.0)
    found.position.y = 0.4
    text = markers_from_results([SegmentationResult(objects=[found])]).markers[3]
    assert text.pose.position.y == pytest.approx(0.4 - 0.05 - 0.03)  # half the box, the letters


def test_the_text_stands_above_the_box_where_z_points_up():
    found = located(1.0)
    found.position.z = 0.4
    text = markers_from_results([SegmentationResult(objects=[found])], WORLD_UP).markers[3]
    assert text.pose.position.z == pytest.approx(0.4 + 0.05 + 0.03)  # half the box, the letters
    assert text.pose.position.y == pytest.approx(0.0)


def test_a_flat_box_keeps_a_thickness_that_rviz_accepts():
    found = located(1.0)
    found.size.z = 0.0
    box = markers_from_results([SegmentationResult(objects=[found])]).markers[1]
    assert box.scale.z > 0


def test_an_object_without_a_position_has_no_marker():
    result = SegmentationResult(objects=[SegmentedObject()])
    assert len(markers_from_results([result]).markers) == 1
