"""Bounds on what one request and all requests together may take: size, time and number."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..settings import Settings
from .metrics import Metrics
from .problems import problem
from .security import PROTECTED_PREFIX

# Slow senders do not hold a place among the requests in work, but their bodies need memory.
UPLOADS_PER_PLACE = 4
RETRY_AFTER = {"Retry-After": "1"}


class LimitWork:
    """Read the whole body first, then let a bounded number of requests work for a bounded time.

    Only `/v1/` is bounded, so that health and metrics are answered under load too.
    413: the body is too large. 408: it came too slowly. 503: too many requests are in flight.
    504: the answer took too long.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.max_body_bytes = settings.max_body_bytes
        self.max_in_flight = settings.max_in_flight
        self.seconds = settings.timeout_seconds
        self.uploads = 0
        self.in_flight = 0
        metrics.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bound one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PROTECTED_PREFIX):
            await self.app(scope, receive, send)
            return
        if self._declared_length(scope) > self.max_body_bytes:
            await self._too_large(scope, receive, send)
            return
        if self._full() or self.uploads >= self.max_in_flight * UPLOADS_PER_PLACE:
            await self._busy(scope, receive, send)
            return
        reading = True
        try:
            async with asyncio.timeout(self.seconds) as deadline:
                body = await self._read(receive)
                reading = False
                if body is None:
                    await self._too_large(scope, receive, send)
                elif self._full():
                    await self._busy(scope, receive, send)
                else:
                    self.in_flight += 1
                    try:
                        await self.app(scope, _replay(body, receive), send)
                    finally:
                        self.in_flight -= 1
        except ClientDisconnect:
            return
        except TimeoutError:
            if not deadline.expired() or "status" in scope["state"]:
                raise
            if reading:
                detail = f"The body did not arrive within {self.seconds:g} seconds. Send it faster."
                late = problem(408, detail, {"Connection": "close"})
            else:
                detail = f"This took more than {self.seconds:g} seconds. Ask for less at once."
                late = problem(504, detail)
            await late(scope, receive, send)

    def _full(self) -> bool:
        return self.in_flight >= self.max_in_flight

    @staticmethod
    def _declared_length(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() else 0
        return 0

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body, or None when it is too large; ClientDisconnect when nobody waits."""
        message = await receive()
        if not message.get("more_body") and message["type"] == "http.request":
            body: bytes = message["body"]
            return body if len(body) <= self.max_body_bytes else None
        self.uploads += 1
        try:
            chunks, size = [], 0
            while True:
                if message["type"] != "http.request":
                    raise ClientDisconnect
                chunks.append(message["body"])
                size += len(message["body"])
                if size > self.max_body_bytes:
                    return None
                if not message["more_body"]:
                    return b"".join(chunks)
                message = await receive()
        finally:
            self.uploads -= 1

    async def _too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"The body is larger than {self.max_body_bytes:,} bytes. Send less at once."
        await problem(413, detail)(scope, receive, send)

    async def _busy(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"{self.max_in_flight} requests are in work already. Try again in a second."
        await problem(503, detail, RETRY_AFTER)(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, and after it what the client does."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
