"""/diagnostics tells once a second how the node is."""

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.lifecycle import LifecycleNode

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.node.diagnostics import Diagnostics
from evf_sam_ros.ros.node.statistics import Statistics
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import duration_message

PARTS = ("model", "camera", "depth", "frames", "semantic", "commands", "latency", "memory")
OK, WARN = DiagnosticStatus.OK, DiagnosticStatus.WARN


@pytest.fixture
def reports(node):
    """Gather the node's reports: dictionaries from part to status."""
    kept = []

    def keep(array):
        mine = [each for each in array.status if each.name.startswith("evf_sam: ")]
        kept.append({each.name.removeprefix("evf_sam: "): each for each in mine})

    subscription = node.node.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
    node.spin_until(lambda: kept, what="diagnostics")
    yield kept
    node.node.destroy_subscription(subscription)


def values(status):
    return {pair.key: pair.value for pair in status.values}


def wait_for(node, reports, part, predicate):
    reports.clear()
    node.spin_until(lambda: any(predicate(each[part]) for each in reports if part in each))
    return next(each[part] for each in reports if predicate(each[part]))


def test_every_part_is_reported_with_figures(node, reports, scenes):
    # On a busy machine an image may take longer than its usual age to arrive.
    node.set(latency_budget_s=60.0, score_threshold=0.0, max_frame_age_s=0.0)
    assert node.ask("the purple bottle", lambda: node.shot(scenes[0])).status == R.FOUND
    command = wait_for(node, reports, "commands", lambda each: "last_status" in values(each))
    assert values(command)["last_status"] == "FOUND"
    assert command.message == "the purple bottle"
    report = reports[-1]
    assert tuple(report) == PARTS
    assert values(report["model"])["device"] in ("cpu", "cuda")
    assert values(report["model"])["engine"] in ("torch", "openvino")
    latency = values(report["latency"])
    for stage in ("preprocess", "inference", "postprocess", "total"):
        assert 0 < float(latency[f"{stage}_p50_s"]) <= float(latency[f"{stage}_p95_s"])
    assert report["latency"].level == OK
    assert int(values(report["camera"])["images"]) > 0
    assert values(report["depth"])["registered"] == "True"
    assert 0 < float(values(report["depth"])["valid_ratio"]) <= 1
    assert float(values(report["memory"])["resident_mib"]) > 100


def test_a_slow_answer_and_a_silent_camera_are_warnings(node, reports, scenes):
    node.ask("the purple bottle", lambda: node.shot(scenes[0]))
    node.set(latency_budget_s=0.001)
    slow = wait_for(node, reports, "latency", lambda each: each.level == WARN)
    assert "latency_budget_s, which is 0.001" in slow.message
    silent = wait_for(node, reports, "camera", lambda each: each.level == WARN)
    assert "no image for" in silent.message
    node.look("the purple bottle", lambda: node.shot(scenes[0]))
    wait_for(node, reports, "camera", lambda each: each.level == OK)


@pytest.mark.parametrize(("slow", "level"), [(4, OK), (10, WARN)])
def test_the_budget_is_for_all_but_one_answer_in_twenty(ros, slow, level):
    statistics = Statistics()
    for took_s in [0.1] * (100 - slow) + [1.0] * slow:
        result = R(total=duration_message(round(took_s * 1e9)))
        statistics.answered(result, processed=True)
    node = LifecycleNode("budget")
    parameters = NodeParameters(latency_budget_s=0.5)
    reporter = Diagnostics(node, statistics, lambda: parameters, lambda: None, lambda: None)
    found, message, figures = reporter._latency()
    node.destroy_node()
    assert found == level
    assert figures["total_p50_s"] == "0.1000"
    assert message.startswith("100 ms median")
