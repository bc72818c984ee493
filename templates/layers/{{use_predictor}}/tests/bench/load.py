"""The load: requests over keep-alive connections, each sent when the one before was answered.

It runs in a process of its own, so that it does not take the server's time:
`python -m tests.bench.load --port 8000 --path /v1/predict --seconds 2 < body.json` prints JSON.
"""

import argparse
import asyncio
import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

STATUS = slice(9, 12)  # of `HTTP/1.1 200 OK`
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client(asyncio.Protocol):
    """One connection. `latencies` (seconds) and `statuses` are shared by all of them."""

    def __init__(
        self, request: bytes, until: float, latencies: list[float], statuses: Counter[str]
    ) -> None:
        self.request, self.until = request, until
        self.latencies, self.statuses = latencies, statuses
        self.done = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast(asyncio.WriteTransport, transport)
        self.send()

    def send(self) -> None:
        """Send a request and remember when."""
        self.sent_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Once an answer is whole, count it and send the next request."""
        self.received += data
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = CONTENT_LENGTH.search(self.received, 0, head)
        if length is None:
            self.finish("answer without a length")
            return
        if len(self.received) < head + 4 + int(length[1]):
            return
        now = time.perf_counter()
        self.latencies.append(now - self.sent_at)
        self.statuses[self.received[STATUS].decode()] += 1
        self.received = b""
        if now < self.until:
            self.send()
        else:
            self.finish(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it, if the server did it."""
        self.finish("connection lost")

    def finish(self, problem: str | None) -> None:
        """Close the connection, and count why if it was not time."""
        if not self.done.done():
            if problem:
                self.statuses[problem] += 1
            self.done.set_result(None)
            self.transport.close()


async def load(
    port: int,
    path: str,
    body: bytes,
    connections: int,
    seconds: float,
    content_type: str = "application/json",
) -> dict[str, Any]:
    """Return requests a second, the median and the 99th percentile in ms, and the statuses."""
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda: Client(request, started + seconds, latencies, statuses), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    late = asyncio.gather(*(client.done for client in clients))
    try:
        await asyncio.wait_for(late, seconds + 30)
    except TimeoutError:
        statuses["no answer"] += 1
    elapsed = time.perf_counter() - started
    latencies.sort()
    return {
        "requests_per_second": len(latencies) / elapsed,
        "p50_ms": 1000 * latencies[len(latencies) // 2] if latencies else math.nan,
        "p99_ms": 1000 * latencies[len(latencies) * 99 // 100] if latencies else math.nan,
        "statuses": dict(statuses),
    }


def main() -> None:
    """Read the body from standard input, run, print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--content-type", default="application/json")
    given = parser.parse_args()
    body = sys.stdin.buffer.read()
    work = load(given.port, given.path, body, given.connections, given.seconds, given.content_type)
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        print(json.dumps(runner.run(work)))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # There is none for Windows.
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
