"""What is kept and shown of a trained model: figures, slices, importances, cards, the report."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from . import metrics
from .about import command
from .artifact import Artifact, Metadata
from .card import ColumnFacts, Slice, data_card, model_card
from .data import Dataset
from .models.base import Model, Vector
from .report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .evaluate import CrossValidation
    from .learning_curve import LearningCurve
    from .permutation import FieldImportance

# More points make a figure no clearer.
MAX_POINTS = 3_000
MAX_EXPLAINED_ROWS = 2_000
# A slice with fewer held-out rows says more about chance than about the model.
MIN_SLICE_ROWS = 20
MAX_SLICES = 10
MAX_IMPORTANCES = 20


class SliceScore(BaseModel):
    """The error on a part of the held-out rows."""

    name: str
    rows: int
    error: float
    bias: float


class Evaluation(BaseModel):
    """A model on held-out rows.

    Attributes
    ----------
    metrics, intervals : dict
        The metrics, and their 95 % bootstrap intervals.
    primary : str
        The metric that decides; a slice's `error` is this one.
    actual, predicted, lower, upper : list[float]
        Of a sample of the held-out rows, in the target's unit.
    slices : list[SliceScore]
        Worst first; `bias` is the mean of prediction minus truth, in the target's unit.
    importances : dict[str, float]
        Mean absolute SHAP value of each field on the model's scale, largest first; empty where the
        model has no trees.
    calibration : list[tuple[float, float]]
        Pairs of the coverage that an interval promises and that on the held-out rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    primary: str
    actual: list[float]
    predicted: list[float]
    lower: list[float]
    upper: list[float]
    slices: list[SliceScore]
    importances: dict[str, float]
    calibration: list[tuple[float, float]] = []

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        rows: NDArray[np.intp],
        predictions: tuple[Vector, Vector, Vector],
        model: Model,
        seed: int,
        calibration: list[tuple[float, float]],
    ) -> Self:
        """Score predictions (point, lower, upper) of the held-out rows."""
        y = dataset.y[rows]
        point, lower, upper = predictions
        scores = metrics.score(y, point) | metrics.score_intervals(y, lower, upper)
        primary = "rmsle" if "rmsle" in scores else "rmse"
        shown = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MAX_POINTS])
        return cls(
            metrics=scores,
            intervals=metrics.confidence(y, point, lower, upper, seed),
            primary=primary,
            actual=y[shown].tolist(),
            predicted=point[shown].tolist(),
            lower=lower[shown].tolist(),
            upper=upper[shown].tolist(),
            slices=_worst_slices(dataset.frame.iloc[rows], y, point, primary),
            importances=_importances(dataset, rows[:MAX_EXPLAINED_ROWS], model),
            calibration=calibration,
        )

    def figures(self) -> dict[str, "Figure"]:
        """Draw the predictions, the residuals and the importances."""
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

        actual, predicted = np.array(self.actual), np.array(self.predicted)
        drawn = {"predictions": Figure(figsize=(7, 5)), "residuals": Figure(figsize=(7, 4))}
        axes = drawn["predictions"].subplots()
        ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
        held = (np.array(self.lower) <= actual) & (actual <= np.array(self.upper))
        axes.plot(ends, ends, color="gray", linewidth=1)
        for inside, colour, label in ((held, "tab:blue", "in"), (~held, "tab:red", "outside")):
            axes.scatter(
                predicted[inside],
                actual[inside],
                s=8,
                alpha=0.5,
                color=colour,
                label=f"{label} the interval",
                rasterized=True,
            )
        axes.set(xlabel="predicted", ylabel="true")
        axes.legend()
        if self.primary == "rmsle" and ends[0] > 0:
            axes.set(xscale="log", yscale="log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.set_major_formatter(EngFormatter(sep=""))
                axis.set_minor_formatter(NullFormatter())
        axes = drawn["residuals"].subplots()
        axes.axhline(0, color="gray", linewidth=1)
        axes.scatter(
            predicted, predicted - actual, s=8, alpha=0.5, color="tab:blue", rasterized=True
        )
        axes.set(xlabel="predicted", ylabel="predicted minus true")
        if self.calibration:
            promised, seen = np.array(self.calibration).T
            drawn["calibration"] = Figure(figsize=(5, 4))
            axes = drawn["calibration"].subplots()
            axes.plot([0.45, 1], [0.45, 1], color="gray", linewidth=1)
            axes.plot(promised, seen, marker="o", color="tab:blue")
            axes.set(xlabel="share that the interval promises", ylabel="share on held-out rows")
        if self.importances:
            names = list(self.importances)[:MAX_IMPORTANCES][::-1]
            drawn["importances"] = Figure(figsize=(7, 0.3 * len(names) + 1))
            axes = drawn["importances"].subplots()
            axes.barh(names, [self.importances[name] for name in names], color="tab:blue")
            axes.set(xlabel="mean absolute SHAP value, on the model's scale")
        return drawn


CAPTIONS = {
    "predictions": "Each point is a held-out row; on the line the prediction is right.",
    "residuals": "A pattern would be something that the model has not learned.",
    "calibration": "On the line the intervals hold what they promise; below, they are too narrow.",
    "importances": "How far each field moves the prediction of the boosted trees, on average.",
}


def cards(
    metadata: Metadata, evaluation: Evaluation, dataset: Dataset, model: Model
) -> dict[str, str]:
    """Return the texts of `card.md` and `data_card.md`."""
    target = metadata.data.target
    coverage = metadata.params["train"]["coverage"]
    return {
        "card.md": model_card(
            metadata,
            what_it_is=f"Predicts `{target}` from {len(metadata.inputs)} fields of a row. "
            f"{model.describe()}",
            intended_use="To estimate the value of a house like those of the training data, with "
            "an interval that says how sure the estimate is. Not to be the only ground of a "
            "decision about a person, and not for another place or time without new data.",
            limits=[
                f"The interval holds the true value in {coverage:.0%} of cases on average over "
                "rows like those of the training data; on a slice it can be less.",
                "Prices move: a model that was trained on old sales knows nothing of later ones.",
                "A level that training never saw is like none of the known ones; the answer warns.",
                "Numbers beyond the range of the training data are answered as at its edge.",
                *model.sampled,
            ],
            reproduce=_command(metadata),
            slices=[
                Slice(part.name, part.rows, {evaluation.primary: part.error, "bias": part.bias})
                for part in evaluation.slices
            ],
        ),
        "data_card.md": data_card(
            metadata,
            what_it_is=_origin(metadata),
            columns=list(column_facts(dataset)),
            warnings=[f"{f.where}: {f.problem} ({f.action})" for f in dataset.findings],
            limits=[
                "Sales are not all houses: what is never sold is not in them.",
                "What was inferred about the columns (their kind, range and levels) holds for this "
                "table; it is saved in schema.json and enforced on every later one.",
            ],
        ),
    }


def write(
    artifact: Artifact,
    folder: Path,
    permutations: "Sequence[FieldImportance]" = (),
    note: str = "",
) -> Path:
    """Write the report on an artefact as one HTML file; return its path.

    Parameters
    ----------
    artifact : Artifact
        What the report is about.
    folder : Path
        Where the file goes.
    permutations : Sequence[FieldImportance]
        What the error grows by without each field, largest first.
    note : str
        What these numbers are, or why there are none.
    """
    facts = artifact.metadata
    evaluation = Evaluation.model_validate_json(artifact.read_text("evaluation.json"))
    report = Report(f"{facts.capstone}: {facts.model}")
    report.text(artifact.read_text("card.md"))
    titles = {
        "predictions": "Predictions and truth",
        "residuals": "Residuals",
        "calibration": "What the intervals promise, and what they hold",
        "importances": "What the prediction depends on",
    }
    for name, figure in evaluation.figures().items():
        report.figure(titles[name], figure, CAPTIONS[name])
    if permutations:
        shown = permutations[:MAX_IMPORTANCES]
        report.figure("What the error depends on", _permutation_figure(shown), note)
    elif note:
        report.text(note)
    report.text(artifact.read_text("data_card.md"))
    return report.write(folder / f"{facts.id}.html")


def _permutation_figure(importances: "Sequence[FieldImportance]") -> "Figure":
    from matplotlib.figure import Figure

    shown = importances[::-1]
    figure = Figure(figsize=(7, 0.3 * len(shown) + 1))
    axes = figure.subplots()
    ends = np.array([[field.mean - field.low, field.high - field.mean] for field in shown])
    axes.barh(
        [field.name for field in shown],
        [field.mean for field in shown],
        xerr=ends.T,
        color="tab:blue",
        ecolor="gray",
    )
    axes.set(xlabel="growth of the error")
    return figure


def write_comparison(
    path: Path,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    dataset: Dataset,
    results: "Sequence[CrossValidation]",
    curves: "Sequence[LearningCurve]" = (),
) -> Path:
    """Write a cross-validation as one HTML file: the table, the errors, the learning curves."""
    from matplotlib.figure import Figure

    facts = dataset.facts
    report = Report("Models compared by cross-validation")
    report.text(f"{facts.source}: {facts.rows:,} rows, target `{facts.target}`.")
    report.table(title, columns, rows)
    figure = Figure(figsize=(7, 0.5 * len(results) + 1))
    axes = figure.subplots()
    errors = [np.abs(result.predictions - dataset.y) for result in results][::-1]
    axes.boxplot(errors, vert=False, showfliers=False)
    axes.set_yticklabels([result.model for result in results][::-1])
    axes.set(xlabel=f"absolute error of {facts.target}")
    report.figure(
        "Errors of each model",
        figure,
        "Half of the errors are within the box; the line is the median. Each row was predicted "
        "by a model that had not seen it.",
    )
    for curve in curves:
        report.figure(
            f"Learning curve of {curve.model}",
            _curve_figure(curve),
            "Where the upper line still falls, more rows would help; where the two are far apart, "
            "the model knows its training rows by heart.",
        )
    return report.write(path)


def _curve_figure(curve: "LearningCurve") -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    axes.plot(curve.rows, curve.held_out, marker="o", label="held-out rows")
    axes.plot(curve.rows, curve.training, marker="o", color="gray", label="training rows")
    axes.set(xlabel="rows to learn from", ylabel=curve.metric, ylim=(0, None))
    axes.legend()
    return figure


def _command(metadata: Metadata) -> str:
    """Return how to train this model again; `--set` options stand in the parameters."""
    facts = metadata.data
    verb = f"train --profile {metadata.profile} --model {metadata.model}"
    if facts.source != "sample":
        verb += f" --source {facts.source} --target {facts.target}"
    return command(verb).strip("`")


def _origin(metadata: Metadata) -> str:
    if metadata.data.source == "sample":
        return (
            "Sales of houses in Ames, Iowa, 2006 to 2010, from the records of the city's "
            "assessor; gathered by Dean De Cock for teaching (*Journal of Statistics Education* "
            "19(3), 2011), in the edition of the R package modeldata."
        )
    return (
        f"Read from `{metadata.data.source}`. Write here who gathered it, when, and why, before "
        "others rely on the model."
    )


def column_facts(dataset: Dataset) -> Iterator[ColumnFacts]:
    """Yield what each feature looks like, in the order of the schema."""
    for feature in dataset.schema.features:
        column = dataset.frame[feature.name]
        match feature.kind:
            case "number":
                summary = f"{feature.minimum:g} to {feature.maximum:g}, median {feature.typical:g}"
            case "category":
                shown = ", ".join(feature.categories[:5])
                more = len(feature.categories) - 5
                summary = shown + (f" and {more} more" if more > 0 else "")
            case "date":
                summary = f"{column.min():%Y-%m-%d} to {column.max():%Y-%m-%d}"
        yield ColumnFacts(feature.name, feature.kind, float(column.isna().mean()), summary)


def _worst_slices(frame: pd.DataFrame, y: Vector, point: Vector, primary: str) -> list[SliceScore]:
    """Return the slices with the largest error, one for each field at most."""
    worst = []
    for name in frame.columns:
        found = [
            SliceScore(
                name=f"{name} = {level}",
                rows=int(part.sum()),
                error=metrics.score(y[part], point[part])[primary],
                bias=float((point[part] - y[part]).mean()),
            )
            for level, part in _parts(frame[name])
            if MIN_SLICE_ROWS <= part.sum() < len(y)
        ]
        if found:
            worst.append(max(found, key=lambda part: part.error))
    return sorted(worst, key=lambda part: -part.error)[:MAX_SLICES]


def _parts(column: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the levels of a category, or the quarters of a number or date, with their rows."""
    if column.isna().any():
        yield "(missing)", column.isna().to_numpy()
    if not pd.api.types.is_numeric_dtype(column) and column.dtype.kind != "M":
        for level in column.dropna().unique():
            yield str(level), (column == level).to_numpy()
        return
    quarters = pd.qcut(column, 4, labels=False, duplicates="drop")
    for quarter in quarters.dropna().unique():
        rows = (quarters == quarter).to_numpy()
        low, high = column[rows].min(), column[rows].max()
        if column.dtype.kind == "M":
            yield f"{low:%Y-%m-%d} to {high:%Y-%m-%d}", rows
        else:
            yield f"{low:g} to {high:g}", rows


def _importances(dataset: Dataset, rows: NDArray[np.intp], model: Model) -> dict[str, float]:
    contributions = model.contributions(dataset.matrix()[rows])
    if contributions is None:
        return {}
    columns = [column.feature for column in dataset.schema.columns]
    totals = pd.DataFrame(contributions, columns=columns).T.groupby(level=0).sum().T
    means = totals.abs().mean().sort_values(ascending=False)
    return {str(name): float(value) for name, value in means.items()}
