"""Runs as lines of JSON in `artifacts/runs.jsonl`, with their figures in `artifacts/figures`.

Read them with `pandas.read_json("artifacts/runs.jsonl", lines=True)`.
"""

import json
import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from .artifact import Artifact, DataFacts
from .errors import UserError
from .settings import Settings
from .tracker import Tracker, flatten

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class _Run:
    """An open run: what its line will say."""

    name: str
    parent: str | None
    tags: dict[str, str]
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    start: float = field(default_factory=monotonic)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    steps: list[dict[str, float | None]] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class LocalTracker:
    """Appends one line for each finished run and each promotion.

    Parameters
    ----------
    folder : Path
        Where `runs.jsonl` and `figures/` are kept.
    experiment : str
        Written with every run.
    """

    def __init__(self, folder: Path, experiment: str) -> None:
        self._folder = folder
        self._experiment = experiment
        self._open: list[_Run] = []

    @contextmanager
    def run(
        self, name: str, *, nested: bool = False, tags: Mapping[str, str] | None = None
    ) -> Iterator[None]:
        """Open a run until the block ends; its line is written then, also when the block fails."""
        if bool(self._open) != nested:
            raise ValueError("a run inside another must be nested, and a nested one inside another")
        parent = self._open[-1].id if self._open else None
        self._open.append(_Run(name, parent, dict(tags or {})))
        try:
            yield
        except BaseException:
            # What went wrong inside matters more than a record that cannot be written as well.
            with suppress(UserError):
                self._close("failed")
            raise
        self._close("finished")

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested ones are named with dots, and long values are cut."""
        self._current.params |= flatten(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics; the last value stands in `metrics`, every step in `steps`."""
        values = {name: float(value) for name, value in metrics.items()}
        self._current.metrics |= values
        if step is not None:
            self._current.steps.append({"step": step} | _finite(values))

    def log_figure(self, figure: "Figure", name: str) -> None:
        """Keep a figure as `figures/<run>/<name>.png`."""
        file = self._folder / "figures" / self._current.id / f"{name}.png"
        with self._writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(file, format="png", bbox_inches="tight")
        self._current.figures.append(file.relative_to(self._folder).as_posix())

    def log_dataset(self, facts: DataFacts) -> None:
        """Record which data was used, by its source and hash."""
        self._current.facts["dataset"] = facts.model_dump(mode="json")

    def log_artifact(self, artifact: Artifact) -> None:
        """Record the artefact's id and metrics; its files stay where they are."""
        self.log_metrics(artifact.metadata.metrics)
        self._current.facts["artifact"] = artifact.metadata.id

    def promote(self, artifact: Artifact) -> None:
        """Record that this artefact became the champion."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._append({"kind": "promotion", "artifact": artifact.metadata.id, "at": now})

    def where(self) -> str:
        """Return a sentence that tells where to look at the runs."""
        return f"The runs are recorded in {self._file}, one line of JSON each."

    @property
    def _file(self) -> Path:
        return self._folder / "runs.jsonl"

    @property
    def _current(self) -> _Run:
        if not self._open:
            raise ValueError("there is no open run: log inside `with tracker.run(…):`")
        return self._open[-1]

    def _close(self, status: str) -> None:
        run = self._open.pop()
        line = {
            "kind": "run",
            "experiment": self._experiment,
            "run": run.id,
            "parent": run.parent,
            "name": run.name,
            "tags": run.tags,
            "status": status,
            "started_at": run.started_at.isoformat(timespec="seconds"),
            "seconds": round(monotonic() - run.start, 3),
            "params": run.params,
            "metrics": _finite(run.metrics),
            "steps": run.steps,
            "figures": run.figures,
        }
        self._append(line | run.facts)

    def _append(self, line: Mapping[str, Any]) -> None:
        with self._writing(self._file):
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8", newline="\n") as log:
                # One write of one whole line: runs that end together do not mix their lines.
                log.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")

    @staticmethod
    @contextmanager
    def _writing(file: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"The run could not be recorded in {file}: {error.strerror}.",
                "Make room or mend the permissions there. The trained model is not affected.",
            ) from error


def open_tracker(settings: Settings, experiment: str) -> Tracker:
    """Give a tracker that writes beside the models.

    Parameters
    ----------
    settings : Settings
        Says where `artifacts` stands.
    experiment : str
        Written with every run.
    """
    return LocalTracker(settings.artifacts_dir, experiment)


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Write what is no number as null, since JSON has neither NaN nor infinity."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}
