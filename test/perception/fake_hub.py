"""A Hugging Face hub on this computer, for the real client library to talk to."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Repositories by id, each a dictionary of file contents; notes what it was asked."""

    def __init__(self):
        self.repositories = {}
        self.gated = set()
        self.requests = []  # (method, path, Range header)
        self.break_off = {}  # file name to how often the connection is cut half-way
        self.url = ""

    def asked_for(self, name):
        return [
            each for method, path, each in self.requests if path.endswith(name) and method == "GET"
        ]

    def answer(self, method, path, wanted_range):
        """Return status, headers and body."""
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self._describe("/".join(parts[2:4]), parts[4:])
        repository, rest = "/".join(parts[:2]), parts[2:]
        if repository in self.gated:
            return 403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"}, b""
        content = self.repositories[repository]["/".join(rest[2:])]
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        if wanted_range is None:
            return 200, headers, content
        start = int(wanted_range.removeprefix("bytes=").split("-")[0])
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return 206, headers, content[start:]

    def _describe(self, repository, rest):
        if repository not in self.repositories:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        if rest[:1] == ["revision"] and rest[1] not in ("main", REVISION):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        files = self.repositories[repository]
        if rest[:1] == ["tree"]:
            listing = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(body),
                    "oid": hashlib.sha1(body).hexdigest(),
                }
                for name, body in files.items()
            ]
        else:
            siblings = [{"rfilename": name, "size": len(body)} for name, body in files.items()]
            listing = {"id": repository, "sha": REVISION, "siblings": siblings, "private": False}
        return 200, {"Content-Type": "application/json"}, json.dumps(listing).encode()


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = urlsplit(self.path).path
            hub.requests.append((self.command, path, self.headers.get("Range")))
            status, headers, body = hub.answer(self.command, path, self.headers.get("Range"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            name = path.rsplit("/", 1)[-1]
            if hub.break_off.get(name, 0) > 0:
                hub.break_off[name] -= 1
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.connection.close()
                self.close_connection = True
                return
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def fake_hub():
    """Run a hub until the block ends."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
