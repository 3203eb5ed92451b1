"""The page's web server: four files and one WebSocket in its own thread; independent of ROS."""

import asyncio
import json
import unicodedata
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from evf_sam_ros.ros.web.access import COOKIE, HEADERS, Access
from evf_sam_ros.ros.web.feed import Feed, Listener, Payload

PAGE = Path(__file__).parent / "page"
FILES = (
    "index.html",
    "style.css",
    "page.js",
    "cloud.js",
    "icon.svg",
)  # nothing else is ever served
MAX_MESSAGE = 4096  # bytes a browser may send at once
MAX_TEXT = 500  # characters of a command
MAX_PER_SECOND = 10  # messages of one browser
MAX_AUDIENCE = 8
HEARTBEAT_S = 15.0
START_TIMEOUT_S, STOP_TIMEOUT_S = 10.0, 2.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Robot(Protocol):
    """Actions of the page; called in the server's thread."""

    def say(self, text: str) -> None: ...

    def cancel(self) -> None: ...

    def show_points(self) -> None: ...


class PageServer:
    """Serves the page until it is stopped; `put` may be called from any thread."""

    def __init__(self, access: Access, robot: Robot) -> None:
        self._access = access
        self._robot = robot
        self._feed = Feed()
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="page", daemon=True)
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def audience(self) -> int:
        """Count the browsers that are looking."""
        return self._feed.audience

    def start(self, port: int) -> None:
        """Listen; 0 is any free port.

        Raises:
            ValueError: the port or the address cannot be had.
        """
        self._thread.start()
        try:
            self._call(self._listen(port), START_TIMEOUT_S)
        except OSError as error:
            self.stop()
            raise ValueError(
                f"cannot serve the page on {self._access.host} port {port}: "
                f"{error.strerror or error}; port 0 takes one that is free"
            ) from error

    def stop(self) -> None:
        if self._thread.is_alive():
            with suppress(TimeoutError):
                self._call(self._close(), STOP_TIMEOUT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_TIMEOUT_S)

    def put(self, kind: str, payload: Payload) -> None:
        """Show something; a string is a JSON document, bytes are a picture."""
        self._loop.call_soon_threadsafe(self._feed.put, kind, payload)

    def _call(self, coroutine: Any, timeout_s: float) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    async def _listen(self, port: int) -> None:
        application = web.Application(client_max_size=MAX_MESSAGE, middlewares=[self._guard])
        application.router.add_get("/", self._index)
        for name in FILES:
            application.router.add_get(f"/{name}", self._file)
        application.router.add_get("/feed", self._socket)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._access.host, port)
        await site.start()
        taken = self._runner.addresses[0][1]
        name = f"[{self._access.host}]" if ":" in self._access.host else self._access.host
        self.url = f"http://{name}:{taken}/"

    async def _close(self) -> None:
        for socket in set(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the page's node has ended")
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse strangers, and let no answer leave without the security headers."""
        token = request.query.get("token") or request.cookies.get(COOKIE, "")
        objection = self._access.objection(request.headers, token)
        if objection:
            return web.Response(status=403, text=f"{objection}\n", headers=HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _index(self, request: web.Request) -> web.StreamResponse:
        if "token" not in request.query:
            return web.FileResponse(PAGE / "index.html")
        # The token goes from the address, which browsers remember and show, into a cookie.
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            COOKIE, request.query["token"], httponly=True, samesite="Strict", path="/"
        )
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / request.path.lstrip("/"))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self._feed.audience >= MAX_AUDIENCE:
            raise web.HTTPServiceUnavailable(text=f"{MAX_AUDIENCE} browsers look already\n")
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        self._sockets.add(socket)
        with self._feed.listener() as listener:
            sending = asyncio.ensure_future(_send_all(socket, listener))
            try:
                await self._receive_all(socket)
            finally:
                sending.cancel()
                self._sockets.discard(socket)
        return socket

    async def _receive_all(self, socket: web.WebSocketResponse) -> None:
        times: deque[float] = deque(maxlen=MAX_PER_SECOND)
        async for message in socket:
            now = self._loop.time()
            too_fast = len(times) == MAX_PER_SECOND and now - times[0] < 1.0
            times.append(now)
            try:
                if too_fast:
                    raise ValueError(f"more than {MAX_PER_SECOND} messages in a second")
                if message.type != WSMsgType.TEXT:
                    raise ValueError("need a JSON text")
                self._obey(message.data)
            except ValueError as error:
                with suppress(ConnectionError, RuntimeError):  # the browser has left
                    await socket.send_str(json.dumps({"kind": "refusal", "text": str(error)}))

    def _obey(self, document: str) -> None:
        try:
            wish = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise ValueError("need a JSON text") from error
        match wish:
            case {"say": str(text)}:
                self._robot.say(checked_text(text))
            case {"cancel": True}:
                self._robot.cancel()
            case {"points": True}:
                self._robot.show_points()
            case _:
                raise ValueError('need {"say": "..."}, {"cancel": true} or {"points": true}')


def checked_text(text: str) -> str:
    """Return a command that may be published; raise ValueError, naming the fault, otherwise."""
    text = text.strip()
    if not text:
        raise ValueError("the command is empty")
    if len(text) > MAX_TEXT:
        raise ValueError(f"the command has {len(text)} characters, at most {MAX_TEXT} are taken")
    # Cs: half of a character, which JSON can carry and UTF-8 cannot.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("the command contains control characters")
    return text


async def _send_all(socket: web.WebSocketResponse, listener: Listener) -> None:
    with suppress(ConnectionError, RuntimeError):  # the browser left
        async for payload in listener.payloads():
            if isinstance(payload, bytes):
                await socket.send_bytes(payload)
            else:
                await socket.send_str(payload)
