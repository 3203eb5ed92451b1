"""The simulated tabletop with the operator's page: `ros2 launch evf_sam_ros demo.launch.py`.

It is simulation.launch.py with `web` on; `rviz:=true` shows the same in rviz.
"""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution

from evf_sam_ros.launching import SHARE, switch

WEB = switch("web", "true", "serve the operator's page on this machine")


def generate_launch_description() -> LaunchDescription:
    """Set the other default before the preset is read."""
    simulation = PathJoinSubstitution([SHARE, "launch", "simulation.launch.py"])
    return LaunchDescription(
        [WEB, IncludeLaunchDescription(PythonLaunchDescriptionSource(simulation))]
    )
