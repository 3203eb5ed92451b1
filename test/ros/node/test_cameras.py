"""Two cameras of different rates in one node: each has its own answers, and none starves."""

from threading import Event, Thread

import pytest
from action_msgs.msg import GoalStatus
from lifecycle_msgs.msg import Transition
from processes import running
from rcl_interfaces.srv import GetParameters
from rclpy.action import ActionClient
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from robot import Robot
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import Trigger

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.ros.node.camera_names import check_names
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.node.shared_predictor import FairLock
from evf_sam_ros.srv import Segment

TEXT = "the purple bottle"
SPACE = "/two"


class Eye:
    """One of the cameras, what is said to it alone, and what the node answers for it."""

    def __init__(self, robot, name):
        self.robot, self.name = robot, name
        node, qos = robot.node, robot.camera_qos
        self._publishers = [
            node.create_publisher(kind, f"{name}/{topic}", qos)
            for kind, topic in ((Image, "image"), (Image, "depth"), (CameraInfo, "camera_info"))
        ]
        self._text = node.create_publisher(String, f"{name}/text_command", 10)
        self.results = []
        node.create_subscription(R, f"evf_sam/{name}/result", self.results.append, 100)

    def is_connected(self):
        speakers = (*self._publishers, self._text)
        heard = all(each.get_subscription_count() for each in speakers)
        return heard and self.robot.node.count_publishers(f"evf_sam/{self.name}/result") == 1

    def say(self, text):
        self._text.publish(String(data=text))

    def show(self, scene):
        shot = self.robot.shot(scene)
        for publisher, message in zip(
            self._publishers, (shot.image, shot.depth, shot.info), strict=True
        ):
            publisher.publish(message)
        return shot.image.header.stamp

    def answer_to(self, stamp):
        return next((each for each in self.results if each.header.stamp == stamp), None)


class TwoEyes(Robot):
    """A robot with a head and a wrist camera; `say` is to both."""

    def __init__(self):
        super().__init__(SPACE, name="two_eyes")
        self.head, self.wrist = (Eye(self, name) for name in ("head", "wrist"))
        self.eyes = self.head, self.wrist

    def is_connected(self):
        return self._text.get_subscription_count() == 2 and all(
            eye.is_connected() for eye in self.eyes
        )

    def reset(self):
        """End the commands of both, and forget their answers."""
        self.call(Trigger, "cancel")
        assert self.set(score_threshold=0.0, max_frame_age_s=0.0) == ""
        self.spin_for(0.2)
        for eye in self.eyes:
            eye.results.clear()


@pytest.fixture(scope="module")
def process(ros):
    robot = TwoEyes()
    with running("node.segmentation_node", "cameras:=[head, wrist]", namespace=SPACE) as process:
        robot.wait_until_active(process)
        yield robot
    robot.close()


@pytest.fixture
def robot(process):
    process.reset()
    return process


def test_a_command_to_one_camera_is_followed_by_that_one_alone(robot, scenes):
    robot.head.say(TEXT)
    stamps = {}

    def answered():
        stamps.update({eye.name: eye.show(scenes[0]) for eye in robot.eyes})
        robot.spin_for(0.1)
        return robot.head.results

    robot.spin_until(answered, what="an answer about the head's image")
    assert {each.camera for each in robot.head.results} == {"head"}
    assert robot.head.results[0].status == R.FOUND
    assert robot.head.results[0].depth_status == R.OK
    assert not robot.wrist.results


def test_a_command_to_all_is_followed_by_each(robot, scenes):
    robot.say(TEXT)

    def answered():
        for eye in robot.eyes:
            eye.show(scenes[0])
        robot.spin_for(0.1)
        return all(eye.results for eye in robot.eyes)

    robot.spin_until(answered, what="answers about both cameras' images")
    for eye in robot.eyes:
        assert {each.camera for each in eye.results} == {eye.name}
        assert {each.expression for each in eye.results} == {TEXT}


def test_a_command_to_one_does_not_disturb_the_other(robot, scenes):
    robot.head.say(TEXT)
    robot.spin_until(lambda: robot.head.show(scenes[0]) and robot.head.results)
    followed = robot.head.results[0].command_id
    robot.wrist.say("the red mug")
    robot.spin_until(lambda: robot.wrist.show(scenes[1]) and robot.wrist.results)
    robot.wrist.say("stop")
    robot.spin_until(lambda: robot.wrist.results[-1].status == R.CANCELLED)
    count = len(robot.head.results)
    robot.spin_until(lambda: robot.head.show(scenes[0]) and len(robot.head.results) > count)
    statuses = {(each.command_id, each.status, each.expression) for each in robot.head.results}
    assert statuses == {(followed, R.FOUND, TEXT)}


def test_each_image_of_a_slow_camera_is_answered_beside_a_fast_one(robot, scenes):
    """The fast one sends an image whenever an answer may have freed the model."""
    robot.say(TEXT)
    for _ in range(5):
        stamp = robot.wrist.show(scenes[0])
        robot.spin_until(
            lambda: robot.head.show(scenes[0]) and robot.wrist.answer_to(stamp),  # noqa: B023
            what="an answer about the slow camera's image",
        )
    robot.spin_until(lambda: robot.head.show(scenes[0]) and len(robot.head.results) >= 5)


def seen_by_the_wrist(robot, scenes):
    """Show the object to the wrist camera; the head sees a picture that tells nothing."""
    robot.wrist.show(scenes[0])
    blank = robot.shot(scenes[0])
    blank.image.data[:] = type(blank.image.data)("B", bytes(len(blank.image.data)))
    robot.head._publishers[0].publish(blank.image)


def segment(robot, **request):
    return robot.call(Segment, "segment", Segment.Request(text=TEXT, **request)).result


def test_a_request_tells_in_which_camera_the_object_is(robot, scenes):
    seen_by_the_wrist(robot, scenes)
    robot.spin_for(0.3)
    best = segment(robot)
    assert (best.status, best.camera) == (R.FOUND, "wrist")
    asked = segment(robot, camera="head")
    assert (asked.status, asked.camera) == (R.UNSUITABLE_IMAGE, "head")


def test_a_request_for_a_camera_that_there_is_not_names_those_that_there_are(robot):
    refused = segment(robot, camera="nose")
    assert refused.status == R.COMMAND_REJECTED
    assert refused.message == "camera is 'nose', need head, wrist or none"


def test_a_search_ends_in_the_camera_that_finds_the_object(robot, scenes):
    client = ActionClient(robot.node, FindObject, "evf_sam/find_object")
    assert client.wait_for_server(30.0)
    robot.spin_for(0.1)
    sent = client.send_goal_async(FindObject.Goal(text=TEXT))
    robot.spin_until(sent.done, what="the goal to be accepted")
    ended = sent.result().get_result_async()

    def done():
        seen_by_the_wrist(robot, scenes)
        robot.spin_for(0.1)
        return ended.done()

    robot.spin_until(done, what="the goal to end")
    assert ended.result().status == GoalStatus.STATUS_SUCCEEDED
    assert ended.result().result.result.camera == "wrist"
    client.destroy()


def test_a_parameter_reaches_the_cameras(robot):
    assert robot.set(command_ttl_s=12.5) == ""
    for eye in robot.eyes:
        request = GetParameters.Request(names=["command_ttl_s", "cameras"])
        values = robot.call(
            GetParameters, "get_parameters", request, node=f"evf_sam/{eye.name}"
        ).values
        assert values[0].double_value == 12.5
        assert list(values[1].string_array_value) == []
    robot.set(command_ttl_s=30.0)


def test_the_cameras_come_back_after_a_cleanup(robot, scenes):
    for step in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        assert robot.change_state(getattr(Transition, f"TRANSITION_{step}"))
    robot.spin_until(robot.is_connected, what="the topics to be connected again")
    robot.wrist.say(TEXT)
    robot.spin_until(lambda: robot.wrist.show(scenes[0]) and robot.wrist.results)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["head", "head"], r"cameras is \['head', 'head'\]: 'head' is named twice"),
        (["head", ""], r"cameras is \['head', ''\]: '' cannot be a name: need letters"),
        (["left eye"], "'left eye' cannot be a name"),
        (["a/b"], "'a/b' cannot be a name"),
        (["1st"], "a letter first"),
    ],
)
def test_names_that_cannot_be_told_apart_or_used_are_refused(names, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_names(names)


def test_a_node_with_a_camera_named_twice_is_not_configured(ros):
    asked = []
    node = SegmentationNode(
        load=lambda *_, **__: asked.append("a model"),
        parameter_overrides=[Parameter("cameras", value=["head", "head"])],
    )
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert not asked
    finally:
        node.destroy_node()


def test_one_copy_of_the_weights_serves_all_cameras(ros):
    loaded = []

    def load(*arguments, **options):
        loaded.append(load_predictor(*arguments, **options))
        return loaded[-1]

    node = SegmentationNode(
        load=load,
        parameter_overrides=[Parameter("cameras", value=["head", "wrist"])],
        namespace="/once",
    )
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.camera_names == ["head", "wrist"]
        assert len(loaded) == 1
    finally:
        node.destroy_node()


def test_the_lock_is_given_in_the_order_of_asking():
    """Whoever gives it back and asks again at once has to wait for those who came before."""
    lock, order, asked = FairLock(), [], [Event(), Event()]

    def take(name, began):
        began.set()
        with lock:
            order.append(name)

    def queue(name, event):
        thread = Thread(target=take, args=(name, event))
        waiting = len(lock._waiting)
        thread.start()
        event.wait()
        while len(lock._waiting) == waiting:  # it stands in the queue
            pass
        return thread

    with lock:
        with lock:  # again: it is ours
            threads = [queue(name, event) for name, event in zip("ab", asked, strict=True)]
        assert order == []
    with lock:
        order.append("c")
    for thread in threads:
        thread.join()
    assert order == ["a", "b", "c"]


def test_without_names_the_topics_are_those_of_one_camera(ros):
    node = SegmentationNode(load=load_predictor, namespace="/single")
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        topics = {name for name, _ in rclpy_topics(node)}
        assert {"/single/evf_sam/result", "/single/evf_sam/mask"} <= topics
        assert {"/single/image", "/single/text_command"} <= topics
    finally:
        node.destroy_node()


def rclpy_topics(node):
    own = node.get_name(), node.get_namespace()
    return [
        *node.get_publisher_names_and_types_by_node(*own),
        *node.get_subscriber_names_and_types_by_node(*own),
    ]
