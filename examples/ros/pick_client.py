"""Ask for an object until several images agree, and print a pose to grasp it from above.

python pick_client.py "pick up the red mug" [--ros-args -r __ns:=/robot1]
"""

import sys

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from rclpy.duration import Duration
from rclpy.utilities import remove_ros_args

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult

SUCCEEDED = 4  # action_msgs/GoalStatus
CLEARANCE_M = 0.10  # between the hand and the top of the object, before it closes


def main() -> int:
    """Return 0 with a pose on standard output, 1 without one."""
    rclpy.init()
    text = " ".join(remove_ros_args(sys.argv)[1:]) or "pick up the red mug"
    node = rclpy.create_node("pick_client")
    client = ActionClient(node, FindObject, "evf_sam/find_object")
    if not client.wait_for_server(timeout_sec=10.0):
        print("the node evf_sam is not running")
        return 1
    goal = FindObject.Goal(text=text, stable_frames=3, timeout=Duration(seconds=30).to_msg())
    sent = client.send_goal_async(goal)
    rclpy.spin_until_future_complete(node, sent)
    if not sent.result().accepted:
        print(f"the node rejects {text!r}: its log says why")
        return 1
    ended = sent.result().get_result_async()
    rclpy.spin_until_future_complete(node, ended)
    result = ended.result().result.result
    if ended.result().status != SUCCEEDED or not result.objects[0].has_position:
        print(f"nothing to pick: {_status(result)} {result.message}")
        return 1
    pose = _above(result)
    point = pose.pose.position
    print(f"grasp {result.expression!r} in {pose.header.frame_id}")
    print(f"position {point.x:.3f} {point.y:.3f} {point.z:.3f} m, score {result.score:.2f}")
    return 0


def _above(result: SegmentationResult) -> PoseStamped:
    """Return a pose over the object, turned as its box: against gravity is the box's z axis."""
    found = result.objects[0]
    pose = PoseStamped(header=result.header)
    pose.pose.position = found.box_center
    pose.pose.orientation = found.orientation
    # The camera's y axis points down where the camera is level.
    pose.pose.position.y -= found.size.z / 2 + CLEARANCE_M
    return pose


def _status(result: SegmentationResult) -> str:
    names = {getattr(SegmentationResult, name): name for name in ("NOT_FOUND", "AMBIGUOUS")}
    return names.get(result.status, f"status {result.status}")


if __name__ == "__main__":
    code = main()
    rclpy.try_shutdown()
    sys.exit(code)
