"""The log of answered rows: bounded, and without personal data.

::

    artifacts/monitoring/requests-20261122T193309Z-1a2b3c4d.jsonl
    {"time": "2026-11-22T19:33:09Z", "model": "20261122T193001Z-5e6f7a8b", "bins": [4, 2, 0, …]}

A line holds no value that was sent, only the number of the bin that each value falls into; what
the bins are stands in `reference.json` of the model. Each process writes a file of its own, so
that none can tear the line of another, and the oldest files go when all together grow too large.
"""

import errno
import json
import os
import re
import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np

from .reference import Bins, Reference

# A tenth of the room is lost at once when the oldest file goes.
FILES = 10
# A service that is restarted again and again leaves many small files.
MAX_FILES = 200
LINE = re.compile(r'\{"time": "([\dT:-]+Z)", "model": "([\w-]+)", "bins": (\[[\d, ]+\])\}\n?')


@dataclass(frozen=True)
class Row:
    """An answered row: when, by which model, and the bins of its fields."""

    time: datetime
    model: str
    bins: list[int]


class RequestLog:
    """Writes rows into a folder, and keeps the folder small.

    Parameters
    ----------
    folder : Path
        It is made when the first row is written.
    max_bytes : int
        Of all files together.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._file: Path | None = None

    def write(self, model: str, times: Iterable[float], bins: Bins) -> None:
        """Append rows, in one piece.

        Parameters
        ----------
        model : str
            The id of the model that answered.
        times : Iterable[float]
            When, in seconds since 1970.
        bins : ndarray of int, shape (rows, fields)
            See `Reference.bins`.

        Raises
        ------
        OSError
            When the folder cannot be written; the next call begins a new file.
        """
        lines = [
            json.dumps({"time": _shown(time), "model": model, "bins": row}) + "\n"
            for time, row in zip(times, bins.tolist(), strict=True)
        ]
        share = self._max_bytes // FILES
        size = 0
        part: list[str] = []
        for line in lines:  # A large batch may be more than one file should hold.
            if part and size + len(line) > share:
                self._append("".join(part), share)
                part, size = [], 0
            part.append(line)
            size += len(line)
        self._append("".join(part), share)

    def _append(self, text: str, share: int) -> None:
        file, self._file = self._file, None
        if file is None or not file.exists() or file.stat().st_size + len(text) > share:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"requests-{_name(datetime.now(UTC))}.jsonl"
        self._make_room(file, self._max_bytes - len(text))
        content = text.encode("ascii")
        with file.open("ab", buffering=0) as log:
            if log.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._file = file

    def _make_room(self, current: Path, room: int) -> None:
        files = files_in(self._folder)
        sizes = {file: size for file in files if (size := _size(file)) is not None}
        total, count = sum(sizes.values()), len(sizes)
        for file, size in sizes.items():
            if total <= room and count <= MAX_FILES:
                break
            if file != current:
                file.unlink(missing_ok=True)
                total, count = total - size, count - 1


def files_in(folder: Path) -> list[Path]:
    """Return the files of the log, the oldest first."""
    return sorted(folder.glob("requests-*.jsonl"))


def read(
    folder: Path,
    model: str,
    reference: Reference,
    *,
    last: int | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """Return the rows of a model, the oldest first; lines that are torn or of others are skipped.

    Parameters
    ----------
    folder : Path
        Where the log is; it need not exist.
    model : str
        The id of the model.
    reference : Reference
        Of that model.
    last : int or None
        At most so many, the newest.
    since : datetime or None
        Not older than this.
    """
    sizes = np.array([field.size for field in reference.fields])
    lines = chain.from_iterable(map(_lines, files_in(folder)))
    rows = (row for line in lines if (row := _parse(line)) and row.model == model)
    found = (
        row
        for row in rows
        if (since is None or row.time >= since)
        and len(row.bins) == len(sizes)
        and (np.array(row.bins) < sizes).all()
    )
    # The files of several processes overlap in time.
    ordered = sorted(found, key=lambda row: row.time)
    return list(deque(ordered, maxlen=last))


def _lines(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", errors="replace") as text:
            yield from text
    except FileNotFoundError:  # The service made room.
        return


def _parse(line: str) -> Row | None:
    found = LINE.fullmatch(line)
    if not found:
        return None
    try:
        return Row(datetime.fromisoformat(found[1]), found[2], json.loads(found[3]))
    except ValueError:
        return None


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # Another process made room.
        return None


def _shown(seconds: float) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _name(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond:06d}Z-{secrets.token_hex(4)}"
