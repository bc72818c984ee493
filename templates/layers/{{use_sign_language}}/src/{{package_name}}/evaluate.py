"""Compares networks: each is trained with each seed, and scored on the same held-out pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from matplotlib.figure import Figure

from . import data, metrics
from .baseline import fit_baselines
from .calibration import fit_temperature, softmax
from .console import progress
from .data import Dataset
from .learner import Epoch, fit
from .params import Params
from .predictor import Predictor
from .report import Report
from .tracker import Tracker

SHOWN = ("accuracy", "macro_f1", "calibration_error")


@dataclass(frozen=True)
class Compared:
    """A network over the seeds.

    Attributes
    ----------
    name : str
        The network, and where it started from.
    parameters : int
        Its weights, if it was trained here; else 0.
    scores : list[dict[str, float]]
        The metrics on held-out pictures, for each seed.
    seconds : float
        To train and score once, on average.
    """

    name: str
    parameters: int
    scores: list[dict[str, float]]
    seconds: float

    def mean(self, metric: str) -> float:
        """Return the mean over the seeds."""
        return float(np.mean([score[metric] for score in self.scores]))

    def deviation(self, metric: str) -> float | None:
        """Return the sample standard deviation over the seeds; None for a single one."""
        if len(self.scores) < 2:
            return None
        return float(np.std([score[metric] for score in self.scores], ddof=1))


def run(
    params: Params, profile: str, dataset: Dataset, tracker: Tracker, pretrained: Path | None = None
) -> list[Compared]:
    """Train every network of `params.evaluate` with each seed, with a bar and a record of the run.

    Each seed draws a split of its own, which all networks share; whatever is learned is learned
    from its training part, and all are scored on its test part.

    Parameters
    ----------
    params : Params
        All parameters.
    profile : str
        Their name.
    dataset : Dataset
        The pictures.
    tracker : Tracker
        Gets the run.
    pretrained : Path, optional
        The folder of an artefact: each network is also trained on from there, and the artefact
        itself is scored as it is.
    """
    starts = [None, pretrained] if pretrained else [None]
    cases = [(name, start) for name in params.evaluate.networks for start in starts]
    seeds = [params.run.seed + number for number in range(params.evaluate.seeds)]
    with tracker.run("evaluate", tags={"profile": profile}):
        tracker.log_params(params.plain())
        tracker.log_dataset(dataset.facts)
        total = len(cases) * len(seeds) * params.train.epochs
        with progress("Training each network with each seed", total) as advance:
            results = [
                _compare(name, start, params, seeds, dataset, lambda _: advance())
                for name, start in cases
            ]
        if pretrained:
            results = [*_as_it_is(pretrained, params, seeds, dataset), *results]
        results = [_baseline(params, seeds, dataset), *results]
        tracker.log_metrics(
            {f"{each.name}.{name}": each.mean(name) for each in results for name in SHOWN}
        )
    return results


def columns_and_rows(results: list[Compared]) -> tuple[list[str], list[list[object]]]:
    """Return the columns and rows of the table of networks; ECE is the calibration error."""
    rows: list[list[object]] = [
        [
            each.name,
            each.mean("accuracy"),
            each.deviation("accuracy"),
            each.mean("calibration_error"),
            each.parameters or None,
            each.seconds,
        ]
        for each in results
    ]
    names = ["accuracy", "± seeds", "ECE", "weights", "seconds"]
    return ["network", *names], rows


def title(params: Params, dataset: Dataset) -> str:
    """Say what the numbers of the table are."""
    seeds = params.evaluate.seeds
    over = f"means over {seeds} seeds" if seeds > 1 else f"seed {params.run.seed}"
    return f"{dataset.facts.source}, held-out pictures, {over}"


def write_page(path: Path, heading: str, results: list[Compared], dataset: Dataset) -> None:
    """Write the comparison as one HTML page."""
    page = Report("Networks compared")
    columns, rows = columns_and_rows(results)
    page.table(heading, columns, rows)
    page.figure("Accuracy", _figure(results), "Each dot is a seed, the line the mean.")
    if dataset.synthetic:
        page.text(
            "The pictures are synthetic: this compares networks with each other, and says little "
            "about photos of people."
        )
    page.write(path)


def _compare(
    name: str,
    pretrained: Path | None,
    params: Params,
    seeds: list[int],
    dataset: Dataset,
    on_epoch: Callable[[Epoch], None],
) -> Compared:
    scores, parameters, began = [], 0, perf_counter()
    for seed in seeds:
        own = params.model_copy(
            update={
                "run": params.run.model_copy(update={"seed": seed}),
                "train": params.train.model_copy(update={"network": name}),
            }
        )
        parts = data.split(dataset, params.data, seed)
        fitted = fit(
            own,
            dataset.pictures[parts.train],
            dataset.labels[parts.train],
            len(dataset.classes),
            dataset.pictures[parts.validation],
            dataset.labels[parts.validation],
            pretrained=pretrained,
            on_epoch=on_epoch,
        )
        logits = fitted.learner.logits(dataset.pictures[parts.validation])
        temperature = fit_temperature(logits, dataset.labels[parts.validation])
        found = softmax(fitted.learner.logits(dataset.pictures[parts.test]), temperature)
        scores.append(metrics.score(dataset.labels[parts.test], found))
        parameters = fitted.learner.parameters
    start = "" if pretrained is None else f" from {pretrained.name[-8:]}"
    return Compared(f"{name}{start}", parameters, scores, (perf_counter() - began) / len(seeds))


def _baseline(params: Params, seeds: list[int], dataset: Dataset) -> Compared:
    scores, name, began = [], "", perf_counter()
    for seed in seeds:
        parts = data.split(dataset, params.data, seed)
        baselines = fit_baselines(
            dataset.pictures[parts.train],
            dataset.labels[parts.train],
            len(dataset.classes),
            seed,
        )
        name = baselines.name
        found = baselines.probabilities(dataset.pictures[parts.test])
        scores.append(metrics.score(dataset.labels[parts.test], found))
    return Compared(name, 0, scores, (perf_counter() - began) / len(seeds))


def _as_it_is(
    pretrained: Path, params: Params, seeds: list[int], dataset: Dataset
) -> list[Compared]:
    """Score a trained network without training it further, where it knows the same signs."""
    predictor = Predictor.load(pretrained)
    if predictor.serving.classes != dataset.classes:
        return []
    began = perf_counter()
    tests = [data.split(dataset, params.data, seed).test for seed in seeds]
    scores = [
        metrics.score(dataset.labels[test], predictor.probabilities(dataset.pictures[test]))
        for test in tests
    ]
    seconds = (perf_counter() - began) / len(seeds)
    return [Compared(f"{pretrained.name[-8:]} as it is", 0, scores, seconds)]


def _figure(results: list[Compared]) -> Figure:
    figure = Figure(figsize=(7, 0.6 + 0.5 * len(results)), layout="constrained")
    axes = figure.subplots()
    for place, each in enumerate(results):
        axes.plot([score["accuracy"] for score in each.scores], [place] * len(each.scores), "o")
        axes.plot([each.mean("accuracy")] * 2, [place - 0.3, place + 0.3], color="black")
    axes.set_yticks(range(len(results)), [each.name for each in results])
    axes.invert_yaxis()
    axes.set_xlabel("accuracy on held-out pictures")
    return figure
