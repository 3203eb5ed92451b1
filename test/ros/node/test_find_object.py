"""~/find_object looks until several images agree; it tells how it goes, and can be stopped."""

import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from rclpy.action import ActionClient
from robot import mask_array

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

    def send(self, text=TEXT, **goal):
        goal = FindObject.Goal(text=text, **goal)
        sent = self.client.send_goal_async(goal, lambda each: self.feedback.append(each.feedback))
        self.robot.spin_until(sent.done, what="the goal to be accepted")
        assert sent.result().accepted
        return sent.result()

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


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [
        ({"text": ""}, "empty"),
        ({"text": "stop"}, "names no object"),
        ({"text": "the mug; the bowl"}, "one at a time"),
        ({"text": "the mug", "min_score": 1.5}, "need 0 to 1"),
    ],
)
def test_a_goal_that_cannot_be_followed_is_aborted_with_the_reason(seeker, goal, sentence):
    status, result = seeker.end(seeker.send(**goal))
    assert status == GoalStatus.STATUS_ABORTED
    assert result.result.status == R.COMMAND_REJECTED
    assert sentence in result.result.message
