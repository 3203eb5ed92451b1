"""Start the node on a robot: `ros2 launch evf_sam_ros evf_sam.launch.py image:=... depth:=...`.

The presets beside it (realsense, zed, usb_camera, image_files, bag, simulation) start a camera as
well and include this file: each of its arguments is theirs too. Several instances run side by side
in different namespaces.
"""

import os

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node

from evf_sam_ros.launching import SHARE, argument, in_namespace, topic_arguments

OLD_NAME_UNTIL = ("humble", "iron", "jazzy")  # newer releases warn of it
# What config/evf_sam.rviz shows; relative names follow the namespace.
SHOWN = ("overlay", "markers", "centroid", "object_points")
INPUTS = ("image", "depth", "camera_info", "text_command")
OVERRIDES = ("model", "device", "engine", "image_transport")
OVERRIDE = "overrides the parameter file unless empty"

ARGUMENTS = [
    *topic_arguments(**{name: name for name in INPUTS}, fixed_frame="camera_color_optical_frame"),
    argument(
        "image_transport",
        "",
        "raw, or compressed to read the topic `image` with /compressed behind it; " + OVERRIDE,
    ),
    argument("namespace", "", "namespace of everything that is started"),
    argument(
        "params_file",
        PathJoinSubstitution([SHARE, "config", "evf_sam.yaml"]),
        "parameter file of the node",
    ),
    argument("model", "", OVERRIDE),
    argument("device", "", OVERRIDE),
    argument(
        "engine", "", "what runs the model, as `warming` (at once, soon faster); " + OVERRIDE
    ),
    argument("use_sim_time", "false", "take the time from /clock"),
    argument("log_level", "info", "of the node"),
    argument("web", "false", "serve the operator's page on this machine (needs python3-aiohttp)"),
    argument("web_port", "8420", "of the page; another for each instance"),
    argument(
        "web_host",
        "127.0.0.1",
        "address of the page; one that other machines reach needs a token in the environment "
        "variable EVF_SAM_WEB_TOKEN (docs/reference/security.md)",
    ),
    argument("rviz", "false", "show what is found in rviz"),
    argument(
        "fastdds_profile",
        PathJoinSubstitution([SHARE, "config", "fastdds.xml"]),
        "Fast DDS profile, unless the environment names one; empty: none",
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, then start what they ask for."""
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=[
            *("-d", PathJoinSubstitution([SHARE, "config", "evf_sam.rviz"])),
            *("-f", LaunchConfiguration("fixed_frame")),
        ],
        remappings=[(f"/evf_sam/{name}", f"evf_sam/{name}") for name in SHOWN],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    web = IfCondition(LaunchConfiguration("web"))
    steps = [
        OpaqueFunction(function=set_profile),
        OpaqueFunction(function=start_node),
        OpaqueFunction(function=start_page, condition=web),
        rviz,
    ]
    return LaunchDescription([*ARGUMENTS, *steps])


def topics() -> list:
    """Return where the inputs are; a compressed image lies below the image's own name."""
    image = LaunchConfiguration("image")
    compressed = ("image/compressed", [image, "/compressed"])
    return [*((name, LaunchConfiguration(name)) for name in INPUTS), compressed]


def set_profile(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Name the Fast DDS profile in the variable that this release reads, unless the user has."""
    fast_dds = "FASTRTPS" if os.environ.get("ROS_DISTRO") in OLD_NAME_UNTIL else "FASTDDS"
    variable = f"{fast_dds}_DEFAULT_PROFILES_FILE"
    profile = LaunchConfiguration("fastdds_profile").perform(context)
    if not profile or variable in os.environ:
        return []
    return [SetEnvironmentVariable(variable, profile)]


def filled(context: LaunchContext, *names: str) -> dict[str, str]:
    """Return the values of arguments that are not empty."""
    values = {name: LaunchConfiguration(name).perform(context) for name in names}
    return {name: value for name, value in values.items() if value}


def start_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start the node, with the parameters that the command line gives on top of the file's."""
    use_sim_time = LaunchConfiguration("use_sim_time")
    node = in_namespace(
        "evf_sam_ros",
        "evf_sam_node",
        name="evf_sam",
        parameters=[
            LaunchConfiguration("params_file"),
            {"use_sim_time": use_sim_time, **filled(context, *OVERRIDES)},
        ],
        remappings=topics(),
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    )
    return [node]


def start_page(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start the operator's page, which shows the node beside it."""
    listening = {"port": LaunchConfiguration("web_port"), "host": LaunchConfiguration("web_host")}
    page = in_namespace(
        "evf_sam_ros",
        "page",
        name="evf_sam_page",
        parameters=[{**listening, **filled(context, "image_transport")}],
        remappings=topics(),
    )
    return [page]
