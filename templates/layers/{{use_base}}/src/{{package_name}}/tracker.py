"""What every tracker offers: a record of runs, and a registry whose champion is the served one.

`tracking.open_tracker` gives the tracker that this project was made with; code that trains knows
only this protocol.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from .artifact import Artifact, DataFacts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_PARAM_LENGTH = 500


class Tracker(Protocol):
    """A record of training runs. The methods `log_…` belong inside `run`.

    Every method raises UserError when the record cannot be written.
    """

    def run(
        self, name: str, *, nested: bool = False, tags: Mapping[str, str] | None = None
    ) -> AbstractContextManager[None]:
        """Open a run until the block ends; an exception inside marks it as failed and goes on.

        Parameters
        ----------
        name : str
            What people read in the list of runs.
        nested : bool
            Whether the run belongs to the one that is open, as the trials of a tuning do.
        tags : Mapping[str, str] or None
            Facts to filter runs by.
        """
        ...

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested ones are named with dots, and long values are cut."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics in one batch; `step` counts rounds or epochs of one run."""
        ...

    def log_figure(self, figure: "Figure", name: str) -> None:
        """Keep a figure as `name`.png."""
        ...

    def log_dataset(self, facts: DataFacts) -> None:
        """Record which data was used, by its source and hash."""
        ...

    def log_artifact(self, artifact: Artifact) -> None:
        """Keep the files and metrics of an artefact, and register it as a version of the model."""
        ...

    def promote(self, artifact: Artifact) -> None:
        """Let the registry's alias `champion` name this artefact, as `artifacts/champion` does."""
        ...

    def where(self) -> str:
        """Return a sentence that tells where to look at the runs."""
        ...


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Write nested parameters as `outer.inner`, values as text of at most MAX_PARAM_LENGTH.

    Parameters
    ----------
    params : Mapping[str, Any]
        Parameters; lists are written as JSON.
    prefix : str
        Goes before each name.
    """
    flat: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            cut = text if len(text) <= MAX_PARAM_LENGTH else text[: MAX_PARAM_LENGTH - 1] + "…"
            flat[f"{prefix}{name}"] = cut
    return flat
