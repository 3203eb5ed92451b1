"""~/find_object looks until several images agree; it tells how it goes, and can be stopped."""

import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import Log
from rclpy.action import ActionClient
from rclpy.qos import QoSProfile
from robot import mask_array
from std_srvs.srv import SetBool

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult as R

F = FindObject.Feedback
TEXT = "the purple bottle"


class Seeker:
    """A behaviour tree's action node: sends a goal, gathers feedback, waits for the end."""

    def __init__(self, robot):
        self.robot = robot
        self.feedback = []
        self.client = ActionClient(robot.node, FindObject, "evf_sam/find_object")
        assert self.client.wait_for_server(30.0)
        robot.spin_for(0.1)  # until both ends have met

    def offer(self, text=TEXT, **goal):
        """Send a goal; return its handle, accepted or not."""
        goal = FindObject.Goal(text=text, **goal)
        sent = self.client.send_goal_async(goal, lambda each: self.feedback.append(each.feedback))
        self.robot.spin_until(sent.done, what="the goal to be accepted or rejected")
        return sent.result()

    def send(self, **goal):
        handle = self.offer(**goal)
        assert handle.accepted
        return handle

    def end(self, handle, show=None):
        """Show images until the goal has ended; return its status and result."""
        ended = handle.get_result_async()

        def done():
            if show is not None:
                self.robot.show(show())
                self.robot.spin_for(0.1)
            return ended.done()

        self.robot.spin_until(done, what="the goal to end")
        return ended.result().status, ended.result().result


@pytest.fixture
def seeker(node):
    node.set(score_threshold=0.0)
    seeker = Seeker(node)
    yield seeker
    seeker.client.destroy()


@pytest.fixture
def shoot(node, scenes):
    return lambda: node.shot(scenes[0])


def test_images_that_agree_end_the_search_with_the_object(seeker, shoot):
    status, result = seeker.end(seeker.send(stable_frames=4), shoot)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.result.status == R.FOUND
    assert result.result.expression == TEXT
    assert result.result.objects[0].has_position
    assert mask_array(result.mask).sum() == sum(each.area for each in result.result.objects)
    assert result.mask.header == result.result.header
    agreeing = [each.frames_agreeing for each in seeker.feedback]
    assert agreeing[0] == 0
    assert agreeing[-4:] == [1, 2, 3, 4]
    assert seeker.feedback[0].state == F.WAITING
    assert seeker.feedback[-1].state == F.CONFIRMING
    assert seeker.feedback[-1].frames_seen >= 4
    assert seeker.feedback[-1].best_score > 0


def test_a_search_leaves_the_active_command_alone(node, seeker, shoot):
    node.ask("the red mug", shoot)
    node.forget()
    status, _ = seeker.end(seeker.send(stable_frames=2), shoot)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert {each.command for each in node.received["result"]} == {"the red mug"}


def test_two_searches_at_once_have_an_end_each(seeker, shoot):
    texts = (TEXT, "get me the purple bottle")
    handles = [seeker.send(text=text, stable_frames=2) for text in texts]
    ends = [seeker.end(handle, shoot) for handle in handles]
    assert [status for status, _ in ends] == [GoalStatus.STATUS_SUCCEEDED] * 2
    assert [result.result.command for _, result in ends] == list(texts)


def test_what_does_not_appear_in_time_is_given_up_with_the_best_that_was_seen(seeker, shoot):
    goal = seeker.send(timeout=Duration(sec=2), min_score=1.0)
    status, result = seeker.end(goal, shoot)
    assert status == GoalStatus.STATUS_ABORTED
    assert result.result.status == R.LOW_CONFIDENCE
    assert "2 s have passed" in result.result.message
    assert result.result.score == pytest.approx(seeker.feedback[-1].best_score)
    assert not result.mask.data or not mask_array(result.mask).any()
    assert seeker.feedback[-1].state == F.SEARCHING


def test_without_a_camera_a_search_ends_with_no_frame(node, seeker):
    node.let_images_grow_old()
    status, result = seeker.end(seeker.send(timeout=Duration(sec=1)))
    assert status == GoalStatus.STATUS_ABORTED
    assert result.result.status in (R.NO_FRAME, R.STALE_FRAME)


def test_a_search_can_be_cancelled(node, seeker, shoot):
    handle = seeker.send(min_score=1.0)
    node.show(shoot())
    node.spin_until(lambda: seeker.feedback and seeker.feedback[-1].frames_seen)
    cancelling = handle.cancel_goal_async()
    node.spin_until(cancelling.done)
    assert cancelling.result().goals_canceling
    status, result = seeker.end(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert "cancelled" in result.result.message
    assert result.result.status != R.FOUND


REFUSED = [
    ({"text": ""}, "empty"),
    ({"text": "stop"}, "names no object"),
    ({"text": "the mug; the bowl"}, "one at a time"),
    ({"text": "don't touch the mug"}, "mug"),
    ({"text": "thanks for watching!"}, "thanks for watching"),
    ({"text": "the mug", "min_score": 1.5}, "min_score is 1.5, need 0 to 1"),
    ({"text": "the mug", "min_score": -0.25}, "min_score is -0.25, need 0 to 1"),
    ({"text": "the mug", "min_score": float("nan")}, "min_score is nan"),
    ({"text": "the mug", "timeout": Duration(sec=-2)}, "timeout is -2 s"),
    ({"text": "the mug", "stable_frames": 301}, "stable_frames is 301, need 0 (3 images) to 300"),
]


@pytest.fixture
def warned(node):
    """Give a function that waits for a warning of the node's log with a text in it."""
    said = []
    heard = node.node.create_subscription(
        Log, "/rosout", lambda each: said.append(each.msg), QoSProfile(depth=1000)
    )
    node.spin_until(lambda: node.node.count_publishers("/rosout"), what="the node's log")
    node.spin_for(0.2)

    def warned(text):
        def is_said():
            return any("find_object rejected" in each and text in each for each in said)

        node.spin_until(is_said, what=f"a warning with {text!r}")
        said.clear()

    yield warned
    node.node.destroy_subscription(heard)


@pytest.mark.parametrize(("goal", "sentence"), REFUSED)
def test_a_goal_that_can_never_succeed_is_rejected_and_the_log_says_why(
    seeker, warned, goal, sentence
):
    assert not seeker.offer(**goal).accepted
    warned(sentence)


def test_a_goal_that_needs_more_images_than_its_time_allows_is_rejected(node, seeker, warned):
    node.set(max_rate_hz=2.0)
    assert not seeker.offer(stable_frames=6, timeout=Duration(sec=2)).accepted
    warned("takes 2.5 s at max_rate_hz 2, but the timeout is 2 s")
    seeker.end(seeker.send(stable_frames=5, timeout=Duration(sec=2)))


def test_a_disabled_node_rejects_a_goal(node, seeker, warned):
    node.call(SetBool, "enable", SetBool.Request(data=False))
    assert not seeker.offer().accepted
    warned("the node is disabled")
    node.call(SetBool, "enable", SetBool.Request(data=True))
    assert seeker.offer(timeout=Duration(sec=1)).accepted


def test_an_inactive_node_rejects_a_goal(node, seeker, warned):
    assert node.change_state(Transition.TRANSITION_DEACTIVATE)
    try:
        assert not seeker.offer().accepted
        warned("the node is not active")
    finally:
        assert node.change_state(Transition.TRANSITION_ACTIVATE)
        node.spin_until(node.is_connected)
