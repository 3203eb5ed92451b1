"""What the launch files share: how arguments are declared, and the node of every preset."""

from collections.abc import Sequence
from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
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


def argument(name: str, default: Any, description: str) -> DeclareLaunchArgument:
    """Declare an argument; one without a default (None) is needed."""
    return DeclareLaunchArgument(name, default_value=default, description=description)


def topic_arguments(**topics: Any) -> list[DeclareLaunchArgument]:
    """Declare where some of `TOPICS` are."""
    return [argument(name, topic, TOPICS[name]) for name, topic in topics.items()]


DRIVER = argument("driver", "true", "start the driver; false: it runs already")
WITH_DRIVER = IfCondition(LaunchConfiguration("driver"))


def preset(arguments: Sequence[DeclareLaunchArgument], *started: Any) -> LaunchDescription:
    """Start the node with these defaults, then what gives it images.

    The node is first: it sets the Fast DDS profile that a camera needs as well, and declares
    `namespace`.
    """
    node = PathJoinSubstitution([SHARE, "launch", "evf_sam.launch.py"])
    include = IncludeLaunchDescription(PythonLaunchDescriptionSource(node))
    return LaunchDescription([*arguments, include, *started])


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
