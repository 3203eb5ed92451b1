"""The SROS 2 policy allows what the programs do, all of it and nothing else."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from processes import running

from evf_sam_ros.ros import security_policy
from evf_sam_ros.ros.interface import ACTIONS, ALL_OUTPUTS, INPUTS, SERVICES

LISTS = {
    "topics": ("topic", {"publish", "subscribe"}),
    "services": ("service", {"reply", "request"}),
    "actions": ("action", {"call", "execute"}),
}
OF_ACTIONS = "/_action/"


@pytest.fixture(scope="module")
def policy(pytestconfig):
    return ElementTree.parse(pytestconfig.rootpath / "config" / "sros2" / "policy.xml").getroot()


def profile(policy, node):
    return policy.find(f"./enclaves/enclave[@path='/{node}']/profiles/profile[@node='{node}']")


def allowed(policy, node, kind, permission):
    """Return the names that a node may use so, as they are in the graph."""
    item, _ = LISTS[kind]
    names = [
        each.text
        for rules in profile(policy, node).findall(kind)
        if rules.get(permission) == "ALLOW"
        for each in rules.findall(item)
    ]
    return {re.sub("^(?!/)", "/", name.replace("~", node)) for name in names}


def test_the_file_is_what_the_interface_makes_of_it(pytestconfig):
    written = (pytestconfig.rootpath / "config" / "sros2" / "policy.xml").read_text()
    command = "python -m evf_sam_ros.ros.security_policy --update config/sros2/policy.xml"
    assert written == security_policy.policy(), f"run: {command}"


def test_each_of_several_cameras_has_a_profile_with_its_own_topics():
    root = ElementTree.fromstring(security_policy.policy(["head", "wrist"]).encode())
    profiles = {each.get("node"): each for each in root.iter("profile")}
    assert {"evf_sam", "head", "wrist"} <= set(profiles)
    assert profiles["wrist"].get("ns") == "/evf_sam"
    heard = [
        each.text
        for rules in profiles["wrist"].findall("topics")
        if rules.get("subscribe")
        for each in rules
    ]
    assert {"/wrist/image", "/wrist/depth/camera_info", "/wrist/text_command"} <= set(heard)
    assert {"/text_command", "/speech", "/tf_static"} <= set(heard)
    assert not {"image", "/head/image", "/wrist/speech"} & set(heard)


def test_the_file_has_the_form_that_sros2_reads(policy):
    assert (policy.tag, policy.get("version")) == ("policy", "0.2.0")
    assert [each.tag for each in policy] == ["enclaves"]
    for enclave in policy[0]:
        assert enclave.tag == "enclave"
        assert enclave.get("path").startswith("/")
        (profiles,) = enclave
        assert profiles.tag == "profiles"
        for each in profiles:
            assert (each.tag, set(each.attrib)) == ("profile", {"ns", "node"})
            for rules in each:
                item, permissions = LISTS[rules.tag]
                assert set(rules.attrib) <= permissions
                assert set(rules.attrib.values()) == {"ALLOW"}
                assert {name.tag for name in rules} == {item}
                assert all(
                    re.fullmatch(r"(~/|/)?[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*", name.text)
                    for name in rules
                )


def test_every_part_of_the_interface_is_allowed(policy):
    def names(endpoints):
        return {"/" + each.name.replace("~", "evf_sam").lstrip("/") for each in endpoints}

    own = ("/rosout", "/parameter_events", "/clock", "/diagnostics", "/evf_sam/transition_event")
    published = allowed(policy, "evf_sam", "topics", "publish") - set(own)
    assert published == names(ALL_OUTPUTS)
    assert allowed(policy, "evf_sam", "topics", "subscribe") - set(own) == names(INPUTS)
    assert allowed(policy, "evf_sam", "services", "reply") >= names(SERVICES)
    assert allowed(policy, "evf_sam", "actions", "execute") == names(ACTIONS)


def in_graph(robot, node):
    """Return what a running node publishes, subscribes to and serves, but for an action's."""

    def names(found):
        return {name for name, _ in found if OF_ACTIONS not in name}

    where = (node, "/")
    return (
        names(robot.get_publisher_names_and_types_by_node(*where)),
        names(robot.get_subscriber_names_and_types_by_node(*where)),
        names(robot.get_service_names_and_types_by_node(*where)),
    )


def test_the_running_node_does_nothing_that_the_policy_forbids(policy, node):
    node.spin_until(
        lambda: "/evf_sam/result" in in_graph(node.node, "evf_sam")[0], what="the node's topics"
    )
    published, subscribed, served = in_graph(node.node, "evf_sam")
    assert published <= allowed(policy, "evf_sam", "topics", "publish")
    assert subscribed <= allowed(policy, "evf_sam", "topics", "subscribe")
    assert served <= allowed(policy, "evf_sam", "services", "reply")


def test_the_running_camera_does_nothing_that_the_policy_forbids(policy, robot):
    def camera_is_there():
        known = robot.node.get_node_names()
        return "sim_camera" in known and "/image" in in_graph(robot.node, "sim_camera")[0]

    with running("cameras.sim_camera_node", "rate_hz:=1.0"):
        robot.spin_until(camera_is_there, what="the camera")
        published, subscribed, served = in_graph(robot.node, "sim_camera")
    assert published <= allowed(policy, "sim_camera", "topics", "publish")
    assert subscribed <= allowed(policy, "sim_camera", "topics", "subscribe")
    assert served <= allowed(policy, "sim_camera", "services", "reply")
