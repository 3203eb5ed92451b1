"""`evf-sam mcp` as a client of the protocol sees it, beside a running node."""

import asyncio
import json
import os
import sys
import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from patience import patience
from sensor_msgs.msg import Image

mcp = pytest.importorskip("mcp")

from evf_sam_ros.msg import SegmentationResult as R  # noqa: E402
from evf_sam_ros.msg import SegmentedObject  # noqa: E402
from evf_sam_ros.ros.agent import tool_answers as answers  # noqa: E402
from evf_sam_ros.ros.agent.node_client import Found  # noqa: E402

TIMEOUT_S = patience(60.0)


def asked(*calls, namespace="/"):
    """Start the server as a client does; return its tools and the answers to some calls."""
    server = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "evf_sam_ros.cli", "mcp", "--namespace", namespace],
        env=dict(os.environ),
    )

    async def talk():
        async with mcp.Client(server, read_timeout_seconds=TIMEOUT_S) as client:
            tools = (await client.list_tools()).tools
            return tools, [await client.call_tool(name, given) for name, given in calls]

    tools, results = asyncio.run(talk())
    return tools, [content(each) for each in results]


def content(result):
    if result.is_error:
        return result.content[0].text
    return result.structured_content or json.loads(result.content[0].text)


@contextmanager
def camera(robot, scene):
    """Show a scene ten times a second while the test is busy otherwise."""
    ends = threading.Event()

    def show():
        while not ends.wait(0.1):
            robot.show(robot.shot(scene))

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def unique_thing(scene):
    """Return a scene's object that has no second of its kind, and its name."""
    names = [f"{each.color} {each.shape}" for each in scene.objects]
    place = next(i for i, name in enumerate(names) if names.count(name) == 1)
    return place, f"the {names[place]}"


def test_a_language_model_gets_a_place_an_outline_and_a_plain_no(node, scenes):
    robot, scene = node, scenes[0]
    place, name = unique_thing(scene)
    with camera(robot, scene):
        tools, (located, there, absent, shape, listed) = asked(
            ("locate", {"sentence": f"pick up {name}, please", "timeout_s": 60.0, "images": 2}),
            ("is_there", {"sentence": name}),
            ("is_there", {"sentence": "the zebra"}),
            ("segment", {"sentence": name}),
            ("list_candidates", {"sentence": name}),
        )
    assert [each.name for each in tools] == ["locate", "is_there", "segment", "list_candidates"]
    assert (located["status"], located["expression"]) == ("FOUND", name)
    truth = scene.surface_centroid((place,))
    assert np.linalg.norm(np.subtract(located["objects"][0]["position_m"], truth)) < 0.03
    assert there["answer"] == "yes"
    assert (absent["answer"], absent["status"]) == ("no", "NOT_FOUND")
    assert "zebra" in absent["message"]
    assert [each["description"] for each in listed["candidates"]] == [name]
    drawn = np.zeros(scene.rgb.shape[:2], np.uint8)
    for outline in shape["outlines_px"]:
        assert len(outline) <= answers.MOST_POINTS
        cv2.fillPoly(drawn, [np.array(outline, np.int32)], 255)
    target = scene.mask((place,))
    assert np.count_nonzero((drawn > 0) & target) > 0.7 * np.count_nonzero((drawn > 0) | target)


def test_a_sentence_that_is_no_command_and_values_out_of_range_are_told(node, scenes):
    with camera(node, scenes[0]):
        _, (rejected, too_long, no_wait) = asked(
            ("locate", {"sentence": "pick up the", "timeout_s": 5.0}),
            ("segment", {"sentence": "x" * 501}),
            ("locate", {"sentence": "the red mug", "timeout_s": 0.0}),
        )
    assert rejected["status"] == "COMMAND_REJECTED"
    assert "500" in too_long
    assert "greater than 0" in no_wait


def test_a_missing_node_is_an_answer(ros):
    _, (answer,) = asked(("is_there", {"sentence": "the mug"}), namespace="/nobody")
    assert (answer["answer"], answer["status"]) == ("unknown", "NO_NODE")
    assert "/nobody/evf_sam is not running" in answer["message"]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (R.FOUND, "yes"),
        (R.AMBIGUOUS, "yes"),
        (R.NOT_FOUND, "no"),
        (R.UNSUITABLE_IMAGE, "unknown"),
        (R.LOW_CONFIDENCE, "unknown"),
        (R.STALE_FRAME, "unknown"),
    ],
)
def test_only_what_is_certain_is_yes_or_no(status, answer):
    assert answers.presence(Found(R(status=status), Image()))["answer"] == answer


def test_candidates_have_the_descriptions_that_tell_them_apart():
    objects = [SegmentedObject(description=each) for each in ("the left one", "the right one")]
    told = answers.candidates(Found(R(status=R.AMBIGUOUS, objects=objects), Image()))
    assert told["status"] == "AMBIGUOUS"
    assert [each["description"] for each in told["candidates"]] == [
        "the left one",
        "the right one",
    ]
    assert told["candidates"][0]["position_m"] is None


def test_an_outline_is_bounded_and_the_largest_comes_first():
    mask = np.zeros((400, 400), np.uint8)
    cv2.circle(mask, (100, 100), 90, 255, -1)
    mask[300:310, 300:310] = 255
    first, second = answers.outlines(mask)
    assert 8 <= len(first) <= answers.MOST_POINTS
    assert sorted(map(tuple, second)) == [(300, 300), (300, 309), (309, 300), (309, 309)]
