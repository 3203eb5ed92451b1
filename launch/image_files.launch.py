"""Preset: photographs instead of a camera: `... image_files.launch.py files:=FOLDER`.

A folder is shown picture by picture, without depth, so answers have masks and no positions.
"""

from launch import LaunchDescription

from evf_sam_ros.launching import argument, given, in_namespace, needs_path, preset, switch

ARGUMENTS = [
    argument("files", None, "a folder of pictures, or one picture; required"),
    argument("rate_hz", "1.0", "pictures per second"),
    switch("loop", "true", "begin again after the last picture"),
    argument("frame_id", "camera", "frame of the pictures, and so of answers"),
    argument(
        "field_of_view_deg",
        "0.0",
        "horizontal angle of view, from which camera_info is made; 0: none",
    ),
]
NUMBERS = ("rate_hz", "loop", "field_of_view_deg")
TEXTS = ("files", "frame_id")


def generate_launch_description() -> LaunchDescription:
    """Start the node, then the pictures."""
    camera = in_namespace(
        "evf_sam_ros", "image_files", name="image_files", parameters=[given(NUMBERS, TEXTS)]
    )
    return preset(ARGUMENTS, camera, checks=[needs_path("files")])
