"""A newly trained model: compared with the champion, promoted if it is better, and recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .artifact import Artifact
from .errors import UserError
from .promotion import Decision, Gate, champion, champion_id, decide, deciding, set_champion
from .settings import Settings
from .tracker import Tracker


class KeepChampionError(Exception):
    """The present champion stays, whatever the scores say; the text says why."""


def settle(
    artifact: Artifact,
    settings: Settings,
    tracker: Tracker,
    gate: Gate,
    present: Callable[[Artifact], float],
    rows: int,
) -> Decision:
    """Decide whether a candidate becomes the champion, and tell the tracker.

    Parameters
    ----------
    artifact : Artifact
        The candidate; its metrics and its baseline hold the metric of the gate.
    settings : Settings
        Where the artefacts are.
    tracker : Tracker
        With the run of the training open; it gets the artefact, and the promotion.
    gate : Gate
        The metric that decides.
    present : Callable[[Artifact], float]
        Scores the present champion on the candidate's held-out rows. It raises UserError where
        that champion cannot judge them; then the baseline alone is to be beaten. It raises
        KeepChampionError where no score on these rows could justify to replace it.
    rows : int
        How many rows were held out.

    Returns
    -------
    Decision
        By then the champion is set.

    Raises
    ------
    UserError
        When the pointer to the champion cannot be read or written, or the tracker fails: then the
        decision holds, and the error says that the model is kept.
    """
    folder, candidate = settings.artifacts_dir, artifact.metadata
    with deciding(folder):
        decision = _decide(artifact, settings, gate, present, rows)
        if decision.promoted:
            set_champion(folder, candidate.id)
    with _kept(artifact, settings):
        tracker.log_artifact(artifact)
        # Another training may have replaced it by now; the registry follows the champion.
        with deciding(folder):
            if champion_id(folder) == candidate.id:
                tracker.promote(artifact)
    return decision


def _decide(
    artifact: Artifact,
    settings: Settings,
    gate: Gate,
    present: Callable[[Artifact], float],
    rows: int,
) -> Decision:
    score: float | None = None
    note = ""
    if champion_id(settings.artifacts_dir) is not None:
        try:
            score = present(champion(settings.artifacts_dir))
        except KeepChampionError as error:
            return Decision(False, f"Not promoted: {error}")
        except UserError as error:
            first = str(error).splitlines()[0]
            note = f" The present champion cannot judge these rows: {first}"
    facts = artifact.metadata
    decision = decide(
        gate,
        facts.metrics[gate.metric],
        score,
        facts.baseline[gate.metric],
        same_data_rows=rows,
    )
    return Decision(decision.promoted, decision.reason + note)


@contextmanager
def _kept(artifact: Artifact, settings: Settings) -> Iterator[None]:
    """Say, when the tracker fails, that the trained model is not lost."""
    try:
        yield
    except UserError as error:
        now = champion_id(settings.artifacts_dir) == artifact.metadata.id
        raise UserError(
            f"{error} The trained model is kept in {artifact.path}"
            f"{' and is the champion' if now else ''}; only the tracker does not know it.",
            error.hint,
        ) from error
