"""Run by test_other_messages.py, where vision_msgs is installed: what Nav2's semantic layer takes.

The consumer checks what that layer relies on: sizes, encodings, QoS, stamps, and ids that stay.
"""

import numpy as np
import pytest
import turning_camera
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from robot import Shot
from sensor_msgs.msg import Image, PointCloud2
from std_srvs.srv import SetBool
from turning_camera import HEIGHT, WIDTH, Disc
from vision_msgs.msg import LabelInfo
from with_frames import running

from evf_sam_ros.ros.stamps import nanoseconds
from evf_sam_ros.srv import SetClasses

RED, BLUE = Disc((2.0, 0.3, 0.5)), Disc((2.0, -0.3, 0.5), color=(30, 30, 220))
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
TOPICS = {"label_mask": Image, "confidence": Image, "points": PointCloud2}
HOLE = np.s_[100:110, 20:40]  # no depth there


class Costmap:
    """A consumer that comes when the node is running already, as costmaps do."""

    def __init__(self, robot):
        self.robot = robot
        self.log = []  # what came, in order
        node = robot.node
        node.create_subscription(
            LabelInfo,
            "evf_sam/semantic/label_info",
            lambda message: self.log.append(("info", message)),
            LATCHED,
        )
        for name, kind in TOPICS.items():
            node.create_subscription(
                kind,
                f"evf_sam/semantic/{name}",
                lambda message, name=name: self.log.append((name, message)),
                qos_profile_sensor_data,
            )
        self.shown = {}
        self.discs = [RED, BLUE]

    def all(self, name):
        return [message for kind, message in self.log if kind == name]

    def show(self):
        now = self.robot.node.get_clock().now().nanoseconds
        shot = turning_camera.shot(self.discs, now, 0.0)
        depth = np.frombuffer(shot.depth.data, np.float32).reshape(HEIGHT, WIDTH).copy()
        depth[HOLE] = np.nan
        shot.depth.data = depth.tobytes()
        self.shown[now] = shot.image.header
        self.robot.show(Shot(shot.image, shot.depth, shot.info))

    def show_until(self, done, what):
        def shown_and_done():
            self.show()
            self.robot.spin_for(0.03)
            return done()

        self.robot.spin_until(shown_and_done, what=what)

    def set_classes(self, names, ids=()):
        request = SetClasses.Request(names=list(names), ids=list(ids))
        return self.robot.call(SetClasses, "set_classes", request)


def table(info):
    return {each.class_name: each.class_id for each in info.class_map}


def pixels(message):
    assert message.encoding == "mono8"
    assert (message.height, message.width, message.step) == (HEIGHT, WIDTH, WIDTH)
    return np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH)


@pytest.fixture
def costmap(robot_in):
    robot = robot_in("/nav")
    classes = "['red disc', 'blue disc', 'green disc']"
    with running("/nav", classes=classes, semantic_period_s=0.3) as process:
        robot.wait_until_active(process)
        yield Costmap(robot)


def test_the_layer_gets_what_its_contract_says(costmap):
    costmap.show_until(lambda: len(costmap.all("points")) >= 5, "masks with points")
    check_order_and_ids(costmap)
    check_pictures(costmap)
    check_qos(costmap.robot.node)
    check_changes(costmap)
    check_refusals(costmap)
    check_silence(costmap)


def check_order_and_ids(costmap):
    assert costmap.log[0][0] == "info"  # before the first mask
    assert table(costmap.all("info")[0]) == {"red disc": 1, "blue disc": 2, "green disc": 3}


def check_pictures(costmap):
    at = {
        name: {nanoseconds(each.header.stamp): each for each in costmap.all(name)}
        for name in TOPICS
    }
    stamps = list(at["label_mask"])
    assert stamps == sorted(stamps)
    together = set.intersection(*(set(each) for each in at.values()))
    assert len(together) >= 3
    for stamp in together:
        mask, confidence, cloud = (at[name][stamp] for name in TOPICS)
        assert mask.header == confidence.header == cloud.header == costmap.shown[stamp]
        labels = pixels(mask)
        assert set(np.unique(labels)) == {0, 1, 2}
        np.testing.assert_array_equal(pixels(confidence) > 0, labels > 0)
        assert pixels(confidence).max() == 204  # 0.8 of 255
        check_cloud(cloud, labels)
    # Followed between: more masks than the model had time for.
    assert len(stamps) > 3


def check_cloud(cloud, labels):
    assert (cloud.height, cloud.width) == labels.shape
    assert cloud.row_step == cloud.width * cloud.point_step
    assert not cloud.is_dense
    offsets = {field.name: field.offset for field in cloud.fields}
    step = np.frombuffer(cloud.data, np.uint8).reshape(HEIGHT, WIDTH, cloud.point_step)
    xyz = [step[..., offsets[n] : offsets[n] + 4].copy().view("<f4")[..., 0] for n in "xyz"]
    assert np.isnan(xyz[0][HOLE]).all()
    assert np.isnan(xyz[2][HOLE]).all()
    assert np.count_nonzero(np.isnan(xyz[2])) == 200
    # The red disc is to the left of the camera, 1.9 m before it.
    place = [np.median(axis[labels == 1]) for axis in xyz]
    np.testing.assert_allclose(place, [-0.3, 0.0, 1.9], atol=0.02)


def check_qos(node):
    for name in TOPICS:
        [offered] = node.get_publishers_info_by_topic(f"/nav/evf_sam/semantic/{name}")
        assert offered.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
        assert offered.qos_profile.durability == DurabilityPolicy.VOLATILE
    [offered] = node.get_publishers_info_by_topic("/nav/evf_sam/semantic/label_info")
    assert offered.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert offered.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL


def check_changes(costmap):
    """Change the classes at run time: ids stay, and the table comes before the masks."""
    costmap.log.clear()
    answer = costmap.set_classes(["blue disc", "yellow disc"])
    assert answer.success, answer.message
    assert answer.message.startswith("classes: 2 blue disc, 4 yellow disc")

    def blue_alone():
        masks = costmap.all("label_mask")
        return masks and set(np.unique(pixels(masks[-1]))) == {0, 2}

    costmap.show_until(blue_alone, "a mask of the new classes")
    infos = [number for number, (name, _) in enumerate(costmap.log) if name == "info"]
    assert table(costmap.log[infos[0]][1]) == {"blue disc": 2, "yellow disc": 4}
    for name, message in costmap.log[infos[0] :]:
        if name == "label_mask":
            assert set(np.unique(pixels(message))) <= {0, 2}
    chosen = costmap.set_classes(["lethal red"], [254])
    assert chosen.success, chosen.message
    costmap.show_until(
        lambda: costmap.all("label_mask") and pixels(costmap.all("label_mask")[-1]).max() == 254,
        "the chosen id",
    )


def check_refusals(costmap):
    before = len(costmap.all("info"))
    for names, ids, reason in (
        ([f"class {number}" for number in range(300)], [], "300 names, at most 255"),
        (["floor", " "], [], "classes[1] is ' '"),
        (["floor", "floor"], [], "twice"),
        (["other"], [254], "the id 254 is that of 'lethal red'"),
    ):
        answer = costmap.set_classes(names, ids)
        assert not answer.success
        assert reason in answer.message
    assert "classes[0] is ''" in costmap.robot.set(classes=[""])
    seen = len(costmap.all("label_mask"))
    costmap.show_until(lambda: len(costmap.all("label_mask")) > seen, "the masks to go on")
    assert len(costmap.all("info")) == before
    # The parameter says what the service has set, and sets it as well.
    assert costmap.robot.set(classes=["red disc"]) == ""
    costmap.show_until(lambda: table(costmap.all("info")[-1]) == {"red disc": 1}, "the old id")


def check_silence(costmap):
    assert costmap.robot.call(SetBool, "enable", SetBool.Request(data=False)).success
    costmap.robot.spin_for(0.5)
    costmap.log.clear()
    for _ in range(10):
        costmap.show()
        costmap.robot.spin_for(0.05)
    assert not costmap.log
