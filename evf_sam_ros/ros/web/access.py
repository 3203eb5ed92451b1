"""Access control of the page: programs of this machine, or holders of the token.

A page of another site, open in the operator's browser, is on this machine as well. So the Host of
every request must be ours (which ends DNS rebinding), and so must the Origin of a WebSocket.
"""

import hmac
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

MIN_TOKEN = 16  # characters
TOKEN_VARIABLE = "EVF_SAM_WEB_TOKEN"
COOKIE = "evf_sam_token"
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """Address of the page, and the token that it requires."""

    host: str
    token: str = ""

    def __post_init__(self) -> None:
        if self.token and len(self.token) < MIN_TOKEN:
            raise ValueError(
                f"the token in {TOKEN_VARIABLE} has {len(self.token)} characters, need at least "
                f'{MIN_TOKEN}: python3 -c "import secrets; print(secrets.token_urlsafe())"'
            )
        if not self.is_local and not self.token:
            raise ValueError(
                f"host is {self.host!r}, which other machines can reach: that needs a token of at "
                f"least {MIN_TOKEN} characters in the environment variable {TOKEN_VARIABLE}. "
                "Without one, use host 127.0.0.1 and, from elsewhere, ssh -L"
            )

    @property
    def is_local(self) -> bool:
        """Tell whether only programs of this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def knows_token(self, offered: str) -> bool:
        """Tell whether a visitor's token is right, in the same time whatever is wrong with it."""
        return not self.token or hmac.compare_digest(offered.encode(), self.token.encode())

    def objection(self, headers: Mapping[str, str], offered_token: str) -> str:
        """Return why a request is refused, empty if it is not."""
        host = headers.get("Host", "")
        if self.is_local and _split(f"//{host}").hostname not in LOCAL_NAMES:
            return f"this page is for {' and '.join(LOCAL_NAMES[:2])}, not for {host[:80]!r}"
        origin = headers.get("Origin")
        if origin is not None and _split(origin).netloc != host:
            return "the request comes from another site's page"
        if not self.knows_token(offered_token):
            return "open the page as /?token=..., with the token it was started with"
        return ""


def _split(address: str) -> SplitResult:
    """Split an address; one that is malformed, such as `//]`, has no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def token_from_environment() -> str:
    """Read the token where neither a list of processes nor `ros2 param get` shows it."""
    return os.environ.get(TOKEN_VARIABLE, "")
