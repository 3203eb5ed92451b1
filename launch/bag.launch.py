"""Preset: a recording instead of a camera: `ros2 launch evf_sam_ros bag.launch.py bag:=DIR`.

The topics are given as everywhere: `image:=/camera/color/image_raw depth:=...`.
The node follows the recording's time (/clock), so answers have the stamps of then. Two recordings
at once need two ROS_DOMAIN_IDs: there is one /clock in each. For every image of a recording,
without a camera's hurry, `evf-sam bag` is the better tool.
"""

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import ExecuteProcess, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration

from evf_sam_ros.launching import (
    apt_line,
    argument,
    is_on,
    needs_package,
    needs_path,
    preset,
    switch,
)

PLAYED = IfCondition(LaunchConfiguration("play"))
ARGUMENTS = [
    argument("bag", None, "the recording: a rosbag2 folder or file; required"),
    argument("rate", "1.0", "playback speed; 1: as fast as it was recorded"),
    switch("loop", "false", "play the recording again from its start when it ends"),
    argument("delay_s", "5.0", "seconds to wait before playing, while the node loads its model"),
    switch("play", "true", "play the recording; false: another process plays it"),
    switch("use_sim_time", "true", "follow the recording's time (/clock)"),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node, then the recording."""
    checks = [needs_package("ros2bag", when="play", cure=apt_line("rosbag2")), needs_path("bag")]
    return preset(ARGUMENTS, OpaqueFunction(function=play, condition=PLAYED), checks=checks)


def play(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Play the recording, with its time on /clock."""
    command = ["ros2", "bag", "play", LaunchConfiguration("bag"), "--clock"]
    command += ["--rate", LaunchConfiguration("rate"), "--delay", LaunchConfiguration("delay_s")]
    return [
        ExecuteProcess(
            cmd=[*command, *(["--loop"] if is_on(context, "loop") else [])], output="screen"
        )
    ]
