"""The simulated tabletop with the operator's page: `ros2 launch evf_sam_ros demo.launch.py`.

It is simulation.launch.py with `web` on; `rviz:=true` shows the same in rviz.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

ARGUMENTS = [
    DeclareLaunchArgument(
        "web", default_value="true", description="serve the operator's page on this machine"
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Set the other default before the preset is read."""
    simulation = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("simulation.launch.py")))
    )
    return LaunchDescription([*ARGUMENTS, simulation])
