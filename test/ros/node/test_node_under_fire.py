"""Bursts of commands, requests and goals: what arrives on the topic, and at every client."""

from collections import Counter, defaultdict

import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from rclpy.action import ActionClient
from std_srvs.srv import Trigger

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.node.services import MOST_GOALS
from evf_sam_ros.srv import Segment

CLIENTS, GOALS, COMMANDS = 20, 30, 200


@pytest.fixture
def seeker(node):
    client = ActionClient(node.node, FindObject, "evf_sam/find_object")
    assert client.wait_for_server(30.0)
    node.spin_for(0.2)
    yield client
    client.destroy()


def send_goals(node, seeker, count, **goal):
    sent = [
        seeker.send_goal_async(FindObject.Goal(text=f"the cup {number}", **goal))
        for number in range(count)
    ]
    node.spin_until(lambda: all(each.done() for each in sent), what="every goal to be accepted")
    return [each.result() for each in sent]


def ends(node, handles):
    results = [handle.get_result_async() for handle in handles]
    node.spin_until(lambda: all(each.done() for each in results), what="a result of every goal")
    return [each.result() for each in results]


def test_every_command_of_a_burst_is_heard_and_all_but_the_last_are_replaced(node):
    texts = [f"the cup number {number}" for number in range(COMMANDS)]
    for text in texts:
        node.say(text)
    node.spin_until(lambda: len(node.received["result"]) >= COMMANDS - 1)
    assert node.call(Trigger, "cancel").success
    node.result_with(R.CANCELLED)
    words = defaultdict(list)
    for each in node.received["result"]:
        words[each.command].append(each.status)
    last_words = {text: words[text][-1] for text in texts}
    assert Counter(last_words.values()) == {R.REPLACED: COMMANDS - 1, R.CANCELLED: 1}
    assert all(statuses.count(R.REPLACED) <= 1 for statuses in words.values())


def test_every_client_that_calls_at_once_gets_its_answer(node, scenes):
    clients = [node.node.create_client(Segment, "evf_sam/segment") for _ in range(CLIENTS)]
    assert all(client.wait_for_service(30.0) for client in clients)
    node.spin_for(1.0)  # until all have met the node
    shot = node.shot(scenes[0])
    request = Segment.Request(text="the purple bottle", image=shot.image)
    answers = [client.call_async(request) for client in clients]
    node.spin_until(lambda: all(each.done() for each in answers), what="every answer")
    assert {each.result().result.header.stamp.nanosec for each in answers} == {
        shot.image.header.stamp.nanosec
    }
    for client in clients:
        node.node.destroy_client(client)


def test_every_goal_is_accepted_and_every_cancelled_one_ends_cancelled(node, seeker):
    handles = send_goals(node, seeker, GOALS)
    for handle in handles:
        handle.cancel_goal_async()
    found = ends(node, handles)
    assert {each.status for each in found} == {GoalStatus.STATUS_CANCELED}
    assert all("cancelled" in each.result.result.message for each in found)


def test_every_goal_whose_time_is_up_has_one_result(node, seeker):
    handles = send_goals(node, seeker, GOALS, timeout=Duration(sec=1))
    assert {each.status for each in ends(node, handles)} == {GoalStatus.STATUS_ABORTED}


def test_a_goal_too_many_is_rejected_until_another_has_ended(node, seeker):
    handles = send_goals(node, seeker, MOST_GOALS + 3)
    assert sum(each.accepted for each in handles) == MOST_GOALS
    accepted = [each for each in handles if each.accepted]
    accepted[0].cancel_goal_async()
    ends(node, accepted[:1])
    [one_more] = send_goals(node, seeker, 1)
    assert one_more.accepted
    node.call(Trigger, "cancel")
    ends(node, [*accepted[1:], one_more])


def test_stop_ends_goals_as_well_and_says_how_many(node, seeker):
    handles = send_goals(node, seeker, 2)
    node.say("stop")
    found = ends(node, handles)
    assert {each.status for each in found} == {GoalStatus.STATUS_ABORTED}
    assert {each.result.result.status for each in found} == {R.CANCELLED}
    assert "cancelled by the command 'stop'" in found[0].result.result.message
    assert node.result_with(R.CANCELLED).message == "ended 2 goals of ~/find_object"


def test_the_cancel_service_ends_goals_as_well(node, seeker):
    handles = send_goals(node, seeker, 1)
    answer = node.call(Trigger, "cancel")
    assert (answer.success, answer.message) == (True, "ended 1 goal of ~/find_object")
    assert ends(node, handles)[0].result.result.status == R.CANCELLED
    assert not node.call(Trigger, "cancel").success


def test_all_sixteen_results_of_an_image_arrive(node, scenes):
    text = "; ".join(f"the cup {number}" for number in range(16))
    stamp = node.ask(text, lambda: node.shot(scenes[0])).header.stamp

    def of_the_image():
        return [each for each in node.received["result"] if each.header.stamp == stamp]

    node.spin_until(lambda: len(of_the_image()) == 16, what="16 results of one image")
