"""Preset: a Stereolabs ZED, by the package zed_wrapper: `ros2 launch evf_sam_ros zed.launch.py`.

The topics are those of zed_wrapper 5; for version 4 give
`image:=zed/zed_node/rgb/image_rect_color camera_info:=zed/zed_node/rgb/camera_info`.
"""

from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PythonExpression
from launch_ros.actions import PushRosNamespace
from launch_ros.substitutions import FindPackageShare

from evf_sam_ros.launching import (
    DRIVER,
    WITH_DRIVER,
    argument,
    needs_package,
    preset,
    topic_arguments,
)

CAMERA = LaunchConfiguration("camera_name")
ARGUMENTS = [
    argument("camera_model", "zed2i", "zed, zedm, zed2, zed2i, zedx, zedxm"),
    argument("camera_name", "zed", "name of the camera, and of its topics"),
    argument("serial_number", "0", "which camera; 0: any that is there"),
    DRIVER,
    *topic_arguments(
        image=[CAMERA, "/zed_node/rgb/color/rect/image"],
        depth=[CAMERA, "/zed_node/depth/depth_registered"],
        camera_info=[CAMERA, "/zed_node/rgb/color/rect/camera_info"],
        fixed_frame=[CAMERA, "_left_camera_optical_frame"],
    ),
]
OF_THE_DRIVER = ("camera_model", "camera_name", "serial_number")


def generate_launch_description() -> LaunchDescription:
    """Start the node with the driver's topics, then the driver by its own launch file."""
    namespace = LaunchConfiguration("namespace")
    has_namespace = IfCondition(PythonExpression(["'", namespace, "' != ''"]))
    zed = PathJoinSubstitution([FindPackageShare("zed_wrapper"), "launch", "zed_camera.launch.py"])
    own = [(name, LaunchConfiguration(name)) for name in OF_THE_DRIVER]
    driver = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(zed),
        # Its own argument `namespace` would take the place of the camera's name.
        launch_arguments=[*own, ("namespace", "")],
    )
    group = GroupAction(
        [PushRosNamespace(namespace, condition=has_namespace), driver], condition=WITH_DRIVER
    )
    cure = "build zed-ros2-wrapper of Stereolabs"
    installed = needs_package("zed_wrapper", when="driver", cure=cure)
    return preset(ARGUMENTS, group, checks=[installed])
