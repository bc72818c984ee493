"""Around each request: an id, a line in the log, the counters, safe headers, and no traceback."""

import logging
import random
import re
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import RequestLog
from .metrics import Metrics
from .problems import problem
from .security import CONTENT_SECURITY_POLICY, SECURITY_HEADERS, STRICT_POLICY

logger = logging.getLogger(__name__)

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every few seconds by machines: only their failures are worth a line.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# What nginx writes down when the client hung up; it is never sent.
CLIENT_CLOSED_REQUEST = 499


class ObserveRequests:
    """The outermost layer: what happens inside is seen, and answered, here.

    Paths are written down only where they are routes, and query values, headers and bodies never:
    they may be personal data, and each new path would be a new series for Prometheus.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log_level: str) -> None:
        self.app = app
        self.metrics = metrics
        self.log = RequestLog(log_level)
        self._routes: frozenset[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Observe one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                state["status"] = message["status"]
                headers = [*message["headers"], *SECURITY_HEADERS]
                if all(name != CONTENT_SECURITY_POLICY for name, _ in headers):
                    headers.append(STRICT_POLICY)
                headers.append((b"x-request-id", request_id.encode()))
                message["headers"] = headers
            await send(message)

        try:
            await self.app(scope, receive, send_safely)
        except Exception:
            extra = {"fields": {"request_id": request_id}, "private": True}
            logger.exception("A request failed.", extra=extra)
            if "status" in state:
                # The server must cut the connection; what it would log of the error may be private.
                raise RuntimeError("a request failed in the middle of its answer") from None
            detail = f"The service failed. Its log says more under the request id {request_id}."
            await problem(500, detail)(scope, receive, send_safely)
        finally:
            seconds = perf_counter() - started
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = scope["path"] if scope["path"] in self._known(scope) else "other"
            status = state.get("status", CLIENT_CLOSED_REQUEST)
            self.metrics.observe(method, route, status, seconds)
            if route not in PROBES or status >= 400:
                self.log.write(request_id, method, route, status, seconds, state)

    def _known(self, scope: Scope) -> frozenset[str]:
        if self._routes is None:
            self._routes = frozenset(route.path for route in scope["app"].routes)
        return self._routes


def _request_id(scope: Scope) -> str:
    """Return the client's id where it cannot harm a log or a header, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if SANE_REQUEST_ID.fullmatch(value):
                return bytes(value).decode()
            break
    return f"{random.getrandbits(128):032x}"
