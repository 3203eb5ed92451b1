"""The operator's page on the running node: what a browser is sent, what a person sees in it."""

import asyncio
import json
import re
import time
from contextlib import suppress

import aiohttp
import cv2
import numpy as np
import pytest
from browser import find_chromium, open_page
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from processes import running, start

TIMEOUT_S = 60.0
SEED = 901082
OVERLAY, CAMERA = b"o", b"c"


@pytest.fixture(scope="module")
def page(node_process, tmp_path_factory):
    """Run a camera and the page beside the node; give the page's address."""
    log = tmp_path_factory.mktemp("page") / "log"
    with (
        log.open("w") as errors,
        running("cameras.sim_camera_node", f"seed:={SEED}", "rate_hz:=5.0"),
        running("web.page_node", "port:=0", log=errors),
    ):
        end = time.monotonic() + TIMEOUT_S
        while not (said := re.search(r"http://\S+", log.read_text())):
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield said[0]


def converse(url, talk):
    async def connect():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}feed") as socket:
            return await asyncio.wait_for(talk(socket), TIMEOUT_S)

    return asyncio.run(connect())


async def next_that(socket, wanted):
    """Return the next message that fulfils a condition: bytes, or a decoded document."""
    async for message in socket:
        data = message.data if isinstance(message.data, bytes) else json.loads(message.data)
        if wanted(data):
            return data


async def answered(socket, text, **values):
    """Say it until it is answered: a word before page and node have met is lost."""
    for _ in range(6):
        await socket.send_json({"say": text})
        wanted = next_that(socket, lambda data: is_document(data, "result", **values))
        with suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(wanted, TIMEOUT_S / 6)
    raise AssertionError(f"{text!r} was not answered")


def is_picture(data, kind):
    return isinstance(data, bytes) and data[:1] == kind


def is_document(data, kind, **values):
    return isinstance(data, dict) and data["kind"] == kind and values.items() <= data.items()


def green(jpeg):
    """Count the pixels that are as green as the outline of an answer."""
    blue, green, red = cv2.split(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    return np.count_nonzero((green > 180) & (red < 120) & (blue < 160))


def test_the_camera_is_shown_until_a_command_is_answered(page, node):
    async def talk(socket):
        before = await next_that(socket, lambda data: is_picture(data, CAMERA))
        answer = await answered(socket, "pick up the red mug, please")
        after = await next_that(socket, lambda data: is_picture(data, OVERLAY))
        return before[1:], answer, after[1:]

    before, answer, after = converse(page, talk)
    assert cv2.imdecode(np.frombuffer(before, np.uint8), cv2.IMREAD_COLOR).shape == (480, 640, 3)
    assert (answer["command"], answer["status"]) == ("pick up the red mug, please", "FOUND")
    assert answer["times_ms"]["total"] > answer["times_ms"]["inference"] > 0
    assert len(answer["objects"][0]["position_m"]) == 3
    assert green(after) > green(before) + 100


def test_stop_ends_the_command_and_says_so(page, node):
    async def talk(socket):
        await answered(socket, "the red mug", status="FOUND")
        await socket.send_json({"cancel": True})
        return await next_that(socket, lambda data: is_document(data, "notice"))

    assert "the red mug" in converse(page, talk)["text"]


def test_the_page_tells_whether_camera_and_node_are_there(page, node):
    async def talk(socket):
        return await next_that(socket, lambda data: is_document(data, "state", node=True))

    state = converse(page, talk)
    assert 0 <= state["camera_age_s"] < 30


def test_diagnostics_of_this_node_are_shown_and_those_of_others_are_not(page, node):
    message = DiagnosticArray(
        status=[
            DiagnosticStatus(name="other: motor", level=DiagnosticStatus.ERROR),
            DiagnosticStatus(
                name="evf_sam: invented by a test",
                level=DiagnosticStatus.WARN,
                message="slow",
                values=[KeyValue(key="p95", value="9 s")],
            ),
        ]
    )
    publisher = node.node.create_publisher(DiagnosticArray, "/diagnostics", 10)

    async def talk(socket):
        def is_ours(data):
            publisher.publish(message)
            return is_document(data, "diagnostics") and any(
                each["name"] == "evf_sam: invented by a test" for each in data["statuses"]
            )

        return await next_that(socket, is_ours)

    (status,) = converse(page, talk)["statuses"]
    assert (status["level"], status["message"]) == ("WARN", "slow")
    assert status["values"] == [["p95", "9 s"]]
    node.node.destroy_publisher(publisher)


def test_nobody_looks_so_the_node_draws_nothing(page, node):
    async def talk(socket):
        await next_that(socket, lambda data: is_document(data, "state"))

    converse(page, talk)
    topic = "evf_sam/overlay"
    others = 1  # the robot of the tests
    node.spin_until(
        lambda: node.node.count_subscribers(topic) == others, what="the page to leave the overlay"
    )


def test_an_address_that_others_reach_needs_a_token(tmp_path):
    with (tmp_path / "log").open("w") as log:
        process = start("web.page_node", "host:=0.0.0.0", "port:=0", log=log)
        assert process.wait(TIMEOUT_S) == 1
    said = (tmp_path / "log").read_text()
    assert "EVF_SAM_WEB_TOKEN" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def browser(page, tmp_path_factory):
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with open_page(page, tmp_path_factory.mktemp("chromium")) as tab:
        yield tab


@pytest.fixture
def chromium(browser, page, node):
    """Show the page anew, in front of a node without a command."""
    browser.go_to(page)
    return browser


def test_a_person_types_a_command_and_sees_the_picture_change(chromium):
    chromium.wait_for("document.getElementById('picture').dataset.kind === 'camera'")
    chromium.wait_for("document.getElementById('picture').naturalWidth === 640")
    assert chromium.text("#caption") == "camera"
    chromium.click("#text")
    chromium.type("pick up the red mug, please")
    chromium.wait_for("document.getElementById('picture').dataset.kind === 'overlay'")
    chromium.wait_for("document.getElementById('status').textContent === 'FOUND'")
    assert chromium.text("#expression") == "the red mug"
    assert re.fullmatch(r"([+\u2212]\d\.\d{3} +){3}m", chromium.text("#position"))
    assert re.fullmatch(r"\d+ ms", chromium.text("#total"))
    shown = "document.querySelector('#history button').textContent"
    assert chromium.value(shown).startswith("pick up the red mug, please")
    chromium.click("#cancel")
    chromium.wait_for("document.getElementById('notice').textContent.includes('red mug')")
    chromium.wait_for("document.getElementById('picture').dataset.kind === 'camera'")


def test_the_page_says_what_the_running_model_knows(chromium):
    chromium.wait_for("document.getElementById('knows').textContent.includes('words')")
    said = chromium.text("#knows")
    assert "only the words it was trained on" in said
    assert "evf-sam download" in said
    assert "Not calibrated" not in said


def test_what_is_said_cannot_become_part_of_the_page(chromium):
    chromium.wait_for("document.getElementById('lamp-node').dataset.level === 'ok'")
    chromium.click("#text")
    chromium.type("the <img src=x onerror=document.title='broken'><b>mug</b>")
    chromium.wait_for("document.getElementById('history').children.length === 1")
    parts = "document.querySelectorAll('aside img, #answer b, #history b').length"
    assert chromium.value(parts) == 0
    assert chromium.value("document.title") == "EVF-SAM"
    assert "<b>mug</b>" in chromium.text("#history")


def test_the_page_fits_a_desk_and_a_phone(chromium):
    for width, height, mobile in ((1280, 800, False), (390, 844, True)):
        chromium.resize(width, height, mobile)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        bottom = "document.getElementById('send').getBoundingClientRect().bottom"
        assert chromium.value(bottom) <= height, "the line to speak is not on the first screen"
    chromium.resize(1280, 800)


def say(chromium, text):
    chromium.value("document.getElementById('text').value = ''")
    chromium.click("#text")
    chromium.type(text)


def test_a_refused_command_stays_on_the_page_while_another_is_answered(chromium):
    chromium.wait_for("document.getElementById('lamp-node').dataset.level === 'ok'")
    say(chromium, "the red mug")
    chromium.wait_for("document.getElementById('status').textContent === 'FOUND'")
    say(chromium, "thank you very much")
    chromium.wait_for("document.getElementById('refusal').textContent.includes('thank you')")
    chromium.wait_for("document.getElementById('status').textContent === 'FOUND'")
    assert "thank you very much" in chromium.text("#refusal")
    say(chromium, "the blue bowl")
    chromium.wait_for("document.getElementById('refusal').textContent === ''")


def test_the_points_of_the_object_are_drawn_when_the_view_is_opened(chromium):
    chromium.wait_for("document.getElementById('lamp-node').dataset.level === 'ok'")
    say(chromium, "the red mug")
    chromium.click("#cloud-card summary")
    chromium.wait_for("/^\\d+ points/.test(document.getElementById('cloud-note').textContent)")
    drawn = """(() => { const c = document.getElementById('cloud');
        const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let count = 0; for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
        return count; })()"""
    assert chromium.value(drawn) > 500


def test_stop_says_what_it_stops(chromium):
    assert chromium.text("#cancel") == "Stop looking"
    assert "no safety function" in chromium.value("document.body.textContent")
