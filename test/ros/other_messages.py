"""Build message packages that PyPI does not have, from their fields, as a robot has them."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "vision_msgs": {
        "Point2D": "float64 x\nfloat64 y",
        "Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
        "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
        "BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size",
        "ObjectHypothesis": "string class_id\nfloat64 score",
        "ObjectHypothesisWithPose": (
            "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose"
        ),
        "Detection2D": (
            "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
            "vision_msgs/BoundingBox2D bbox\nstring id"
        ),
        "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
        "Detection3D": (
            "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
            "vision_msgs/BoundingBox3D bbox\nstring id"
        ),
        "Detection3DArray": "std_msgs/Header header\nvision_msgs/Detection3D[] detections",
        "VisionClass": "uint16 class_id\nstring class_name",
        "LabelInfo": (
            "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold"
        ),
    },
    "tf2_msgs": {"TFMessage": "geometry_msgs/TransformStamped[] transforms"},
    "shape_msgs": {
        "SolidPrimitive": (
            "uint8 BOX=1\nuint8 SPHERE=2\nuint8 CYLINDER=3\nuint8 CONE=4\nuint8 PRISM=5\n"
            "uint8 type\nfloat64[<=3] dimensions\nuint8 BOX_X=0\nuint8 BOX_Y=1\nuint8 BOX_Z=2\n"
            "geometry_msgs/Polygon polygon"
        ),
        "MeshTriangle": "uint32[3] vertex_indices",
        "Mesh": "shape_msgs/MeshTriangle[] triangles\ngeometry_msgs/Point[] vertices",
        "Plane": "float64[4] coef",
    },
    "object_recognition_msgs": {"ObjectType": "string key\nstring db"},
    "moveit_msgs": {
        "CollisionObject": (
            "std_msgs/Header header\ngeometry_msgs/Pose pose\nstring id\n"
            "object_recognition_msgs/ObjectType type\n"
            "shape_msgs/SolidPrimitive[] primitives\ngeometry_msgs/Pose[] primitive_poses\n"
            "shape_msgs/Mesh[] meshes\ngeometry_msgs/Pose[] mesh_poses\n"
            "shape_msgs/Plane[] planes\ngeometry_msgs/Pose[] plane_poses\n"
            "string[] subframe_names\ngeometry_msgs/Pose[] subframe_poses\n"
            "byte ADD=0\nbyte REMOVE=1\nbyte APPEND=2\nbyte MOVE=3\nbyte operation"
        )
    },
    "hri_msgs": {
        "LiveSpeech": (
            "std_msgs/Header header\nstring incremental\nstring final\nfloat64 confidence"
        )
    },
}
CMAKE = """
cmake_minimum_required(VERSION 3.20)
project({name})
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
find_package(std_msgs REQUIRED)
set(used std_msgs geometry_msgs {used})
foreach(package ${{used}})
  find_package(${{package}} REQUIRED)
endforeach()
file(GLOB messages RELATIVE ${{CMAKE_CURRENT_SOURCE_DIR}} msg/*.msg)
rosidl_generate_interfaces({name} ${{messages}} DEPENDENCIES ${{used}})
ament_package()
"""
MANIFEST = """
<package format="3">
<name>{name}</name><version>1.0.0</version><description>.</description>
<maintainer email="nobody@example.com">a</maintainer><license>none</license>
<buildtool_depend>ament_cmake</buildtool_depend>
<depend>std_msgs</depend><depend>geometry_msgs</depend>
<member_of_group>rosidl_interface_packages</member_of_group>
<export><build_type>ament_cmake</build_type></export>
</package>
"""


def build(folder, environment):
    """Install every package to a prefix below the folder; return the prefix."""
    prefix, injected = folder / "prefix", folder / "injected.cmake"
    injected.write_text(_constant(ROOT / "setup.py", "DROP_MISSING_DIRECTORIES"))
    environment = {
        **environment,
        "CMAKE_PREFIX_PATH": f"{prefix}:{sys.prefix}",
        "AMENT_PREFIX_PATH": f"{prefix}:{sys.prefix}",
    }
    for name, messages in PACKAGES.items():
        source = folder / name
        (source / "msg").mkdir(parents=True)
        fields = "\n".join(messages.values())
        used = " ".join(each for each in PACKAGES if each != name and f"{each}/" in fields)
        (source / "CMakeLists.txt").write_text(CMAKE.format(name=name, used=used))
        (source / "package.xml").write_text(MANIFEST.format(name=name).strip())
        for message, fields in messages.items():
            (source / "msg" / f"{message}.msg").write_text(fields + "\n")
        configure = [
            *("cmake", "-S", source, "-B", source / "build", "-DBUILD_TESTING=OFF"),
            f"-DCMAKE_INSTALL_PREFIX={prefix}",
            f"-DCMAKE_INSTALL_RPATH={prefix / 'lib'}",
            f"-DPython3_EXECUTABLE={sys.executable}",
            f"-DCMAKE_PROJECT_{name}_INCLUDE={injected}",
        ]
        install = ["cmake", "--build", source / "build", "--target", "install", "--parallel", "2"]
        for command in (configure, install):
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return prefix


def surroundings(prefix, environment):
    """Return the environment of a process that finds the packages, as a sourced workspace's."""
    (python,) = prefix.glob("lib/python3*/*-packages")
    added = {
        "PYTHONPATH": python,
        "LD_LIBRARY_PATH": prefix / "lib",
        "AMENT_PREFIX_PATH": f"{prefix}:{sys.prefix}",
    }
    joined = {
        name: ":".join(filter(None, (str(value), environment.get(name, ""))))
        for name, value in added.items()
    }
    return {**environment, **joined}


def _constant(path, name):
    """Return a string that a module assigns, without running the module."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path.name} has no {name}")
