"""Preset: a Stereolabs ZED, by the package zed_wrapper: `ros2 launch evf_sam_ros zed.launch.py`.

The topics are those of zed_wrapper 5; for version 4 give
`image:=zed/zed_node/rgb/image_rect_color camera_info:=zed/zed_node/rgb/camera_info`.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PythonExpression
from launch_ros.actions import PushRosNamespace
from launch_ros.substitutions import FindPackageShare

CAMERA = LaunchConfiguration("camera_name")
ARGUMENTS = [
    DeclareLaunchArgument(
        "camera_model", default_value="zed2i", description="zed, zedm, zed2, zed2i, zedx, zedxm"
    ),
    DeclareLaunchArgument(
        "camera_name", default_value="zed", description="name of the camera, and of its topics"
    ),
    DeclareLaunchArgument(
        "serial_number", default_value="0", description="which camera; 0: any that is there"
    ),
    DeclareLaunchArgument(
        "driver", default_value="true", description="start the driver; false: it runs already"
    ),
    DeclareLaunchArgument(
        "image",
        default_value=[CAMERA, "/zed_node/rgb/color/rect/image"],
        description="colour image topic",
    ),
    DeclareLaunchArgument(
        "depth",
        default_value=[CAMERA, "/zed_node/depth/depth_registered"],
        description="depth image topic, registered to the colour",
    ),
    DeclareLaunchArgument(
        "camera_info",
        default_value=[CAMERA, "/zed_node/rgb/color/rect/camera_info"],
        description="intrinsics of the colour image",
    ),
    DeclareLaunchArgument(
        "fixed_frame",
        default_value=[CAMERA, "_left_camera_optical_frame"],
        description="frame that rviz draws in",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="namespace of everything that is started"
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node with the driver's topics, then the driver by its own launch file."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("evf_sam.launch.py")))
    )
    namespace = LaunchConfiguration("namespace")
    has_namespace = IfCondition(PythonExpression(["'", namespace, "' != ''"]))
    zed = PathJoinSubstitution([FindPackageShare("zed_wrapper"), "launch", "zed_camera.launch.py"])
    own = ("camera_model", "camera_name", "serial_number")
    driver = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(zed),
        # Its own argument `namespace` would take the place of the camera's name.
        launch_arguments=[*((name, LaunchConfiguration(name)) for name in own), ("namespace", "")],
    )
    group = GroupAction(
        [PushRosNamespace(namespace, condition=has_namespace), driver],
        condition=IfCondition(LaunchConfiguration("driver")),
    )
    return LaunchDescription([*ARGUMENTS, node, group])
