"""Preset: an Intel RealSense with depth registered to colour, by the package realsense2_camera.

`ros2 launch evf_sam_ros realsense.launch.py` (4.54 or newer; `driver:=false` if it runs already)
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

CAMERA = LaunchConfiguration("camera_name")
ARGUMENTS = [
    DeclareLaunchArgument(
        "camera_name", default_value="camera", description="name of the driver's node"
    ),
    DeclareLaunchArgument(
        "serial_no", default_value="", description="which camera, if there are several"
    ),
    DeclareLaunchArgument(
        "color_profile", default_value="640,480,30", description="width,height,images per second"
    ),
    DeclareLaunchArgument(
        "driver", default_value="true", description="start the driver; false: it runs already"
    ),
    DeclareLaunchArgument(
        "image",
        default_value=[CAMERA, "/color/image_raw"],
        description="colour image topic",
    ),
    DeclareLaunchArgument(
        "depth",
        default_value=[CAMERA, "/aligned_depth_to_color/image_raw"],
        description="depth image topic, registered to the colour",
    ),
    DeclareLaunchArgument(
        "camera_info",
        default_value=[CAMERA, "/color/camera_info"],
        description="intrinsics of the colour image",
    ),
    DeclareLaunchArgument(
        "fixed_frame",
        default_value=[CAMERA, "_color_optical_frame"],
        description="frame that rviz draws in",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="namespace of everything that is started"
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node with the driver's topics, then the driver."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("evf_sam.launch.py")))
    )
    driver = Node(
        package="realsense2_camera",
        executable="realsense2_camera_node",
        name=CAMERA,
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            {
                "enable_color": True,
                "enable_depth": True,
                "align_depth.enable": True,
                "camera_name": CAMERA,
                "rgb_camera.color_profile": ParameterValue(
                    LaunchConfiguration("color_profile"), value_type=str
                ),
                # A text, although it looks like a number.
                "serial_no": ParameterValue(LaunchConfiguration("serial_no"), value_type=str),
            }
        ],
        output="screen",
        condition=IfCondition(LaunchConfiguration("driver")),
    )
    return LaunchDescription([*ARGUMENTS, node, driver])
