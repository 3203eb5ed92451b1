"""Preset: photographs instead of a camera: `... image_files.launch.py files:=FOLDER`.

A folder is shown picture by picture, without depth, so answers have masks and no positions.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

ARGUMENTS = [
    DeclareLaunchArgument("files", description="a folder of pictures, or one picture; needed"),
    DeclareLaunchArgument("rate_hz", default_value="1.0", description="pictures per second"),
    DeclareLaunchArgument(
        "loop", default_value="true", description="begin again after the last picture"
    ),
    DeclareLaunchArgument(
        "frame_id", default_value="camera", description="frame of the pictures, and so of answers"
    ),
    DeclareLaunchArgument(
        "field_of_view_deg",
        default_value="0.0",
        description="horizontal angle of view, from which camera_info is made; 0: none",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="namespace of everything that is started"
    ),
]
NUMBERS = ("rate_hz", "loop", "field_of_view_deg")
TEXTS = ("files", "frame_id")  # also where they look like numbers


def generate_launch_description() -> LaunchDescription:
    """Start the node, then the pictures."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("evf_sam.launch.py")))
    )
    texts = {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in TEXTS}
    camera = Node(
        package="evf_sam_ros",
        executable="image_files",
        name="image_files",
        namespace=LaunchConfiguration("namespace"),
        parameters=[{**texts, **{name: LaunchConfiguration(name) for name in NUMBERS}}],
        output="screen",
    )
    return LaunchDescription([*ARGUMENTS, node, camera])
