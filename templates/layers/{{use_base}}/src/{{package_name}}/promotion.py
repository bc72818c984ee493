"""The gate that a new model must pass, and the pointer to the champion, which is served."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .about import command
from .artifact import Artifact, ArtifactError, artifact_path, replace_text
from .errors import UserError
from .lock import exclusive


@dataclass(frozen=True)
class Gate:
    """The metric that decides.

    Parameters
    ----------
    metric : str
        Its name.
    lower_is_better : bool
        Whether it is an error.
    smallest_gain : float
        What counts as better, relative to the other's score. By default more than the rounding of
        an exported model can make: the same model, trained again, must not replace itself.
    """

    metric: str
    lower_is_better: bool
    smallest_gain: float = 1e-4

    def gain(self, first: float, second: float) -> float:
        """Return by how much `first` is better than `second`, in the metric's own unit."""
        return second - first if self.lower_is_better else first - second

    def better(self, first: float, second: float) -> bool:
        """Return whether `first` is better than `second` by more than the smallest gain."""
        needed = self.smallest_gain * abs(second) if math.isfinite(second) else 0.0
        return self.gain(first, second) > needed


@dataclass(frozen=True)
class Decision:
    """Whether the candidate becomes champion, and why, in a sentence with the numbers."""

    promoted: bool
    reason: str


def decide(
    gate: Gate, candidate: float, champion: float | None, baseline: float, *, same_data_rows: int
) -> Decision:
    """Compare a candidate with the champion and the baseline, all scored on the same rows.

    Parameters
    ----------
    gate : Gate
        The metric and its direction.
    candidate, champion, baseline : float
        The metric of each; `champion` is None when there is no champion yet.
    same_data_rows : int
        On how many held-out rows each of them was scored.

    Returns
    -------
    Decision
        Promoted only if the candidate is better than both.
    """
    on_rows = f"on the same {same_data_rows:,} held-out rows"
    if same_data_rows < 1:
        return Decision(False, "Not promoted: there was no held-out row to compare on.")
    if not math.isfinite(candidate):
        return Decision(False, f"Not promoted: its {gate.metric} is {candidate}, {on_rows}.")
    if not math.isfinite(baseline):
        return Decision(
            False, f"Not promoted: the baseline's {gate.metric} is {baseline}, {on_rows}."
        )
    rivals = {"the baseline": baseline}
    # A champion without a score is broken on these rows; to keep it would be the worse choice.
    if champion is not None and not math.isnan(champion):
        rivals = {"the champion": champion, **rivals}
    own, *others = _distinct(candidate, *rivals.values())
    named = [f"{name}'s {score}" for name, score in zip(rivals, others, strict=True)]
    lost = [
        text
        for text, score in zip(named, rivals.values(), strict=True)
        if not gate.better(candidate, score)
    ]
    direction = "lower" if gate.lower_is_better else "higher"
    if lost and all(gate.gain(candidate, score) > 0 for score in rivals.values()):
        direction += f" is better, by more than {gate.smallest_gain:.2%}"
    else:
        direction += " is better"
    verdict = f"does not beat {' nor '.join(lost)}" if lost else f"beats {' and '.join(named)}"
    return Decision(
        not lost,
        f"{'Not promoted' if lost else 'Promoted'}: its {gate.metric} {own} {verdict} "
        f"({direction}), {on_rows}.",
    )


def champion_id(artifacts_dir: Path) -> str | None:
    """Return the champion's id, or None where no model was promoted yet.

    Raises
    ------
    UserError
        When the pointer cannot be read or does not hold an id.
    """
    pointer = artifacts_dir / "champion"
    try:
        text = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{pointer} cannot be read: {getattr(error, 'strerror', 'it is not text')}.",
            "It must be a text file of one line, the id of an artefact.",
        ) from error
    try:
        artifact_path(artifacts_dir, text)
    except ArtifactError as error:
        raise UserError(
            f"{pointer} does not name the champion: {error}",
            f"Write there the name of a folder in {artifacts_dir / 'versions'}, "
            f"or delete it and train again: {command('train')}.",
        ) from error
    return text


def champion(artifacts_dir: Path) -> Artifact:
    """Load and verify the champion.

    Raises
    ------
    UserError
        When there is none, or the pointer or the artefact is damaged.
    """
    artifact_id = champion_id(artifacts_dir)
    if artifact_id is None:
        raise UserError(
            f"There is no trained model yet in {artifacts_dir}.", f"Train one: {command('train')}."
        )
    path = artifact_path(artifacts_dir, artifact_id)
    if not path.is_dir():
        raise UserError(
            f"{artifacts_dir / 'champion'} names {artifact_id}, but {path} does not exist.",
            f"Restore that folder, or delete the pointer and train again: {command('train')}.",
        )
    return Artifact.load(path)


@contextmanager
def deciding(artifacts_dir: Path) -> Iterator[None]:
    """Let one process at a time compare with the champion and replace it; others wait.

    Without it two trainings could both beat the old champion, and the worse one replace the better.

    Raises
    ------
    UserError
        When the lock cannot be taken.
    """
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(artifacts_dir / ".champion.lock"))
        except OSError as error:
            raise UserError(
                f"{artifacts_dir / '.champion.lock'} cannot be locked: {error.strerror}.",
                "Make room or mend the permissions there, then run the command again.",
            ) from error
        yield


def set_champion(artifacts_dir: Path, artifact_id: str) -> None:
    """Point at another champion in one step; a service notices and reloads.

    Raises
    ------
    UserError
        When the artefact is missing or damaged, or the pointer cannot be written.
    """
    Artifact.load(artifact_path(artifacts_dir, artifact_id))
    replace_text(artifacts_dir / "champion", artifact_id + "\n")


def _distinct(*values: float) -> list[str]:
    """Write numbers with as many digits as it takes to tell the different ones apart."""
    texts: list[str] = []
    for digits in range(4, 18):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts
