"""What is kept and shown of a trained network: figures, slices, cards, the report."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from . import figures as drawing
from . import metrics
from .about import command
from .artifact import Artifact, Metadata
from .baseline import SIDE, Baselines
from .calibration import Bin, Labels, Matrix, expected_calibration_error, reliability, softmax
from .card import ColumnFacts, Slice, data_card, model_card
from .console import format_value
from .data import Dataset, Split
from .figures import WorstError
from .metrics import ClassScore
from .report import Report
from .watching import light

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .learner import Epoch

    Attention = Callable[[NDArray[np.uint8], Labels], NDArray[np.float32]]

MAX_ERRORS = 12
# A slice with fewer held-out pictures says more about chance than about the network.
MIN_SLICE_PICTURES = 10
MAX_SIGN_SLICES = 7


class SliceScore(BaseModel):
    """The share of right answers on a part of the held-out pictures."""

    name: str
    pictures: int
    accuracy: float


@dataclass(frozen=True)
class ClassFacts:
    """What the pictures of a sign are like.

    `share` of all pictures; `brightness` and `contrast` are means over the pictures, as shares of
    white.
    """

    sign: str
    pictures: int
    share: float
    brightness: float
    contrast: float


class Evaluation(BaseModel):
    """A network on pictures that it was not trained on.

    Attributes
    ----------
    metrics, intervals : dict
        The metrics on the test pictures, and the 95 % bootstrap intervals of most of them.
    validation : dict[str, float]
        The metrics on the validation pictures, where the temperature was fitted.
    baselines : dict[str, dict[str, float]]
        The metrics of each baseline on the test pictures, by its name.
    better_baseline : str
        The one that was better on training pictures held back from it.
    temperature : float
        What the logits are divided by.
    reliability : list[Bin]
        Confidence and accuracy on the test pictures.
    reliability_before : list[Bin]
        The same at temperature 1.
    calibration_error_before : float
        The calibration error at temperature 1.
    classes : list[ClassScore]
        Of each sign, in the order of the network's output.
    confusion : list[list[int]]
        Test pictures by true sign (row) and answer (column).
    slices : list[SliceScore]
        Where it is worst, worst first.
    errors : list[WorstError]
        Wrong answers, the surest first.
    history : list[dict[str, float]]
        Of each epoch its number, losses, accuracy on validation, learning rate and seconds.
    synthetic : bool
        Whether the pictures were drawn, and show no person.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    validation: dict[str, float]
    baselines: dict[str, dict[str, float]]
    better_baseline: str
    temperature: float
    reliability: list[Bin]
    reliability_before: list[Bin]
    calibration_error_before: float
    classes: list[ClassScore]
    confusion: list[list[int]]
    slices: list[SliceScore]
    errors: list[WorstError]
    history: list[dict[str, float]]
    synthetic: bool

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        split: Split,
        *,
        test_logits: Matrix,
        validation_logits: Matrix,
        temperature: float,
        history: "Sequence[Epoch]",
        baselines: Baselines,
        attention: "Attention",
        seed: int,
    ) -> Self:
        """Score a network.

        Parameters
        ----------
        dataset : Dataset
            The pictures.
        split : Split
            Which of them the network has seen.
        test_logits, validation_logits : ndarray of float64, shape (n, k)
            What the network makes of `split.test` and of `split.validation`, in this order.
        temperature : float
            What the logits are divided by, fitted on the validation pictures.
        history : Sequence[Epoch]
            How the training went.
        baselines : Baselines
            What it must beat.
        attention : Callable
            From pictures, uint8 (n, c, s, s), and answers, (n,), to where the network looked for
            these answers, float32 (n, s, s), 0 to 1.
        seed : int
            Of the bootstrap.
        """
        pictures, labels = dataset.pictures[split.test], dataset.labels[split.test]
        as_trained = softmax(test_logits)
        probabilities = softmax(test_logits, temperature)
        predicted = probabilities.argmax(axis=1)
        return cls(
            metrics=metrics.score(labels, probabilities),
            intervals=metrics.confidence(labels, probabilities, seed),
            validation=metrics.score(
                dataset.labels[split.validation], softmax(validation_logits, temperature)
            ),
            baselines={
                name: metrics.score(labels, found)
                for name, found in baselines.all_probabilities(pictures).items()
            },
            better_baseline=baselines.name,
            temperature=temperature,
            reliability=reliability(labels, probabilities),
            reliability_before=reliability(labels, as_trained),
            calibration_error_before=expected_calibration_error(labels, as_trained),
            classes=metrics.per_class(labels, predicted, dataset.classes),
            confusion=metrics.confusion(labels, predicted, len(dataset.classes)).tolist(),
            slices=_worst_slices(dataset, split.test, predicted == labels),
            errors=_worst_errors(dataset, split.test, probabilities, attention),
            history=[asdict(epoch) for epoch in history],
            synthetic=dataset.synthetic,
        )

    @property
    def baseline(self) -> dict[str, float]:
        """The metrics of the better baseline."""
        return self.baselines[self.better_baseline]

    def figures(self) -> dict[str, "Figure"]:
        """Draw the training, the errors by sign, the calibration, and the worst errors if any."""
        drawn = {
            "learning_curves": drawing.learning_curves(self.history),
            "confusion": drawing.confusion_matrix(
                np.array(self.confusion), [sign.name for sign in self.classes]
            ),
            "reliability": drawing.reliability_diagram(
                self.reliability_before,
                self.reliability,
                (self.calibration_error_before, self.metrics["calibration_error"]),
                self.temperature,
            ),
        }
        if self.errors:
            drawn["worst_errors"] = drawing.error_sheet(self.errors)
        return drawn


def cards(
    metadata: Metadata,
    evaluation: Evaluation,
    dataset: Dataset,
    split: Split,
    start_from: Path | None = None,
) -> dict[str, str]:
    """Return the texts of `card.md` and `data_card.md`.

    Parameters
    ----------
    metadata : Metadata
        Of the run.
    evaluation : Evaluation
        Of the network.
    dataset, split : Dataset, Split
        What it learned from.
    start_from : Path, optional
        The folder of the artefact that the training went on from.
    """
    channels, size = dataset.pictures.shape[1:3]
    look = f"{size} by {size} pixels, {'grey' if channels == 1 else 'in colour'}"
    went_on = f" Its training went on from `{start_from.name}`." if start_from else ""
    return {
        "card.md": model_card(
            metadata,
            what_it_is=f"A convolutional network (`{metadata.model}`) that says which of "
            f"{len(dataset.classes)} signs a hand makes in a still picture ({look}): "
            f"{_listed(dataset.classes)}. It was trained on "
            f"{'synthetic' if dataset.synthetic else 'the'} pictures of `{metadata.data.source}`."
            f"{went_on}",
            intended_use="To learn how such a network is made, and to show it. It is no "
            "interpreter of a sign language: a language has grammar, motion, both hands and the "
            "face, and these are single handshapes. Not for decisions about a person, and not "
            "where somebody relies on being understood.",
            limits=_model_limits(dataset, split),
            reproduce=_command(metadata, start_from),
            slices=[
                Slice(part.name, part.pictures, {"accuracy": part.accuracy})
                for part in evaluation.slices
            ],
        ),
        "data_card.md": data_card(
            metadata,
            what_it_is=_origin(dataset),
            columns=[
                ColumnFacts("picture", "image", 0.0, look),
                *(
                    ColumnFacts(
                        f"sign = {each.sign}",
                        "category",
                        0.0,
                        f"{each.pictures:,} pictures ({each.share:.1%}), brightness "
                        f"{each.brightness:.2f}, contrast {each.contrast:.2f}",
                    )
                    for each in class_facts(dataset)
                ),
            ],
            warnings=[f"{f.where}: {f.problem} ({f.action})" for f in dataset.findings],
            limits=_data_limits(dataset),
        ),
    }


def write(artifact: Artifact, folder: Path) -> Path:
    """Write the report on an artefact as one HTML file; return its path.

    Parameters
    ----------
    artifact : Artifact
        What the report is about.
    folder : Path
        Where the file goes.

    Raises
    ------
    UserError
        When the artefact has no evaluation, or the file cannot be written.
    """
    facts = artifact.metadata
    evaluation = Evaluation.model_validate_json(artifact.read_text("evaluation.json"))
    drawn = evaluation.figures()
    report = Report(f"{facts.capstone}: {facts.model}")
    report.text(_introduction(facts, evaluation))
    report.table("How good it is", *_metrics_table(evaluation))
    report.text(
        "Measured on the test pictures, which the network was not trained on. The interval is a "
        "bootstrap over them; the calibration error has none, because drawing again adds to it. "
        f"The baselines see {SIDE} by {SIDE} grey pixels; `{evaluation.better_baseline}` is the "
        "one to beat. "
        "On the validation pictures the temperature was fitted, so they flatter the probabilities."
    )
    report.figure(
        "How it learned",
        drawn["learning_curves"],
        "Where the validation loss rises while the training loss falls, the network learns its "
        "pictures by heart. Augmentation and label smoothing can make the training loss the "
        "higher one.",
    )
    report.figure(
        "What is taken for what",
        drawn["confusion"],
        "Pictures by true sign and answer. Blue is right, the fuller the more of the row; orange "
        "is wrong.",
    )
    report.table("Each sign", *_class_table(evaluation))
    report.figure(
        "How sure it is, and how often right",
        drawn["reliability"],
        "On the line a probability means what it says; below it the network is too sure. The "
        "error is the mean distance from the line over the pictures (ECE). Bars count the "
        "answers; points of few pictures are chance.",
    )
    if evaluation.errors:
        report.figure(
            "The worst errors",
            drawn["worst_errors"],
            "Wrong answers, the surest first: the picture, and beside it where the network looked "
            "for its answer (Grad-CAM; bright is much).",
        )
    else:
        report.text("## The worst errors\n\nEvery test picture was answered rightly.")
    report.text(artifact.read_text("card.md"))
    report.text(artifact.read_text("data_card.md"))
    return report.write(folder / f"{facts.id}.html")


def class_facts(dataset: Dataset) -> list[ClassFacts]:
    """Return what the pictures of each sign are like, in the order of the signs."""
    facts = []
    for place, sign in enumerate(dataset.classes):
        pictures = dataset.pictures[dataset.labels == place]
        brightness, contrast = light(pictures)
        facts.append(
            ClassFacts(
                sign,
                len(pictures),
                len(pictures) / len(dataset.labels),
                float(brightness.mean()),
                float(contrast.mean()),
            )
        )
    return facts


def _introduction(facts: Metadata, evaluation: Evaluation) -> str:
    synthetic = (
        "**The pictures are synthetic: a program drew them. The numbers below say nothing about "
        "photos of people.**\n\n"
        if evaluation.synthetic
        else ""
    )
    return (
        f"{synthetic}`{facts.data.source}`: {facts.data.rows:,} pictures of "
        f"{len(evaluation.classes)} signs. {facts.data.split}"
    )


def _metrics_table(evaluation: Evaluation) -> tuple[list[str], list[list[object]]]:
    names = list(evaluation.baselines)
    rows: list[list[object]] = []
    for metric, value in evaluation.metrics.items():
        bounds = evaluation.intervals.get(metric)
        between = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}".join(map(format_value, bounds or ()))
        others = [evaluation.baselines[name][metric] for name in names]
        rows.append([metric, value, between or None, *others, evaluation.validation[metric]])
    titles = [name.replace("_", " ") for name in names]
    return ["metric", "network", "95 % interval", *titles, "on validation"], rows


def _class_table(evaluation: Evaluation) -> tuple[list[str], list[list[object]]]:
    rows: list[list[object]] = []
    for place, sign in enumerate(evaluation.classes):
        wrong = np.array(evaluation.confusion[place])
        wrong[place] = 0
        most = int(wrong.argmax())
        taken = f"{evaluation.classes[most].name} ({wrong[most]})" if wrong[most] else None
        rows.append([sign.name, sign.pictures, sign.precision, sign.recall, sign.f1, taken])
    return ["sign", "pictures", "precision", "recall", "F1", "most often taken for"], rows


def _model_limits(dataset: Dataset, split: Split) -> list[str]:
    limits = []
    if dataset.synthetic:
        limits.append(
            "It has seen drawings only. The test pictures are drawn by the same program, so its "
            "score says nothing about photos of people; train it further on those."
        )
    elif split.by_signer:
        limits.append(
            "The people of the test pictures were never seen in training; how good it is for "
            "others depends on how many people the data show, and how different they are."
        )
    else:
        limits.append(
            "The split is not by person: pictures of one person may be in training and in test, so "
            "the score is optimistic for people who are not in the data."
        )
    return [
        *limits,
        "Nobody has measured it by skin tone, age, disability or left and right hand. Expect it to "
        "be worse for hands, light and backgrounds that the training pictures do not show.",
        "It sees still pictures: a sign that is a motion, such as J and Z in American Sign "
        "Language, cannot be read. Sign languages differ, and so do their alphabets.",
        "It always finds a hand: a picture without one gets an answer too, often an unsure one.",
        "The probabilities are calibrated for pictures like those of the validation; on others "
        "they can be far too sure.",
    ]


def _origin(dataset: Dataset) -> str:
    if dataset.synthetic:
        return (
            "Synthetic pictures: a program (`hands.py`) draws jointed hands with random pose, "
            "camera, skin tone, light, background, blur and noise. No photo, no person and no "
            "signer is in them. They are there so that everything runs without a download."
        )
    return (
        f"Read from `{dataset.facts.source}`. Write here who took the pictures, when, of whom, and "
        "whether these people agreed, before others rely on the network."
    )


def _data_limits(dataset: Dataset) -> list[str]:
    if dataset.synthetic:
        return [
            "Drawn hands are simpler than real ones: no sleeves, rings, nails, scars or second "
            "hand, and no handshape that the program does not know.",
            "One hand in ten is a left hand, so little is learned about those.",
            "How the poses vary was chosen by the authors of the program, and not measured.",
        ]
    signers = "" if dataset.signers is not None else " Who made the signs is not recorded."
    return [
        "How many people, skin tones, left hands, kinds of light and backgrounds are in the "
        f"pictures decides for whom the network works.{signers}",
        "A picture of a hand can be personal data: keep the consent with the pictures.",
        "Each picture was cut to its central square and made small; what lay outside is lost.",
    ]


def _command(metadata: Metadata, start_from: Path | None) -> str:
    """Return how to train this network again; `--set` options stand in the parameters."""
    verb = (
        f"train --profile {metadata.profile} --network {metadata.model} "
        f"--source {shlex.quote(metadata.data.source)}"
    )
    return command(f"{verb} --from {start_from.name}" if start_from else verb).strip("`")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(" ".join(name.split()) for name in names)


def _worst_slices(
    dataset: Dataset, rows: NDArray[np.intp], right: NDArray[np.bool_]
) -> list[SliceScore]:
    """Return the worst signs, and the worst part by light and by signer."""
    signs = np.array(dataset.classes)[dataset.labels[rows]]
    worst = _scored("sign", _levels(signs), right)[:MAX_SIGN_SLICES]
    brightness, contrast = light(dataset.pictures[rows])
    worst += _scored("brightness", _quarters(brightness), right)[:1]
    worst += _scored("contrast", _quarters(contrast), right)[:1]
    if dataset.signers is not None:
        worst += _scored("signer", _levels(dataset.signers[rows]), right)[:1]
    return sorted(worst, key=lambda part: part.accuracy)


def _scored(
    name: str, parts: Iterator[tuple[str, NDArray[np.bool_]]], right: NDArray[np.bool_]
) -> list[SliceScore]:
    scored = [
        SliceScore(
            name=f"{name} = {level}", pictures=int(part.sum()), accuracy=float(right[part].mean())
        )
        for level, part in parts
        if MIN_SLICE_PICTURES <= part.sum() < len(right)
    ]
    return sorted(scored, key=lambda part: part.accuracy)


def _levels(values: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for level in sorted(set(values.tolist())):
        yield str(level), values == level


def _quarters(values: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    place = np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values)
    for quarter in np.unique(place):
        part = place == quarter
        yield f"{values[part].min():.2f} to {values[part].max():.2f}", part


def _worst_errors(
    dataset: Dataset, rows: NDArray[np.intp], probabilities: Matrix, attention: "Attention"
) -> list[WorstError]:
    """Return the wrong answers that the network was surest of."""
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(said != dataset.labels[rows])
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:MAX_ERRORS]
    if not len(worst):
        return []
    pictures = dataset.pictures[rows[worst]]
    return [
        WorstError(
            image=drawing.with_attention(picture, heat),
            said=dataset.classes[said[row]],
            actual=dataset.classes[dataset.labels[rows[row]]],
            confidence=float(sure[row]),
            name=dataset.names[rows[row]],
        )
        for row, picture, heat in zip(
            worst, pictures, attention(pictures, said[worst]), strict=True
        )
    ]
