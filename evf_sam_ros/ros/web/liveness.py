"""Ages of what the page shows: discovery alone takes 20 s to notice that a node is dead."""

import time
from typing import Any


class Liveness:
    """Remembers when camera and node were last heard, and which requests have no answer yet.

    Called from the server's and the executor's thread; every method is one assignment or copy.
    """

    def __init__(self) -> None:
        self._seen_at: dict[str, float] = {}
        self._waiting: dict[str, tuple[float, str]] = {}  # request -> since when, what was said

    def seen(self, *names: str) -> None:
        """Note that data of these has just arrived."""
        self._seen_at.update(dict.fromkeys(names, time.monotonic()))

    def asked(self, request: str, text: str = "") -> None:
        """Note that a request has been sent; a newer one takes the place of an older."""
        self._waiting[request] = (time.monotonic(), text)

    def answered(self, request: str, text: str = "") -> None:
        """Note an answer; one to another text leaves the request waiting."""
        waiting = self._waiting.get(request)
        if waiting is not None and waiting[1] == text:
            self._waiting.pop(request, None)

    def document(self) -> dict[str, Any]:
        """Return ages in seconds: of the camera's and the node's data, and of open requests."""
        now = time.monotonic()
        waiting = {request: now - since for request, (since, _) in self._waiting.copy().items()}
        return {
            "camera_age_s": now - self._seen_at.get("camera", 0.0),
            "node_age_s": now - self._seen_at.get("node", 0.0),
            "waiting_s": waiting,
        }
