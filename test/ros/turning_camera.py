"""A camera on a joint that pans before a wall with discs on it, its depth and its transforms.

The frames are map (z up), mount, which turns about z, and camera, the optical frame.
"""

import array

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from robot import Shot
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.ros.cameras.camera_messages import pinhole_info
from evf_sam_ros.ros.conversions import image_from_rgb
from evf_sam_ros.ros.stamps import time_message

WIDTH, HEIGHT, FOCAL_PX = 320, 240, 300.0
MATRIX = np.array([[FOCAL_PX, 0, 159.5], [0, FOCAL_PX, 119.5], [0, 0, 1.0]])
MOUNT_M = np.array([0.0, 0.0, 0.5])  # in the map
ARM_M = np.array([0.1, 0.0, 0.0])  # from the axis of the joint to the camera
MOUNT_FROM_CAMERA = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # REP 103: optical
OPTICAL = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)
WALL_X_M = 2.5
AMPLITUDE, PERIOD_S = 0.3, 2.0  # at most 0.94 rad/s


def pan(at_s):
    return AMPLITUDE * np.sin(2 * np.pi * at_s / PERIOD_S)


class Disc:
    """A disc that faces the robot, upright, in colours 0..255."""

    def __init__(self, center_m, radius_m=0.15, color=(220, 30, 30)):
        self.center_m, self.radius_m, self.color = np.array(center_m), radius_m, color


def photographed(discs, angle):
    """Return (H, W, 3) colours and (H, W) depth of the scene at an angle of the joint."""
    turned = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    origin = MOUNT_M + turned @ ARM_M
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    rays = np.stack([(u - 159.5) / FOCAL_PX, (v - 119.5) / FOCAL_PX, np.ones_like(u, float)], -1)
    rays = rays @ (turned @ MOUNT_FROM_CAMERA).T  # in the map; the length along the axis is 1
    depth = (WALL_X_M - origin[0]) / rays[..., 0]
    rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for disc in discs:
        reach = (disc.center_m[0] - origin[0]) / rays[..., 0]
        hit = origin + reach[..., None] * rays
        inside = np.linalg.norm(hit - disc.center_m, axis=-1) < disc.radius_m
        inside &= reach < depth
        depth[inside] = reach[inside]
        rgb[inside] = disc.color
    return rgb, depth.astype(np.float32)


def shot(discs, stamp_ns, angle, frame_id="camera"):
    """Return what the camera sends at one time."""
    header = Header(stamp=time_message(stamp_ns), frame_id=frame_id)
    rgb, depth_m = photographed(discs, angle)
    depth = Image(header=header, encoding="32FC1", height=HEIGHT, width=WIDTH, step=4 * WIDTH)
    depth.data = array.array("B", depth_m.tobytes())
    info = pinhole_info(MATRIX, WIDTH, HEIGHT, header)
    return Shot(image_from_rgb(rgb, header), depth, info)


def joint(stamp_ns, angle, parent="map"):
    """Return the transform of the joint at a time."""
    header = Header(stamp=time_message(stamp_ns), frame_id=parent)
    x, y, z = MOUNT_M.tolist()
    turned = Quaternion(z=float(np.sin(angle / 2)), w=float(np.cos(angle / 2)))
    place = Transform(translation=Vector3(x=x, y=y, z=z), rotation=turned)
    return TransformStamped(header=header, child_frame_id="mount", transform=place)


def fixed():
    """Return the transform from the joint to the camera, which never changes."""
    x, y, z = ARM_M.tolist()
    place = Transform(translation=Vector3(x=x, y=y, z=z), rotation=OPTICAL)
    header = Header(frame_id="mount")
    return TransformStamped(header=header, child_frame_id="camera", transform=place)
