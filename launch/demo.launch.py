"""Start the simulated tabletop and the node: `ros2 launch evf_sam_ros demo.launch.py rviz:=true`.

Then say what to find:
`ros2 topic pub -1 /text_command std_msgs/msg/String "{data: 'pick up the red mug'}"`
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

LAUNCH = PathJoinSubstitution([FindPackageShare("evf_sam_ros"), "launch"])
PASSED_ON = ("namespace", "rviz", "model", "device")

ARGUMENTS = [
    DeclareLaunchArgument("seed", default_value="900000", description="which scene to show"),
    DeclareLaunchArgument("rate_hz", default_value="15.0", description="images per second"),
    DeclareLaunchArgument("namespace", default_value="", description="of camera and node"),
    DeclareLaunchArgument("rviz", default_value="false", description="show what is found in rviz"),
    DeclareLaunchArgument("model", default_value="", description="empty: the node's default"),
    DeclareLaunchArgument("device", default_value="", description="empty: the node's default"),
]


def generate_launch_description() -> LaunchDescription:
    """Start the node first: it sets the Fast DDS profile that the camera needs as well."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([LAUNCH, "evf_sam.launch.py"])),
        launch_arguments=[(name, LaunchConfiguration(name)) for name in PASSED_ON],
    )
    camera = Node(
        package="evf_sam_ros",
        executable="sim_camera",
        name="sim_camera",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            {"seed": LaunchConfiguration("seed"), "rate_hz": LaunchConfiguration("rate_hz")}
        ],
        output="screen",
    )
    return LaunchDescription([*ARGUMENTS, node, camera])
