"""Preset: a recording instead of a camera: `ros2 launch evf_sam_ros bag.launch.py bag:=DIR`.

The topics are given as everywhere: `image:=/camera/color/image_raw depth:=...`.
The node follows the recording's time (/clock), so answers have the stamps of then. Two recordings
at once need two ROS_DOMAIN_IDs: there is one /clock in each. For every image of a recording,
without a camera's hurry, `evf-sam bag` is the better tool.
"""

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from evf_sam_ros.launching import argument, preset

ARGUMENTS = [
    argument("bag", None, "the recording: a rosbag2 folder or file; needed"),
    argument("rate", "1.0", "1: as fast as it was"),
    argument("loop", "false", "begin again at the end"),
    argument("delay_s", "5.0", "wait so long for the node to load its model"),
    argument("use_sim_time", "true", "take the time from the recording"),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node, then the recording."""
    return preset(ARGUMENTS, OpaqueFunction(function=play))


def play(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Play the recording, with its time on /clock."""
    loop = LaunchConfiguration("loop").perform(context).lower() in ("true", "1")
    command = ["ros2", "bag", "play", LaunchConfiguration("bag"), "--clock"]
    command += ["--rate", LaunchConfiguration("rate"), "--delay", LaunchConfiguration("delay_s")]
    return [ExecuteProcess(cmd=[*command, *(["--loop"] if loop else [])], output="screen")]
