"""Answered rows are written to the request log and compared with the training data, in passing.

A request only leaves a note here. A thread reads the notes every second, so that neither a slow
disk nor the arithmetic holds up an answer, and whatever goes wrong there is told and counted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import repeat
from time import time
from typing import Any

import numpy as np
from prometheus_client import Counter, Gauge
from pydantic import ValidationError

from .. import drift
from ..artifact import Artifact
from ..reference import REFERENCE_FILE, Bins, Reference
from ..request_log import RequestLog
from ..settings import Settings
from .metrics import Metrics

logger = logging.getLogger(__name__)

Watched = Callable[[], Sequence[Sequence[Any]]]

SECONDS_BETWEEN_LOOKS = 1.0
# Of more rows a second, only so many are recorded (and one batch): enough to see a drift, and the
# work for it stays under some percent of a core.
MAX_WAITING_ROWS = 2_000
# The metrics compare the newest rows, so many at most.
WINDOW_ROWS = 2_000
# Of more fields, only the first are metrics; the report has all.
MAX_FIELDS = 200


@dataclass(frozen=True)
class _Note:
    time: float
    artifact: Artifact
    rows: int
    watched: Watched


class Recorder:
    """Records answered rows as numbers of bins, and says how far they are from the training data.

    Parameters
    ----------
    settings : Settings
        Where the log is, and how large it may grow.
    metrics : Metrics
        Gets the counters and the drift.
    served : Callable[[], Artifact]
        Gives the artefact that is served now.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, served: Callable[[], Artifact]
    ) -> None:
        self._served = served
        self._folder = settings.monitoring_folder
        self._log = RequestLog(self._folder, settings.monitoring_max_bytes)
        self._notes: list[_Note] = []
        self._waiting = 0
        self._problems: set[str] = set()
        self._references: dict[str, Reference | None] = {}
        self._shown = ""
        self._window: Bins = np.empty((0, 0), dtype=np.int16)
        registry = metrics.registry
        rows = Counter(
            "monitoring_rows",
            "Answered rows: recorded, skipped under load, or lost by an error.",
            ["result"],
            registry=registry,
        )
        self._recorded, self._skipped, self._lost = (
            rows.labels(result) for result in ("recorded", "skipped", "lost")
        )
        self._window_rows = Gauge(
            "monitoring_window_rows",
            "How many of the newest rows the drift is measured on.",
            registry=registry,
        )
        self._drift = {
            role: Gauge(
                f"{role}_drift_psi",
                f"Population stability index of each {role} against the training data.",
                ["field"],
                registry=registry,
            )
            for role in ("input", "prediction")
        }
        self._missing = Counter(
            "inputs_missing", "Rows without a value.", ["field"], registry=registry
        )
        self._unseen = Counter(
            "inputs_unseen",
            "Rows with a level or beyond a range that training never saw.",
            ["field"],
            registry=registry,
        )
        self._ranges = Counter(
            "prediction_values",
            "Predictions by level or range of the held-out predictions.",
            ["field", "value"],
            registry=registry,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the notes again and again until the block ends, and a last time then."""
        self.look()
        stop = asyncio.Event()
        looking = asyncio.create_task(self._look_until(stop))
        try:
            yield
        finally:
            stop.set()
            await looking

    def record(self, artifact: Artifact, rows: int, watched: Watched) -> None:
        """Leave a note of some answered rows; to be called on the event loop.

        Parameters
        ----------
        artifact : Artifact
            What answered.
        rows : int
            How many.
        watched : Callable[[], Sequence[Sequence[Any]]]
            Gives the rows, each with the values of the fields of the artefact's reference. It is
            called later, in another thread.
        """
        if self._waiting >= MAX_WAITING_ROWS:
            self._skipped.inc(rows)
        elif rows:
            self._waiting += rows
            self._notes.append(_Note(time(), artifact, rows, watched))

    def look(self) -> None:
        """Write down what is noted, and measure the drift; it raises nothing."""
        self._digest(self._take())

    async def _look_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SECONDS_BETWEEN_LOOKS)
            # Taken here and not in the thread: a note that comes now must not fall in between.
            await asyncio.to_thread(self._digest, self._take())

    def _take(self) -> list[_Note]:
        notes, self._notes, self._waiting = self._notes, [], 0
        return notes

    def _digest(self, notes: list[_Note]) -> None:
        try:
            self._follow(self._served())
        except Exception as error:
            self._complain("The drift cannot be measured", error)
        artifacts = {note.artifact.metadata.id: note.artifact for note in notes}
        for model, artifact in artifacts.items():
            mine = [note for note in notes if note.artifact.metadata.id == model]
            rows = sum(note.rows for note in mine)
            try:
                reference = self._reference(artifact)
                if reference is None:
                    continue
                watched = [row for note in mine for row in note.watched()]
                times = [moment for note in mine for moment in repeat(note.time, note.rows)]
                bins = reference.bins(watched)
                if model == self._shown:
                    self._measure(reference, bins)
                self._log.write(model, times, bins)
            except Exception as error:
                self._lost.inc(rows)
                self._complain("Answered rows cannot be recorded", error)
            else:
                self._recorded.inc(rows)

    def _complain(self, what: str, error: Exception) -> None:
        """Tell each kind of problem once; the text of an error may hold what was sent."""
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        problem = f"{what} in {self._folder}: {why}. The service goes on."
        if problem not in self._problems:
            self._problems.add(problem)
            logger.warning(problem)

    def _reference(self, artifact: Artifact) -> Reference | None:
        """Return the reference of an artefact; None, told once, where it has none."""
        metadata = artifact.metadata
        if metadata.id not in self._references:
            self._references = {
                model: found for model, found in self._references.items() if model == self._shown
            }
            found = None
            try:
                if REFERENCE_FILE in metadata.files:
                    found = Reference.load(artifact.file(REFERENCE_FILE))
            except ValidationError:
                found = None
            if found is None:
                logger.warning(
                    "The model %s has no sound %s: it is not monitored. Train again.",
                    metadata.id,
                    REFERENCE_FILE,
                )
            self._references[metadata.id] = found
        return self._references[metadata.id]

    def _follow(self, artifact: Artifact) -> None:
        """Begin anew when another model is served: its bins are other ones."""
        if artifact.metadata.id == self._shown:
            return
        for metric in (*self._drift.values(), self._missing, self._unseen, self._ranges):
            metric.clear()
        self._window_rows.set(0)
        self._shown = artifact.metadata.id
        reference = self._reference(artifact)
        if reference is None:
            return
        self._window = np.empty((0, len(reference.fields)), dtype=np.int16)
        # From zero on: a rate over a series that begins at one would miss its first step.
        self._count(reference, self._window)

    def _measure(self, reference: Reference, bins: Bins) -> None:
        self._count(reference, bins)
        self._window = np.concatenate([self._window, bins])[-WINDOW_ROWS:]
        self._window_rows.set(len(self._window))
        if len(self._window) >= drift.MIN_ROWS:
            for found in drift.measure(reference, self._window)[:MAX_FIELDS]:
                field = found.field
                self._drift[field.role].labels(field.name).set(found.psi)

    def _count(self, reference: Reference, bins: Bins) -> None:
        for place, field in enumerate(reference.fields[:MAX_FIELDS]):
            counts = field.count(bins[:, place])
            if field.role == "input":
                self._missing.labels(field.name).inc(counts[0])
                unseen = sum(counts[bin_number] for bin_number in field.unseen)
                self._unseen.labels(field.name).inc(unseen)
            else:
                for label, count in zip(field.labels, counts, strict=True):
                    self._ranges.labels(field.name, label).inc(count)
