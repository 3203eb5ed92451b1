"""The page's server: who gets in, what it takes, what it shows; real sockets, no ROS."""

import asyncio
import http.client
import json
from urllib.parse import urlsplit

import aiohttp
import pytest
from patience import patience

from evf_sam_ros.ros.web.access import HEADERS, Access
from evf_sam_ros.ros.web.feed import Feed
from evf_sam_ros.ros.web.server import (
    FILES,
    MAX_AUDIENCE,
    MAX_MESSAGE,
    MAX_PER_SECOND,
    MAX_TEXT,
    PageServer,
)

TOKEN = "correct horse battery staple"
TIMEOUT_S = patience(30.0)


class Listening:
    """A robot that remembers what it was told."""

    def __init__(self):
        self.heard = []

    def say(self, text):
        self.heard.append(text)

    def cancel(self):
        self.heard.append(None)

    def show_points(self):
        self.heard.append("points")


@pytest.fixture
def robot():
    return Listening()


@pytest.fixture
def serve(robot):
    servers = []

    def start(host="127.0.0.1", token="", port=0):
        server = PageServer(Access(host, token), robot)
        servers.append(server)
        server.start(port)
        return server

    yield start
    for server in servers:
        server.stop()


def request(server, path="/", method="GET", **headers):
    """Send one request exactly as given; return status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=TIMEOUT_S)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def in_browser(server, use, **options):
    """Run a coroutine function with a WebSocket to the server."""

    async def connect():
        async with (
            aiohttp.ClientSession(cookies=options.pop("cookies", None)) as session,
            session.ws_connect(f"{server.url}feed", **options) as socket,
        ):
            return await asyncio.wait_for(use(socket), TIMEOUT_S)

    return asyncio.run(connect())


def test_the_page_and_its_files_come_with_the_security_headers(serve):
    server = serve()
    for path in ("/", *(f"/{name}" for name in FILES)):
        status, headers, body = request(server, path)
        assert (status, bool(body)) == (200, True), path
        assert {name: headers.get(name) for name in HEADERS} == HEADERS
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/..%2fserver.py", "/%2e%2e/server.py", "//etc/passwd", "/page_node.py",
     "/style.css/../../server.py", "/static/", "/feed/../.."],
)  # fmt: skip
def test_no_other_file_is_served_whatever_the_path(serve, path):
    status, _, body = request(serve(), path)
    assert status in (400, 403, 404)
    assert b"import" not in body
    assert b"root:" not in body


def test_nothing_can_be_uploaded(serve):
    assert request(serve(), method="POST")[0] == 405


def test_an_error_has_the_security_headers_too(serve):
    status, headers, _ = request(serve(), "/nothing")
    assert status == 404
    assert HEADERS.items() <= headers.items()


def test_only_this_machine_can_connect_by_default(serve):
    with open("/proc/net/tcp") as table:
        before = table.read()
    port = urlsplit(serve().url).port
    with open("/proc/net/tcp") as table:
        lines = [line.split()[1] for line in table.read().splitlines() if line not in before]
    mine = [address for address in lines if address.endswith(f":{port:04X}")]
    assert set(mine) == {f"0100007F:{port:04X}"}  # 127.0.0.1, as the kernel writes it


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8420", "127.0.0.1.evil.example"])
def test_a_name_that_somebody_else_points_here_is_refused(serve, host):
    assert request(serve(), Host=host)[0] == 403


def test_a_page_of_another_site_cannot_speak_to_the_robot(serve, robot):
    server = serve()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        in_browser(server, lambda socket: socket.close(), origin="http://evil.example")
    assert request(server, Origin="null")[0] == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "robot.local"])
def test_other_machines_are_let_in_only_with_a_token(host):
    with pytest.raises(ValueError, match=r"EVF_SAM_WEB_TOKEN.*ssh -L"):
        Access(host)
    assert not Access(host, TOKEN).is_local


def test_a_short_token_is_refused():
    with pytest.raises(ValueError, match="5 characters, need at least 16"):
        Access("0.0.0.0", "12345")


def test_without_the_token_nothing_is_shown(serve):
    server = serve(token=TOKEN)
    for path in ("/", "/page.js", "/feed", "/?token=wrong"):
        assert request(server, path)[0] == 403, path
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        in_browser(server, lambda socket: socket.close())


def test_the_token_opens_the_page_and_leaves_the_address(serve):
    server = serve(token=TOKEN)
    path = f"/?token={TOKEN.replace(' ', '%20')}"
    status, headers, _ = request(server, path)
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert request(server, "/", Cookie=cookie.partition(";")[0])[0] == 200


def test_what_is_said_reaches_the_robot_and_so_does_stop(serve, robot):
    async def use(socket):
        await socket.send_json({"say": "  pick up the red mug 🙂 "})
        await socket.send_json({"cancel": True})
        while len(robot.heard) < 2:
            await asyncio.sleep(0.01)

    in_browser(serve(), use)
    assert robot.heard == ["pick up the red mug 🙂", None]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('{"say": ""}', "empty"),
        (json.dumps({"say": "a" * (MAX_TEXT + 1)}), f"{MAX_TEXT + 1} characters, at most"),
        (json.dumps({"say": "the\x00mug"}), "control characters"),
        ('{"say": "\\ud800"}', "control characters"),
        ('{"say": 7}', "need"),
        ('{"launch": true}', "need"),
        ("[" * 4000, "JSON"),
        ("the red mug", "JSON"),
        (b"\x00\x01", "JSON"),
    ],
)
def test_what_is_no_command_is_refused_with_the_reason_and_the_page_goes_on(
    serve, robot, message, reason
):
    async def use(socket):
        send = socket.send_bytes if isinstance(message, bytes) else socket.send_str
        await send(message)
        refusal = await socket.receive_json()
        await socket.send_json({"say": "the red mug"})
        while not robot.heard:
            await asyncio.sleep(0.01)
        return refusal

    refusal = in_browser(serve(), use)
    assert refusal["kind"] == "refusal"
    assert reason in refusal["text"]
    assert robot.heard == ["the red mug"]


def test_a_message_that_is_too_large_ends_the_connection(serve, robot):
    async def use(socket):
        await socket.send_json({"say": "a" * MAX_MESSAGE})
        return (await socket.receive()).data

    assert in_browser(serve(), use) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    assert robot.heard == []


def test_a_flood_of_commands_is_cut(serve, robot):
    async def use(socket):
        for number in range(5 * MAX_PER_SECOND):
            await socket.send_json({"say": f"command {number}"})
        refusal = await socket.receive_json()
        return refusal["text"]

    assert "more than" in in_browser(serve(), use)
    assert len(robot.heard) < 5 * MAX_PER_SECOND


def test_there_is_an_end_to_how_many_may_look(serve):
    server = serve()

    async def use(socket):
        async with aiohttp.ClientSession() as session:
            more = [await session.ws_connect(f"{server.url}feed") for _ in range(MAX_AUDIENCE - 1)]
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await session.ws_connect(f"{server.url}feed")
            return len(more)

    in_browser(server, use)


def test_who_comes_late_sees_the_last_of_each_kind(serve):
    server = serve()

    async def first(socket):
        server.put("result", '{"number": 1}')
        server.put("picture", b"c1")
        assert (await socket.receive()).data == '{"number": 1}'
        assert (await socket.receive()).data == b"c1"
        return await asyncio.to_thread(in_browser, server, late)

    async def late(socket):
        return {(await socket.receive()).data for _ in range(2)}

    assert in_browser(server, first) == {'{"number": 1}', b"c1"}


def test_a_slow_browser_misses_pictures_and_keeps_nothing_waiting():
    async def watch():
        feed = Feed()
        with feed.listener() as listener:
            for number in range(1000):
                feed.put("picture", b"%d" % number)
            feed.put("result", "{}")
            payloads = listener.payloads()
            return [await anext(payloads) for _ in range(2)], len(listener._waiting)

    assert asyncio.run(watch()) == ([b"999", "{}"], 0)


def test_a_port_that_is_taken_is_named_with_the_cure(serve):
    taken = urlsplit(serve().url).port
    with pytest.raises(ValueError, match=rf"port {taken}.*port 0"):
        serve(port=taken)


def test_the_browser_is_told_when_the_server_stops(serve):
    server = serve()

    async def use(socket):
        await asyncio.to_thread(server.stop)
        return (await socket.receive()).data

    assert in_browser(server, use) == aiohttp.WSCloseCode.GOING_AWAY


@pytest.mark.parametrize("host", ["]", "[", "[::1", "::1]:80"])
def test_a_malformed_host_is_refused_like_a_stranger_s(serve, host):
    status, headers, _ = request(serve(), Host=host)
    assert status in (400, 403)
    assert "Traceback" not in str(headers)


@pytest.mark.parametrize("origin", ["http://]", "null", "http://[::1"])
def test_a_malformed_origin_is_refused(serve, origin):
    status, _, body = request(serve(), Origin=origin)
    assert (status, body) == (403, b"the request comes from another site's page\n")


def test_a_browser_that_leaves_while_it_is_refused_leaves_no_traceback(serve, caplog):
    server = serve()

    async def flood_and_leave(socket):
        for _ in range(50):
            await socket.send_str("not JSON")
        socket._response.connection.transport.abort()

    for _ in range(5):
        in_browser(server, flood_and_leave)
    assert request(server)[0] == 200
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_browser_asks_for_points(serve, robot):
    async def ask(socket):
        await socket.send_json({"points": True})
        await socket.send_json({"say": "the mug"})
        while len(robot.heard) < 2:
            await asyncio.sleep(0.01)

    in_browser(serve(), ask)
    assert robot.heard == ["points", "the mug"]
