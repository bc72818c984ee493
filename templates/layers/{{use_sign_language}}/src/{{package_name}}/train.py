"""Trains a network, exports it, and lets it become champion if it passes the gate."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import data, metrics, reports
from .artifact import Artifact, FieldSpec, Metadata, environment_facts, new_artifact
from .baseline import Baselines, fit_baselines
from .calibration import fit_temperature, softmax
from .candidate import KeepChampionError, settle
from .data import Dataset, Split
from .errors import UserError
from .learner import LIBRARIES, Epoch, Fitted, fit
from .lock import SECONDS_UNTIL_ABANDONED, exclusive, is_free
from .params import Params
from .pictures import standardise
from .predictor import PARITY, Golden, Predictor, Serving, open_network, run_network
from .promotion import Decision, Gate
from .settings import Settings
from .tracker import Tracker
from .watching import reference

CAPSTONE = "sign-language"
GOLDEN_PICTURES = 20
AT_ONCE = 64
GATE = Gate(metrics.PRIMARY, lower_is_better=False)
# What decides how a training goes on; the other tables change nothing in it.
TRAINING_TABLES = ("run", "data", "augmentation", "train", "network")


@dataclass(frozen=True)
class Outcome:
    """What a training came to; `resumed_at` is the epoch from which it went on, 0 for a new one."""

    artifact: Artifact
    decision: Decision
    where: str
    resumed_at: int


def train(
    params: Params,
    profile: str,
    dataset: Dataset,
    settings: Settings,
    tracker: Tracker,
    *,
    start_from: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Outcome:
    """Train, score on held-out pictures, keep the artefact, and promote it if it is better.

    Parameters
    ----------
    params : Params
        All parameters.
    profile : str
        Their name, for the metadata.
    dataset : Dataset
        The pictures.
    settings : Settings
        Where the artefacts are.
    tracker : Tracker
        Gets the run.
    start_from : Path, optional
        The folder of an artefact whose network is trained further.
    on_epoch : Callable, optional
        Called after each epoch.

    Raises
    ------
    UserError
        When the network cannot start from that artefact, does not learn, its export differs, or
        something cannot be written.
    """
    seed = params.run.seed
    parts = data.split(dataset, params.data, seed)
    facts = dataset.facts.model_copy(update={"split": parts.sentence})
    tags = {"capstone": CAPSTONE, "profile": profile}
    name = f"train {params.train.network}"
    # The draft comes first: a folder that cannot be written is told before the work, not after.
    with (
        tracker.run(name, tags=tags),
        new_artifact(settings.artifacts_dir) as draft,
        _checkpoint(settings.artifacts_dir, params, facts.sha256, start_from) as checkpoint,
    ):
        tracker.log_params(params.plain())
        tracker.log_dataset(facts)
        fitted = fit(
            params,
            dataset.pictures[parts.train],
            dataset.labels[parts.train],
            len(dataset.classes),
            dataset.pictures[parts.validation],
            dataset.labels[parts.validation],
            pretrained=start_from,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
        )
        for epoch in fitted.history:
            tracker.log_metrics(_curves(epoch), step=epoch.number)
        baselines = fit_baselines(
            dataset.pictures[parts.train], dataset.labels[parts.train], len(dataset.classes), seed
        )
        temperature = fit_temperature(
            fitted.learner.logits(dataset.pictures[parts.validation]),
            dataset.labels[parts.validation],
        )
        evaluation = _evaluate(dataset, parts, fitted, baselines, temperature, seed)
        tracker.log_metrics(evaluation.metrics)
        for title, figure in evaluation.figures().items():
            tracker.log_figure(figure, title)
        fitted.learner.write(draft.path)
        fitted.learner.export(draft.path / "model.onnx")
        test_pictures = dataset.pictures[parts.test]
        serving = _serving(params, dataset, temperature)
        _write(draft.path / "serving.json", serving.model_dump(mode="json"))
        trained = softmax(fitted.learner.logits(test_pictures), temperature)
        served = _served(draft.path / "model.onnx", test_pictures, temperature)
        parity = _parity(trained, served)
        golden = _golden(dataset, parts, trained)
        _write(draft.path / "golden.json", golden.model_dump(mode="json"))
        reference(dataset.pictures[parts.train], served, dataset.classes).save(draft.path)
        metadata = Metadata(
            id=draft.id,
            capstone=CAPSTONE,
            model=params.train.network,
            created_at=draft.created_at,
            profile=profile,
            params=params.plain(),
            metrics=evaluation.metrics | {"onnx_parity": parity},
            metric_intervals=evaluation.intervals,
            data=facts,
            baseline=evaluation.baseline,
            inputs=[FieldSpec(name="image", type="image", required=True)],
            outputs=[
                FieldSpec(name="prediction", type="string", required=True),
                FieldSpec(name="probability", type="number", required=True),
            ],
            example={"image": golden.pictures[0]},
            **environment_facts(LIBRARIES),
        )
        for file, text in reports.cards(metadata, evaluation, dataset, parts, start_from).items():
            (draft.path / file).write_text(text, encoding="utf-8", newline="\n")
        _write(draft.path / "evaluation.json", evaluation.model_dump(mode="json"))
        artifact = draft.commit(metadata)
        decision = settle(
            artifact,
            settings,
            tracker,
            GATE,
            lambda present: _accuracy_of(present, dataset, parts),
            len(parts.test),
        )
    return Outcome(artifact, decision, tracker.where(), fitted.resumed_at)


def _evaluate(
    dataset: Dataset,
    parts: Split,
    fitted: Fitted,
    baselines: Baselines,
    temperature: float,
    seed: int,
) -> reports.Evaluation:
    """Score the network and the baseline on the same held-out pictures."""
    return reports.Evaluation.of(
        dataset,
        parts,
        test_logits=fitted.learner.logits(dataset.pictures[parts.test]),
        validation_logits=fitted.learner.logits(dataset.pictures[parts.validation]),
        temperature=temperature,
        history=fitted.history,
        baselines=baselines,
        attention=fitted.learner.attention,
        seed=seed,
    )


def _serving(params: Params, dataset: Dataset, temperature: float) -> Serving:
    return Serving(
        classes=dataset.classes,
        size=params.data.size,
        channels=params.data.channels,
        temperature=temperature,
        top=min(params.serve.top, len(dataset.classes)),
        unsure_below=params.serve.unsure_below,
        synthetic=dataset.synthetic,
    )


def _golden(dataset: Dataset, parts: Split, probabilities: NDArray[np.float64]) -> Golden:
    """Keep test pictures with the answers of the trained network; the first is the example."""
    right = probabilities.argmax(axis=1) == dataset.labels[parts.test]
    # The surest right answer is the example; the others stand as they come.
    best = int(np.argmax(probabilities.max(axis=1) + right))
    chosen = [best, *(row for row in range(len(parts.test)) if row != best)][:GOLDEN_PICTURES]
    return Golden.of(dataset.pictures[parts.test[chosen]], probabilities[chosen])


def _served(network: Path, pictures: NDArray[np.uint8], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities that the exported network gives."""
    session = open_network(network)
    parts = [
        run_network(session, standardise(pictures[start : start + AT_ONCE]))
        for start in range(0, len(pictures), AT_ONCE)
    ]
    return softmax(np.concatenate(parts), temperature)


def _parity(trained: NDArray[np.float64], served: NDArray[np.float64]) -> float:
    """Return the largest difference in a probability between what was trained and is served."""
    parity = float(np.abs(trained - served).max())
    if not parity <= PARITY:
        raise UserError(
            f"The exported network differs from the trained one by {parity:.2g} in a probability, "
            f"more than {PARITY:g}.",
            "It is not kept. Other versions of onnx may export it better: `uv run poe upgrade`.",
        )
    return parity


def _accuracy_of(present: Artifact, dataset: Dataset, parts: Split) -> float:
    """Score the present champion on the pictures that were held out here."""
    predictor = Predictor(present)
    serving = predictor.serving
    if serving.classes != dataset.classes:
        raise UserError("it knows other signs")
    if dataset.synthetic and not serving.synthetic:
        raise KeepChampionError(
            "the champion learned from photos, of which a score on drawn hands says nothing. "
            "To serve this one all the same, write its id into artifacts/champion."
        )
    if (serving.channels, serving.size) != dataset.pictures.shape[1:3]:
        raise UserError("it takes pictures of another size or colour")
    probabilities = predictor.probabilities(dataset.pictures[parts.test])
    return metrics.score(dataset.labels[parts.test], probabilities)[metrics.PRIMARY]


@contextmanager
def _checkpoint(
    artifacts_dir: Path, params: Params, data_sha256: str, start_from: Path | None
) -> Iterator[Path]:
    """Give the folder in which this very training goes on after it was stopped.

    Its name is a hash of all that decides the result, so trainings that differ never meet; equal
    ones take turns. What is done within is kept, so at its end the folder goes.
    """
    chosen = params.model_dump(mode="json", include=set(TRAINING_TABLES))
    identity = json.dumps([chosen, data_sha256, str(start_from)], sort_keys=True)
    folder = artifacts_dir / ".training" / hashlib.sha256(identity.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        held = ExitStack()
        held.enter_context(exclusive(folder.with_suffix(".lock"), temporary=True))
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written: {error.strerror}.",
            "Make room or mend the permissions there, then run the command again.",
        ) from error
    with held:
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what trainings left that were stopped long ago, and never gone on with."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # Another training has done, or removed, the same.
            if time.time() - path.stat().st_mtime > SECONDS_UNTIL_ABANDONED:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif is_free(path):
                    path.unlink()


def _curves(epoch: Epoch) -> dict[str, float]:
    return {
        "train_loss": epoch.train_loss,
        "validation_loss": epoch.validation_loss,
        "validation_accuracy": epoch.validation_accuracy,
        "learning_rate": epoch.learning_rate,
    }


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
