"""Shared code of the launch files: arguments, the node of every preset, and checks at the start.

A process that has been started outlives a launch file that fails afterwards, unseen. So everything
that can be missing is checked before the first process is described.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare("evf_sam_ros")
TOPICS = {
    "image": "colour image topic",
    "depth": "depth image topic, registered to the colour",
    "camera_info": "intrinsics of the colour image",
    "text_command": "topic of what people say",
    "fixed_frame": "frame that rviz draws in: the image's own where there is no tf",
}


SWITCH = ("true", "false", "True", "False", "1", "0")  # the words that IfCondition takes


def argument(
    name: str, default: Any, description: str, choices: Sequence[str] = ()
) -> DeclareLaunchArgument:
    """Declare an argument; one without a default (None) must be given.

    launch refuses a value outside `choices`, if there are any, before it starts anything.
    """
    options = {"choices": list(choices)} if choices else {}
    return DeclareLaunchArgument(name, default_value=default, description=description, **options)


def switch(name: str, default: str, description: str) -> DeclareLaunchArgument:
    """Declare an argument that is true or false."""
    return argument(name, default, description, SWITCH)


def is_on(context: LaunchContext, name: str) -> bool:
    """Return whether a switch is true."""
    return LaunchConfiguration(name).perform(context).lower() in ("true", "1")


def needs_package(
    package: str, *, when: str, executable: str = "", cure: str = ""
) -> OpaqueFunction:
    """Check that a package is installed, if the switch `when` is on.

    Args:
        package: name of the ROS package.
        when: name of the switch that asks for it.
        executable: program of the package that must be there, if any.
        cure: command or place to get it from, instead of `apt install ros-DISTRO-PACKAGE`.
    """

    def check(context: LaunchContext) -> None:
        if is_on(context, when) and not _is_installed(package, executable):
            raise RuntimeError(
                f"{when}:=true needs the ROS package {package}, which is not installed: "
                f"{cure or apt_line(package)}, or give {when}:=false"
            )

    return OpaqueFunction(function=check)


def needs_path(name: str) -> OpaqueFunction:
    """Check that the file or folder that an argument names exists, unless it is empty."""

    def check(context: LaunchContext) -> None:
        path = LaunchConfiguration(name).perform(context)
        if path and not Path(path).expanduser().exists():
            raise RuntimeError(f"{name}:={path}: there is no such file or folder")

    return OpaqueFunction(function=check)


def apt_line(package: str) -> str:
    """Return the command that installs a ROS package of the sourced release."""
    release = os.environ.get("ROS_DISTRO", "$ROS_DISTRO")
    return f"sudo apt install ros-{release}-{package.replace('_', '-')}"


def _is_installed(package: str, executable: str) -> bool:
    try:
        prefix = Path(get_package_prefix(package))
    except PackageNotFoundError:
        return False
    return not executable or (prefix / "lib" / package / executable).exists()


def topic_arguments(**topics: Any) -> list[DeclareLaunchArgument]:
    """Declare where some of `TOPICS` are."""
    return [argument(name, topic, TOPICS[name]) for name, topic in topics.items()]


DRIVER = switch("driver", "true", "start the camera driver; false: it is running already")
WITH_DRIVER = IfCondition(LaunchConfiguration("driver"))


def preset(
    arguments: Sequence[DeclareLaunchArgument],
    *started: Any,
    checks: Sequence[OpaqueFunction] = (),
) -> LaunchDescription:
    """Start the node with these defaults, then what gives it images, if no check raises.

    The node is first: it sets the Fast DDS profile that a camera needs as well, and declares
    `namespace`.
    """
    node = PathJoinSubstitution([SHARE, "launch", "evf_sam.launch.py"])
    include = IncludeLaunchDescription(PythonLaunchDescriptionSource(node))
    return LaunchDescription([*arguments, *checks, include, *started])


def in_namespace(package: str, executable: str, **options: Any) -> Node:
    """Start a program in the namespace that the user gave, its words on the screen."""
    namespace = LaunchConfiguration("namespace")
    return Node(
        package=package, executable=executable, namespace=namespace, output="screen", **options
    )


def given(values: Sequence[str] = (), texts: Sequence[str] = ()) -> dict[str, Any]:
    """Return arguments as parameters of the same names; texts stay texts, as `007`."""
    return {
        **{name: LaunchConfiguration(name) for name in values},
        **{name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in texts},
    }
