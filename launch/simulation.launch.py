"""Preset: the simulated tabletop as the camera: `ros2 launch evf_sam_ros simulation.launch.py`.

Then say what to find:
`ros2 topic pub -1 /text_command std_msgs/msg/String "{data: 'pick up the red mug'}"`
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument("seed", default_value="901082", description="which scene to show"),
    DeclareLaunchArgument("rate_hz", default_value="15.0", description="images per second"),
    DeclareLaunchArgument(
        "noise", default_value="true", description="depth with the errors of a real sensor"
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="namespace of everything that is started"
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node first: it sets the Fast DDS profile that the camera needs as well."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("evf_sam.launch.py")))
    )
    camera = Node(
        package="evf_sam_ros",
        executable="sim_camera",
        name="sim_camera",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            {name: LaunchConfiguration(name) for name in ("seed", "rate_hz", "noise")},
        ],
        output="screen",
    )
    return LaunchDescription([*ARGUMENTS, node, camera])
