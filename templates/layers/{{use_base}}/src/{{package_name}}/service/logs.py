"""The log: JSON lines on standard output, without what clients sent."""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any


class JsonFormatter(logging.Formatter):
    """One JSON object a line.

    A record may carry `fields`, which are added to the line, and `private`: then only the type of
    its exception and the places are written, as the text may hold what a client sent. With `reveal`
    the text is written all the same.
    """

    def __init__(self, *, reveal: bool = False) -> None:
        super().__init__()
        self._reveal = reveal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            if self._reveal or not getattr(record, "private", False):
                line["exception_text"] = str(record.exc_info[1])
            line["places"] = [
                f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    """Send all logs of this process to standard output.

    Parameters
    ----------
    level : str
        DEBUG, INFO, WARNING, ERROR or CRITICAL.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(reveal=level == "DEBUG"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.raiseExceptions = False  # When nobody reads the log, the service goes on.


class RequestLog:
    """One line a request, put together by hand: the `logging` module would take ten times as long.

    It is safe without escaping, because each text in it comes from a fixed set or a strict pattern.
    """

    def __init__(self, level: str) -> None:
        self._enabled = logging.getLevelNamesMapping()[level] <= logging.INFO
        self._second = 0
        self._time = ""

    def write(
        self,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        state: Mapping[str, Any],
    ) -> None:
        """Write the line, with `rows` and `model` where the request's state has them."""
        if not self._enabled:
            return
        now = time()
        if int(now) != self._second:
            self._second = int(now)
            self._time = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        answered = (
            f', "rows": {state["rows"]:d}, "model": "{state["model"]}"' if "rows" in state else ""
        )
        fields = (
            f'"time": "{self._time}.{int(now % 1 * 1000):03d}+00:00", "level": "info", '
            f'"message": "request", "request_id": "{request_id}", "method": "{method}", '
            f'"route": "{route}", "status": {status:d}, "milliseconds": {seconds * 1000:.2f}'
        )
        line = "{" + fields + answered + "}\n"
        try:
            sys.stdout.write(line)
            sys.stdout.flush()
        except OSError:
            # Nobody reads the log any more (`serve | head`); requests must not fail for that.
            self._enabled = False
