"""Preset: a USB camera, by the package usb_cam: `ros2 launch evf_sam_ros usb_camera.launch.py`.

It has no depth, so answers have masks and no positions.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

ARGUMENTS = [
    DeclareLaunchArgument(
        "video_device", default_value="/dev/video0", description="the camera's device file"
    ),
    DeclareLaunchArgument("image_width", default_value="640", description="pixels"),
    DeclareLaunchArgument("image_height", default_value="480", description="pixels"),
    DeclareLaunchArgument("framerate", default_value="30.0", description="images per second"),
    DeclareLaunchArgument(
        "pixel_format",
        default_value="yuyv2rgb",
        description="how the camera sends pixels: yuyv2rgb, mjpeg2rgb, ... (as usb_cam names it)",
    ),
    DeclareLaunchArgument(
        "camera_info_url", default_value="", description="calibration: file:///path/to/camera.yaml"
    ),
    DeclareLaunchArgument(
        "frame_id", default_value="camera", description="frame of the images, and so of answers"
    ),
    DeclareLaunchArgument(
        "driver", default_value="true", description="start the driver; false: it runs already"
    ),
    DeclareLaunchArgument("image", default_value="image_raw", description="colour image topic"),
    DeclareLaunchArgument(
        "namespace", default_value="", description="namespace of everything that is started"
    ),
]
NUMBERS = ("image_width", "image_height", "framerate")
TEXTS = ("video_device", "pixel_format", "camera_info_url", "frame_id")


def generate_launch_description() -> LaunchDescription:
    """Start the node with the driver's topics, then the driver."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("evf_sam.launch.py")))
    )
    texts = {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in TEXTS}
    driver = Node(
        package="usb_cam",
        executable="usb_cam_node_exe",
        name="usb_cam",
        namespace=LaunchConfiguration("namespace"),
        parameters=[{**texts, **{name: LaunchConfiguration(name) for name in NUMBERS}}],
        output="screen",
        condition=IfCondition(LaunchConfiguration("driver")),
    )
    return LaunchDescription([*ARGUMENTS, node, driver])
