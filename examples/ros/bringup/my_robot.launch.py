"""Bring-up of a robot that includes the node's launch file with parameters of its own."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


def generate_launch_description() -> LaunchDescription:
    """Start the node beside a camera that runs already."""
    share = Path(get_package_share_directory("evf_sam_ros"))
    return LaunchDescription(
        [
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(share / "launch" / "evf_sam.launch.py")),
                launch_arguments={
                    "namespace": "arm",
                    "image": "/arm/camera/color/image_raw",
                    "depth": "/arm/camera/aligned_depth_to_color/image_raw",
                    "camera_info": "/arm/camera/color/camera_info",
                    "params_file": str(Path(__file__).parent / "params.yaml"),
                }.items(),
            )
        ]
    )
