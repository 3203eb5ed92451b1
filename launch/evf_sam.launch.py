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

from evf_sam_ros.launching import (
    SHARE,
    argument,
    given,
    in_namespace,
    is_on,
    needs_package,
    needs_path,
    switch,
    topic_arguments,
)

OLD_NAME_UNTIL = ("humble", "iron", "jazzy")  # newer releases warn of it
# What config/evf_sam.rviz shows; relative names follow the namespace.
SHOWN = ("overlay", "markers", "centroid", "object_points")
INPUTS = ("image", "depth", "camera_info", "text_command")
TEXTS = ("model", "device", "engine", "image_transport", "mode")
VALUES = ("score_threshold", "max_rate_hz", "use_depth", "autostart")  # numbers and switches
EMPTY_OR_SWITCH = ("", "true", "false")
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
OVERRIDE = "overrides the parameter file unless empty"

ARGUMENTS = [
    *topic_arguments(**{name: name for name in INPUTS}, fixed_frame="camera_color_optical_frame"),
    argument(
        "image_transport",
        "",
        "raw, or compressed to read the topic `image` with /compressed appended; " + OVERRIDE,
        choices=("", "raw", "compressed"),
    ),
    argument("namespace", "", "namespace of all nodes that are started"),
    argument(
        "params_file",
        PathJoinSubstitution([SHARE, "config", "evf_sam.yaml"]),
        "YAML file with the node's parameters",
    ),
    argument("model", "", "folder, name or Hugging Face id of the model; " + OVERRIDE),
    argument("device", "", "cpu, cuda, cuda:N or auto; " + OVERRIDE),
    argument("engine", "", "inference engine: auto, torch or openvino; " + OVERRIDE),
    argument(
        "mode",
        "",
        "once (one answer per command), stream or track; " + OVERRIDE,
        choices=("", "once", "stream", "track"),
    ),
    argument(
        "score_threshold",
        "",
        "lowest p(found), 0 to 1, that counts as found; -1: the model's own; " + OVERRIDE,
    ),
    argument("max_rate_hz", "", "limit of images processed per second; 0: none; " + OVERRIDE),
    argument(
        "use_depth", "", "look up positions in the depth image; " + OVERRIDE, EMPTY_OR_SWITCH
    ),
    argument(
        "autostart",
        "",
        "configure and activate the node without a lifecycle manager; " + OVERRIDE,
        EMPTY_OR_SWITCH,
    ),
    switch("respawn", "false", "start the node again two seconds after it has died"),
    switch("use_sim_time", "false", "take the time from /clock"),
    argument("log_level", "info", "least severe messages of the node that are logged", LOG_LEVELS),
    switch("web", "false", "serve the operator's page on this machine (needs python3-aiohttp)"),
    argument("web_port", "8420", "port of the page; each instance needs its own"),
    argument(
        "web_host",
        "127.0.0.1",
        "address of the page; one that other machines reach needs a token in the environment "
        "variable EVF_SAM_WEB_TOKEN (docs/reference/security.md)",
    ),
    switch("rviz", "false", "start rviz and show the answers in it (needs rviz2)"),
    argument(
        "rviz_config",
        PathJoinSubstitution([SHARE, "config", "evf_sam.rviz"]),
        "configuration file of rviz",
    ),
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
            *("-d", LaunchConfiguration("rviz_config")),
            *("-f", LaunchConfiguration("fixed_frame")),
        ],
        remappings=[(f"/evf_sam/{name}", f"evf_sam/{name}") for name in SHOWN],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    web = IfCondition(LaunchConfiguration("web"))
    steps = [
        needs_package("rviz2", when="rviz", executable="rviz2"),
        needs_path("params_file"),
        needs_path("rviz_config"),
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


def filled(context: LaunchContext, *names: str) -> list[str]:
    """Return the names of the arguments that are not empty."""
    return [name for name in names if LaunchConfiguration(name).perform(context)]


def start_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start the node, with the parameters that the command line gives on top of the file's."""
    use_sim_time = LaunchConfiguration("use_sim_time")
    overrides = given(filled(context, *VALUES), filled(context, *TEXTS))
    node = in_namespace(
        "evf_sam_ros",
        "evf_sam_node",
        name="evf_sam",
        parameters=[
            LaunchConfiguration("params_file"),
            {"use_sim_time": use_sim_time, **overrides},
        ],
        remappings=topics(),
        respawn=is_on(context, "respawn"),
        respawn_delay=2.0,
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
        parameters=[{**listening, **given(texts=filled(context, "image_transport"))}],
        remappings=topics(),
    )
    return [page]
