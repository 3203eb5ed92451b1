"""Start the node on a robot: `ros2 launch evf_sam_ros evf_sam.launch.py image:=... depth:=...`."""

import os

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare("evf_sam_ros")
OLD_NAME_UNTIL = ("humble", "iron", "jazzy")  # newer releases warn of it
# What config/evf_sam.rviz shows; relative names follow the namespace.
SHOWN = ("overlay", "markers", "centroid", "object_points")
INPUTS = ("image", "depth", "camera_info", "text_command")
OVERRIDES = ("model", "device")

ARGUMENTS = [
    DeclareLaunchArgument("image", default_value="image", description="colour image topic"),
    DeclareLaunchArgument(
        "depth", default_value="depth", description="depth image topic, registered to the colour"
    ),
    DeclareLaunchArgument(
        "camera_info", default_value="camera_info", description="intrinsics of the colour image"
    ),
    DeclareLaunchArgument(
        "text_command", default_value="text_command", description="topic of what people say"
    ),
    DeclareLaunchArgument("namespace", default_value="", description="namespace of the node"),
    DeclareLaunchArgument(
        "params_file",
        default_value=PathJoinSubstitution([SHARE, "config", "evf_sam.yaml"]),
        description="parameter file of the node",
    ),
    DeclareLaunchArgument(
        "model", default_value="", description="overrides the parameter file unless empty"
    ),
    DeclareLaunchArgument(
        "device", default_value="", description="overrides the parameter file unless empty"
    ),
    DeclareLaunchArgument(
        "use_sim_time", default_value="false", description="take the time from /clock"
    ),
    DeclareLaunchArgument("log_level", default_value="info", description="of the node"),
    DeclareLaunchArgument("rviz", default_value="false", description="show what is found in rviz"),
    DeclareLaunchArgument(
        "fixed_frame",
        default_value="camera_color_optical_frame",
        description="frame that rviz draws in: the image's own where there is no tf",
    ),
    DeclareLaunchArgument(
        "fastdds_profile",
        default_value=PathJoinSubstitution([SHARE, "config", "fastdds.xml"]),
        description="Fast DDS profile, unless the environment names one; empty: none",
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
    steps = [OpaqueFunction(function=set_profile), OpaqueFunction(function=start_node), rviz]
    return LaunchDescription([*ARGUMENTS, *steps])


def set_profile(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Name the Fast DDS profile in the variable that this release reads, unless the user has."""
    fast_dds = "FASTRTPS" if os.environ.get("ROS_DISTRO") in OLD_NAME_UNTIL else "FASTDDS"
    variable = f"{fast_dds}_DEFAULT_PROFILES_FILE"
    profile = LaunchConfiguration("fastdds_profile").perform(context)
    if not profile or variable in os.environ:
        return []
    return [SetEnvironmentVariable(variable, profile)]


def start_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start the node, with the parameters that the command line gives on top of the file's."""
    values = {name: LaunchConfiguration(name).perform(context) for name in OVERRIDES}
    overrides = {name: value for name, value in values.items() if value}
    node = Node(
        package="evf_sam_ros",
        executable="evf_sam_node",
        name="evf_sam",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            LaunchConfiguration("params_file"),
            {"use_sim_time": LaunchConfiguration("use_sim_time"), **overrides},
        ],
        remappings=[(name, LaunchConfiguration(name)) for name in INPUTS],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )
    return [node]
