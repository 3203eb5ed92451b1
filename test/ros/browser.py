"""A headless Chromium, driven over its DevTools WebSocket: used as a person uses a page."""

import asyncio
import base64
import json
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
from patience import patience

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = patience(60.0)


def find_chromium():
    """Return the program, or None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def open_page(url, profile, width=1280, height=800, mobile=False):
    """Show a page in a browser of its own; `profile` is an empty folder for its files."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    options += ["--no-first-run", "--disable-background-networking", "--mute-audio"]
    command = [
        find_chromium(),
        *options,
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
    ]
    with (Path(profile) / "chromium.log").open("w") as log:
        browser = subprocess.Popen(
            [*command, "about:blank"], stdout=log, stderr=log, start_new_session=True
        )
    loop = asyncio.new_event_loop()
    page = Page(loop)
    try:
        loop.run_until_complete(page.connect(Path(profile) / "DevToolsActivePort"))
        page.command("Page.enable")
        page.resize(width, height, mobile)
        page.go_to(url)
        yield page
    finally:
        with suppress(Exception):
            page.command("Browser.close")
        loop.run_until_complete(page.close())
        loop.close()
        _end(browser)


def _end(browser):
    with suppress(subprocess.TimeoutExpired):
        browser.wait(5)
        return
    browser.send_signal(signal.SIGKILL)
    browser.wait(5)


class Page:
    """One tab; every call waits for its answer."""

    def __init__(self, loop):
        self._loop = loop
        self._session = self._socket = None
        self._count = 0

    async def connect(self, port_file):
        end = time.monotonic() + TIMEOUT_S
        while not (port_file.is_file() and port_file.read_text().count("\n")):
            assert time.monotonic() < end, "the browser did not start"
            await asyncio.sleep(0.05)
        port = port_file.read_text().split()[0]
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            tab = next(each for each in await answer.json() if each["type"] == "page")
        self._socket = await self._session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0)

    async def close(self):
        if self._session is not None:
            await self._session.close()

    def command(self, method, **parameters):
        return self._loop.run_until_complete(
            asyncio.wait_for(self._command(method, parameters), TIMEOUT_S)
        )

    async def _command(self, method, parameters):
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive()).data)
            if message.get("id") == self._count:
                assert "error" not in message, message
                return message["result"]

    def resize(self, width, height, mobile=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if mobile else 1}
        self.command("Emulation.setDeviceMetricsOverride", **size, mobile=mobile)

    def go_to(self, url):
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def value(self, expression):
        """Return what a JavaScript expression gives."""
        result = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def text(self, selector):
        return self.value(f"document.querySelector({json.dumps(selector)}).textContent")

    def wait_for(self, expression, timeout_s=TIMEOUT_S):
        """Wait until a JavaScript expression is true; return its value."""
        end = time.monotonic() + timeout_s
        while not (value := self.value(expression)):
            assert time.monotonic() < end, f"waited {timeout_s} s for {expression}"
            time.sleep(0.05)
        return value

    def click(self, selector):
        """Press the mouse where the element is, as a person would."""
        x, y = self.value(
            "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            mouse = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.command("Input.dispatchMouseEvent", **mouse)

    def type(self, text):
        """Type into whatever has the focus, and press Enter."""
        self.command("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent", type=kind, key="Enter", text="\r",
                windowsVirtualKeyCode=13,
            )  # fmt: skip

    def screenshot(self, path, whole=False):
        picture = self.command("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(picture["data"]))
