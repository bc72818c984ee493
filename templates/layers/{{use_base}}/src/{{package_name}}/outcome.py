"""What a training came to, as a person reads it."""

from collections.abc import Collection

from .artifact import Artifact
from .console import console, format_value, table
from .promotion import Decision


def show_outcome(
    title: str,
    artifact: Artifact,
    decision: Decision,
    where: str,
    *,
    hidden_metrics: Collection[str] = (),
    notes: Collection[str] = (),
) -> None:
    """Print the metrics beside those of the baseline, the decision, and where all is kept.

    Parameters
    ----------
    title : str
        Of the table of metrics.
    artifact : Artifact
        The trained model.
    decision : Decision
        Of the gate.
    where : str
        What the tracker says about where to look at the run.
    hidden_metrics : Collection[str]
        Those that are no measure of how good the model is.
    notes : Collection[str]
        Sentences about the training, between the metrics and the decision.
    """
    facts = artifact.metadata
    rows = [
        (metric, value, _interval(facts.metric_intervals.get(metric)), facts.baseline.get(metric))
        for metric, value in facts.metrics.items()
        if metric not in hidden_metrics
    ]
    table(title, ["metric", "model", "95 % interval", "baseline"], rows)
    for note in notes:
        console.print(note, markup=False, soft_wrap=True)
    colour = "green" if decision.promoted else "yellow"
    console.print(decision.reason, style=colour, markup=False, soft_wrap=True)
    console.print(f"Kept in {artifact.path}", markup=False, soft_wrap=True)
    console.print(where, markup=False, soft_wrap=True)


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{format_value(bounds[0])} to {format_value(bounds[1])}"
