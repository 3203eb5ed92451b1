"""Images are taken while somebody waits for one, else the newest are fetched on demand."""

import numpy as np
import pytest
import rclpy
from patience import patience
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.perception.registration import RegisteredDepth
from evf_sam_ros.ros.conversions import image_message, rgb_from_image
from evf_sam_ros.ros.node.camera_inputs import CameraInputs
from evf_sam_ros.ros.node.depth_source import DepthOptions, DepthSource
from evf_sam_ros.ros.node.statistics import Statistics
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import time_message

SECOND = 1_000_000_000
PERIOD_NS = 33_333_333


class Camera:
    """A camera, and what the node takes of it."""

    def __init__(self, **settings):
        self.node = rclpy.create_node("camera_inputs")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.is_wanted = False
        self.depth = DepthSource()
        self.taken = []
        self.inputs = CameraInputs(
            self.node,
            NodeParameters(**settings),
            self.depth,
            on_image=lambda image, arrived, follows: self.taken.append((image, follows)),
            is_wanted=lambda: self.is_wanted,
            on_mixed=lambda said: None,
        )
        self.publishers = [
            self.node.create_publisher(kind, name, 50)
            for kind, name in ((Image, "image"), (Image, "depth"), (CameraInfo, "camera_info"))
        ]
        self.spin_until(lambda: all(each.get_subscription_count() for each in self.publishers))

    def spin_until(self, done):
        for _ in range(round(patience(100))):
            if done():
                return
            self.executor.spin_once(timeout_sec=0.05)
        raise AssertionError("waited in vain")

    def show(self, *numbers):
        """Send images with depth and camera_info; the number is seen in grey and distance."""
        for number in numbers:
            header = Header(stamp=time_message(100 * SECOND + number * PERIOD_NS), frame_id="eye")
            grey = np.full((4, 6, 3), number, np.uint8)
            millimetres = np.full((4, 6), 1000 + number, "<u2")
            info = CameraInfo(header=header, width=6, height=4)
            info.k = [6.0, 0.0, 3.0, 0.0, 6.0, 2.0, 0.0, 0.0, 1.0]
            image = image_message(grey, "rgb8", header)
            depth = image_message(millimetres, "16UC1", header)
            for publisher, message in zip(self.publishers, (image, depth, info), strict=True):
                publisher.publish(message)
        self.spin(5)

    def spin(self, times):
        for _ in range(times):
            self.executor.spin_once(timeout_sec=0.05)

    def greys(self):
        return [int(rgb_from_image(image)[0, 0, 0]) for image, _ in self.taken]

    def close(self):
        self.inputs.destroy()
        self.executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def camera(ros):
    camera = Camera()
    yield camera
    camera.close()


def test_images_that_nobody_wants_are_not_taken(camera):
    camera.show(1, 2, 3)
    assert not camera.taken


def test_the_newest_two_are_there_when_they_are_needed(camera):
    camera.show(1, 2, 3, 4)
    camera.inputs.catch_up()
    assert camera.greys() == [3, 4]
    # Between 3 and what was taken before, if anything, others were sent.
    assert [follows for _, follows in camera.taken] == [False, True]


def test_an_image_that_came_alone_follows_the_one_before(camera):
    camera.show(1)
    camera.inputs.catch_up()
    camera.show(2)
    camera.inputs.catch_up()
    assert [follows for _, follows in camera.taken] == [True, True]


def test_what_is_wanted_is_taken_as_it_comes(camera):
    camera.is_wanted = True
    for number in (1, 2, 3, 4, 5):
        camera.show(number)
    assert camera.greys() == [1, 2, 3, 4, 5]


def test_the_depth_of_an_image_comes_with_it(camera):
    """Sent after the image, which is how most cameras do it, and never looked at before."""
    camera.show(1, 2, 3, 4)
    camera.inputs.catch_up()
    image = camera.taken[-1][0]
    camera.depth.expect(image.header)
    found = camera.depth.find(image.header, (6, 4), DepthOptions())
    assert isinstance(found, RegisteredDepth)
    assert found.depth_m[0, 0] == pytest.approx(1.004)


@pytest.mark.parametrize("before", [(), (1, 2)])
def test_depth_comes_behind_the_first_image_and_behind_the_first_after_a_silence(camera, before):
    """Nothing tells yet, or any more, that there is depth; it must be taken all the same."""
    camera.is_wanted = True
    camera.show(*before)
    for stream in (camera.depth._pairing.depths, camera.depth._pairing.infos):
        for item in stream.items:
            item.arrived -= 60 * SECOND
    header = Header(stamp=time_message(200 * SECOND), frame_id="eye")
    image, depth, info = camera.publishers
    image.publish(image_message(np.zeros((4, 6, 3), np.uint8), "rgb8", header))
    camera.spin_until(lambda: len(camera.taken) == len(before) + 1)
    sent = CameraInfo(header=header, width=6, height=4)
    sent.k = [6.0, 0.0, 3.0, 0.0, 6.0, 2.0, 0.0, 0.0, 1.0]
    depth.publish(image_message(np.full((4, 6), 1500, "<u2"), "16UC1", header))
    info.publish(sent)
    kept = camera.depth._pairing.depths.items, camera.depth._pairing.infos.items
    camera.spin_until(lambda: all(len(each) == len(before) + 1 for each in kept))
    found = camera.depth.find(camera.taken[-1][0].header, (6, 4), DepthOptions())
    assert found.depth_m[0, 0] == pytest.approx(1.5)


def test_depth_that_comes_later_than_its_image_is_waited_for(camera):
    camera.is_wanted = True
    camera.show(1, 2)
    header = Header(stamp=time_message(100 * SECOND + 3 * PERIOD_NS), frame_id="eye")
    image, depth, info = camera.publishers
    image.publish(image_message(np.zeros((4, 6, 3), np.uint8), "rgb8", header))
    camera.spin_until(lambda: len(camera.taken) == 3)
    assert camera.depth.is_waiting
    sent = CameraInfo(header=header, width=6, height=4)
    sent.k = [6.0, 0.0, 3.0, 0.0, 6.0, 2.0, 0.0, 0.0, 1.0]
    info.publish(sent)
    depth.publish(image_message(np.full((4, 6), 1500, "<u2"), "16UC1", header))
    camera.spin_until(lambda: not camera.depth.is_waiting)
    found = camera.depth.find(camera.taken[-1][0].header, (6, 4), DepthOptions())
    assert found.depth_m[0, 0] == pytest.approx(1.5)


def test_every_frame_of_a_recording_is_taken_though_nobody_waits_yet(ros):
    camera = Camera(processing="every_frame")
    camera.is_wanted = True
    camera.show(*range(20))
    camera.spin_until(lambda: len(camera.taken) == 20)
    camera.close()


def test_the_rate_counts_only_images_that_followed_each_other():
    statistics = Statistics()
    for arrived, follows in ((1.0, False), (1.1, True), (2.0, False), (2.1, True), (2.2, True)):
        statistics.image_arrived(arrived, follows=follows)
    assert statistics.image_rate_hz() == pytest.approx(10.0)
    assert statistics.images == 5


@pytest.mark.parametrize(
    ("processing", "depths"),
    [
        ("latest", {"image": 2, "depth": 5, "camera_info": 50, "depth/camera_info": 50}),
        ("every_frame", {"image": 50, "depth": 50, "camera_info": 50, "depth/camera_info": 50}),
    ],
)
def test_each_input_holds_what_the_node_may_fall_behind(ros, processing, depths):
    """With a queue of one, depth of the image at work is gone when the image is answered."""
    camera = Camera(processing=processing)
    heard = {
        each.topic_name.lstrip("/"): each.qos_profile.depth for each in camera.node.subscriptions
    }
    camera.close()
    assert {name: heard[name] for name in depths} == depths
