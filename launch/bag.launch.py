"""Preset: a recording instead of a camera: `ros2 launch evf_sam_ros bag.launch.py bag:=DIR`.

The topics are given as everywhere: `image:=/camera/color/image_raw depth:=...`.
The node follows the recording's time (/clock), so answers have the stamps of then. Two recordings
at once need two ROS_DOMAIN_IDs: there is one /clock in each. For every image of a recording,
without a camera's hurry, `evf-sam bag` is the better tool.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

ARGUMENTS = [
    DeclareLaunchArgument("bag", description="the recording: a rosbag2 folder or file; needed"),
    DeclareLaunchArgument("rate", default_value="1.0", description="1: as fast as it was"),
    DeclareLaunchArgument("loop", default_value="false", description="begin again at the end"),
    DeclareLaunchArgument(
        "delay_s", default_value="5.0", description="wait so long for the node to load its model"
    ),
    DeclareLaunchArgument(
        "use_sim_time", default_value="true", description="take the time from the recording"
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node, then the recording."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("evf_sam.launch.py")))
    )
    return LaunchDescription([*ARGUMENTS, node, OpaqueFunction(function=play)])


def play(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Play the recording, with its time on /clock."""
    loop = LaunchConfiguration("loop").perform(context).lower() in ("true", "1")
    command = ["ros2", "bag", "play", LaunchConfiguration("bag"), "--clock"]
    command += ["--rate", LaunchConfiguration("rate"), "--delay", LaunchConfiguration("delay_s")]
    return [ExecuteProcess(cmd=[*command, *(["--loop"] if loop else [])], output="screen")]
