"""The model that is served now, replaced while requests run when another one becomes champion."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

from .. import promotion
from ..artifact import Artifact
from ..errors import UserError
from .metrics import Metrics

logger = logging.getLogger(__name__)

Model = TypeVar("Model")

# A champion that cannot be loaded may still be on its way (a copy to another machine, say).
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Champion(Generic[Model]):
    """A loaded champion: its artefact, what the family made of it, and since when it is served."""

    artifact: Artifact
    model: Model
    loaded_at: datetime


class ChampionHolder(Generic[Model]):
    """Holds the champion; a request takes `current` once and keeps it to its end.

    Parameters
    ----------
    artifacts_dir : Path
        The folder with the pointer `champion`.
    load : Callable[[Artifact], Model]
        Makes a verified artefact ready to answer, first request included; raises UserError.
    metrics : Metrics
        Counts the reloads.
    """

    def __init__(
        self, artifacts_dir: Path, load: Callable[[Artifact], Model], metrics: Metrics
    ) -> None:
        self._artifacts_dir = artifacts_dir
        self._load = load
        self._metrics = metrics
        self._current: Champion[Model] | None = None
        self._refused: str | None = None
        self._retry_at = 0.0
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._last_problem = ""
        self.ready = False

    @property
    def loaded(self) -> bool:
        """Whether there is a champion to answer with."""
        return self._current is not None

    @property
    def current(self) -> Champion[Model]:
        """The champion; RuntimeError before the first one is loaded."""
        if self._current is None:
            raise RuntimeError("the service was asked before its champion was loaded")
        return self._current

    def load(self) -> None:
        """Load the champion; UserError when there is none or it is damaged, the old one stays."""
        artifact = promotion.champion(self._artifacts_dir)
        model = self._load(artifact)
        self._current = Champion(artifact, model, datetime.now(UTC))
        self._metrics.set_model(artifact.metadata.id, artifact.metadata.model)

    async def watch(self, seconds: float) -> None:
        """Look at the pointer again and again, and load a new champion in a thread."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                # The service goes on with what it has, whatever happens to the folder.
                logger.exception("The champion could not be looked at; the old one goes on.")

    def refresh(self) -> None:
        """Load the champion if it is another one; a damaged one is logged, counted and refused."""
        try:
            wanted = promotion.champion_id(self._artifacts_dir)
        except UserError as error:
            self._complain(f"{error} The old champion goes on.")
            return
        if wanted is None:
            self._complain("The pointer to the champion is gone. The old champion goes on.")
            return
        if wanted == self.current.artifact.metadata.id:
            self._refused, self._last_problem = None, ""
            return
        if wanted == self._refused and monotonic() < self._retry_at:
            return
        if wanted != self._refused:
            self._retry_seconds = FIRST_RETRY_SECONDS
        old = self.current.artifact.metadata.id
        try:
            self.load()
        except Exception as error:
            self._metrics.reloads.labels("refused").inc()
            self._refused = wanted
            self._retry_at = monotonic() + self._retry_seconds
            self._retry_seconds = min(2 * self._retry_seconds, LONGEST_RETRY_SECONDS)
            why = str(error) if isinstance(error, UserError) else type(error).__name__
            self._complain(f"The new champion {wanted} is refused: {why} {old} goes on.")
            return
        self._metrics.reloads.labels("loaded").inc()
        self._refused, self._last_problem = None, ""
        logger.info("The champion %s replaces %s.", self.current.artifact.metadata.id, old)

    def _complain(self, problem: str) -> None:
        if problem != self._last_problem:
            logger.error(problem)
        self._last_problem = problem
