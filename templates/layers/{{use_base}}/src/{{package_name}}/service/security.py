"""The API key, and headers that keep browsers from doing more with an answer than they should."""

import hashlib
import hmac

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import problem

PROTECTED_PREFIX = "/v1/"

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
CONTENT_SECURITY_POLICY = b"content-security-policy"
# For all but pages, which name what they need.
STRICT_POLICY = (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'")


class RequireApiKey:
    """Refuse requests under `/v1/` without the key; with no key set, everybody is welcome.

    Health and metrics stay open, as orchestrators carry no key: keep them inside your network.
    """

    def __init__(self, app: ASGIApp, api_key: SecretStr | None) -> None:
        self.app = app
        key = api_key.get_secret_value() if api_key else ""
        self._expected = _digest(key.encode()) if key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request pass or refuse it."""
        if (
            self._expected is None
            or scope["type"] != "http"
            or not scope["path"].startswith(PROTECTED_PREFIX)
            or hmac.compare_digest(_digest(_presented(scope)), self._expected)
        ):
            await self.app(scope, receive, send)
            return
        refusal = problem(
            401,
            "Send the API key as the header X-API-Key, or as Authorization: Bearer KEY.",
            {"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)


def _presented(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return bytes(value)
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:]).strip()
    return b""


def _digest(key: bytes) -> bytes:
    # Digests have one length, so that the comparison's time does not tell the key's.
    return hashlib.sha256(key).digest()
