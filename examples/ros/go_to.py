"""Drive to an object: "go to the red bin" becomes a goal of Nav2.

    python go_to.py "go to the red bin"      # --print: print the pose, drive nowhere

The node needs target_frame (map) and stand_off_m; docs/guides/navigation_and_grasping.md.
"""

import sys

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from std_msgs.msg import String

PATIENCE_S = 60.0
ONLY_PRINT = "--print"


class GoTo(Node):
    """Say the command, wait for a pose to stand at, and send it to Nav2."""

    def __init__(self, text: str) -> None:
        super().__init__("go_to")
        self.pose: PoseStamped | None = None
        self._text = text
        self._command = self.create_publisher(String, "text_command", 10)
        self.create_subscription(PoseStamped, "evf_sam/approach_pose", self._take, 10)
        self.create_timer(2.0, self._say)  # again, until the node has heard it

    def _say(self) -> None:
        if self.pose is None:
            self._command.publish(String(data=self._text))

    def _take(self, pose: PoseStamped) -> None:
        self.pose = pose


def main() -> int:
    """Return 0 once the robot is there, 1 if it is not."""
    rclpy.init()
    given = remove_ros_args(sys.argv)[1:]
    words = [each for each in given if each != ONLY_PRINT]
    node = GoTo(" ".join(words) or "go to the red bin")
    end = node.get_clock().now().nanoseconds + PATIENCE_S * 1e9
    while node.pose is None and node.get_clock().now().nanoseconds < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    if node.pose is None:
        print("no pose to stand at: `ros2 topic echo /evf_sam/result` says why")
        return 1
    point = node.pose.pose.position
    print(f"stand at {point.x:.2f} {point.y:.2f} in {node.pose.header.frame_id}")
    return 0 if ONLY_PRINT in given else _drive(node, node.pose)


def _drive(node: Node, pose: PoseStamped) -> int:
    from nav2_msgs.action import NavigateToPose

    client = ActionClient(node, NavigateToPose, "navigate_to_pose")
    client.wait_for_server()
    sent = client.send_goal_async(NavigateToPose.Goal(pose=pose))
    rclpy.spin_until_future_complete(node, sent)
    ended = sent.result().get_result_async()
    rclpy.spin_until_future_complete(node, ended)
    return 0 if ended.result().status == 4 else 1  # action_msgs/GoalStatus.STATUS_SUCCEEDED


if __name__ == "__main__":
    code = main()
    rclpy.try_shutdown()
    sys.exit(code)
