"""Preset: the simulated tabletop as the camera: `ros2 launch evf_sam_ros simulation.launch.py`.

Then say what to find:
`ros2 topic pub -1 /text_command std_msgs/msg/String "{data: 'pick up the red mug'}"`
"""

from launch import LaunchDescription

from evf_sam_ros.launching import argument, given, in_namespace, preset, switch

ARGUMENTS = [
    argument("seed", "901082", "number of the scene to show"),
    argument("rate_hz", "15.0", "images per second"),
    switch("noise", "true", "add the errors of a real sensor to the depth"),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node, then the simulated camera."""
    camera = in_namespace(
        "evf_sam_ros",
        "sim_camera",
        name="sim_camera",
        parameters=[given(["seed", "rate_hz", "noise"])],
    )
    return preset(ARGUMENTS, camera)
