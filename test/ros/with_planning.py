"""Run by test_other_messages.py, where moveit_msgs is installed: planners and grippers.

The consumer keeps a planning scene as MoveIt does: ADD replaces a box of the same id, REMOVE of
one that is not there is a mistake.
"""

import numpy as np
import pytest
import turning_camera
from moveit_msgs.msg import CollisionObject
from sensor_msgs.msg import Image, PointCloud2
from shape_msgs.msg import SolidPrimitive
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from turning_camera import HEIGHT, WIDTH, Disc
from with_frames import LATCHED, running

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.stamps import nanoseconds

RED, BLUE = Disc((2.0, 0.3, 0.5)), Disc((2.0, -0.3, 0.5), color=(30, 30, 220))
TOPICS = {"object_points": PointCloud2, "scene_points": PointCloud2, "registered_depth": Image}


class Cell:
    """A still camera before a wall, and a planner."""

    def __init__(self, robot):
        self.robot = robot
        self.discs = [RED, BLUE]
        self.scene, self.mistakes, self.boxes = {}, [], []
        node = robot.node
        node.create_subscription(CollisionObject, "evf_sam/collision_object", self._plan, 50)
        self.received = {name: [] for name in TOPICS}
        for name, kind in TOPICS.items():
            node.create_subscription(kind, f"evf_sam/{name}", self.received[name].append, 20)
        self.static = node.create_publisher(TFMessage, "/tf_static", LATCHED)
        still = turning_camera.joint(0, 0.0)
        self.static.publish(TFMessage(transforms=[still, turning_camera.fixed()]))

    def _plan(self, message):
        self.boxes.append(message)
        if message.operation == CollisionObject.ADD:
            self.scene[message.id] = message
        elif message.operation == CollisionObject.REMOVE and message.id in self.scene:
            del self.scene[message.id]
        else:
            self.mistakes.append(message)

    def show_until(self, done, what):
        def shown_and_done():
            now = self.robot.node.get_clock().now().nanoseconds
            self.robot.show(turning_camera.shot(self.discs, now, 0.0))
            self.robot.spin_for(0.05)
            return done()

        return self.robot.spin_until(shown_and_done, what=what)

    def results(self, status=R.FOUND):
        return [each for each in self.robot.received["result"] if each.status == status]


@pytest.fixture
def cell(robot_in):
    robot = robot_in("/arm")
    with running("/arm", mode="track", target_frame="map") as process:
        robot.wait_until_active(process)
        yield Cell(robot)


def test_a_planner_goes_round_what_is_seen_and_no_longer_round_what_is_gone(cell):
    cell.robot.say("the red disc")
    cell.show_until(lambda: len(cell.results()) >= 3 and cell.scene, "the red disc")
    check_box(cell)
    check_clouds(cell)
    check_tracks(cell)
    assert cell.robot.call(Trigger, "cancel").success
    cell.robot.spin_until(lambda: not cell.scene, what="the end of the command to remove it")
    assert not cell.mistakes


def check_box(cell):
    [(name, box)] = cell.scene.items()
    assert name == "evf_sam_track_1"
    assert box.header.frame_id == "map"
    [solid], [within] = box.primitives, box.primitive_poses
    assert solid.type == SolidPrimitive.BOX
    assert len(solid.dimensions) == 3
    assert min(solid.dimensions) > 0
    # A disc of 0.3 m is flat; a few percent are cut off at its rim.
    np.testing.assert_allclose(sorted(solid.dimensions)[1:], [0.3, 0.3], atol=0.04)
    assert (within.position.x, within.orientation.w) == (0.0, 1.0)
    place = box.pose.position
    np.testing.assert_allclose([place.x, place.y, place.z], RED.center_m, atol=0.02)


def check_clouds(cell):
    stamp = max(cell.show_until(lambda: stamps_of_all(cell), "all of one image"))
    at = {
        name: {nanoseconds(each.header.stamp): each for each in kept}
        for name, kept in cell.received.items()
    }
    own, rest = (points(at[name][stamp]) for name in ("object_points", "scene_points"))
    assert at["object_points"][stamp].header == at["scene_points"][stamp].header
    # The camera is at x = 0.1: the discs are 1.9 m, the wall is 2.4 m before it.
    np.testing.assert_allclose(own[:, 2], 1.9, atol=0.01)
    near = rest[rest[:, 2] < 2.0]
    assert len(near) > 1000  # the blue disc is in the way
    assert (near[:, 0] > 0).all()  # of the red one, on the left, nothing is left over
    assert np.isclose(rest[:, 2], 2.4, atol=0.01).any()
    depth = at["registered_depth"][stamp]
    assert (depth.encoding, depth.height, depth.width) == ("32FC1", HEIGHT, WIDTH)
    metres = np.frombuffer(depth.data, "<f4").reshape(HEIGHT, WIDTH)
    labels = cell.robot.with_stamp("label_mask", depth.header.stamp)
    object_px = np.frombuffer(labels.data, "<u2").reshape(HEIGHT, WIDTH) == 1
    np.testing.assert_allclose(metres[object_px], 1.9, atol=0.01)


def stamps_of_all(cell):
    """Return the stamps of which every topic has a message."""
    stamps = [{nanoseconds(m.header.stamp) for m in kept} for kept in cell.received.values()]
    return set.intersection(*stamps)


def points(cloud):
    assert cloud.is_dense
    return np.frombuffer(cloud.data, "<f4").reshape(-1, 4)[:, :3]


def check_tracks(cell):
    """Let it be followed, go, and another one come."""
    assert {each.objects[0].track_id for each in cell.results()} == {1}
    cell.discs = [BLUE]
    cell.show_until(lambda: not cell.scene, "the box to be removed")
    assert cell.results(R.NOT_FOUND)[-1].message.startswith("lost")
    cell.discs = [RED, BLUE]
    before = len(cell.results())
    cell.show_until(lambda: len(cell.results()) > before and cell.scene, "it to come back")
    assert set(cell.scene) == {"evf_sam_track_1"}  # at its old place it is the same
    cell.robot.say("the blue disc")
    cell.show_until(lambda: set(cell.scene) == {"evf_sam_track_2"}, "another object")
    blue = [each for each in cell.results() if each.expression == "the blue disc"]
    assert {each.objects[0].track_id for each in blue} == {2}


def test_the_box_of_a_node_that_is_deactivated_is_removed(cell):
    cell.robot.set(mode="once")
    cell.robot.say("the red disc")
    cell.show_until(lambda: cell.scene, "the red disc")
    cell.robot.spin_for(0.5)
    assert cell.scene  # the command has ended, the object is there
    cell.robot.reactivate()
    cell.robot.spin_until(lambda: not cell.scene, what="the box to be removed")
    assert not cell.mistakes
