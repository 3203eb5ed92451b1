"""Preset: an Intel RealSense with depth registered to colour, by the package realsense2_camera.

`ros2 launch evf_sam_ros realsense.launch.py` (4.54 or newer; `driver:=false` if it runs already)
"""

from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from evf_sam_ros.launching import (
    DRIVER,
    WITH_DRIVER,
    argument,
    given,
    in_namespace,
    needs_package,
    preset,
    topic_arguments,
)

CAMERA = LaunchConfiguration("camera_name")
ARGUMENTS = [
    argument("camera_name", "camera", "name of the driver's node"),
    argument("serial_no", "", "which camera, if there are several"),
    argument("color_profile", "640,480,30", "width,height,images per second"),
    DRIVER,
    *topic_arguments(
        image=[CAMERA, "/color/image_raw"],
        depth=[CAMERA, "/aligned_depth_to_color/image_raw"],
        camera_info=[CAMERA, "/color/camera_info"],
        fixed_frame=[CAMERA, "_color_optical_frame"],
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node with the driver's topics, then the driver."""
    texts = given(texts=["serial_no", "color_profile"])
    parameters = {
        "enable_color": True,
        "enable_depth": True,
        "align_depth.enable": True,
        "camera_name": CAMERA,
        "rgb_camera.color_profile": texts["color_profile"],
        "serial_no": texts["serial_no"],
    }
    driver = in_namespace(
        "realsense2_camera",
        "realsense2_camera_node",
        name=CAMERA,
        parameters=[parameters],
        condition=WITH_DRIVER,
    )
    installed = needs_package(
        "realsense2_camera", when="driver", executable="realsense2_camera_node"
    )
    return preset(ARGUMENTS, driver, checks=[installed])
