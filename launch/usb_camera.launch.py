"""Preset: a USB camera, by the package usb_cam: `ros2 launch evf_sam_ros usb_camera.launch.py`.

It has no depth, so answers have masks and no positions.
"""

from launch import LaunchDescription

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

ARGUMENTS = [
    argument("video_device", "/dev/video0", "the camera's device file"),
    argument("image_width", "640", "pixels"),
    argument("image_height", "480", "pixels"),
    argument("framerate", "30.0", "images per second"),
    argument(
        "pixel_format",
        "yuyv2rgb",
        "how the camera sends pixels: yuyv2rgb, mjpeg2rgb, ... (as usb_cam names it)",
    ),
    argument("camera_info_url", "", "calibration: file:///path/to/camera.yaml"),
    argument("frame_id", "camera", "frame of the images, and so of answers"),
    DRIVER,
    *topic_arguments(image="image_raw"),
]
NUMBERS = ("image_width", "image_height", "framerate")
TEXTS = ("video_device", "pixel_format", "camera_info_url", "frame_id")


def generate_launch_description() -> LaunchDescription:
    """Start the node with the driver's topics, then the driver."""
    driver = in_namespace(
        "usb_cam",
        "usb_cam_node_exe",
        name="usb_cam",
        parameters=[given(NUMBERS, TEXTS)],
        condition=WITH_DRIVER,
    )
    installed = needs_package("usb_cam", when="driver", executable="usb_cam_node_exe")
    return preset(ARGUMENTS, driver, checks=[installed])
