"""The verbs of this project: data, train, tune, evaluate, predict, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import console, progress, table
from .errors import UserError
from .findings import show_findings
from .inputs import Models, OneModel, Source, Target, load_dataset, read_params
from .options import Overrides, Profile, with_override

if TYPE_CHECKING:
    from .params import Params

CAPSTONE = "house-prices"
SHOWN_COLUMNS = 100

app = typer.Typer()


@app.command()
def data(
    source: Source = None,
    target: Target = None,
    profile: Profile = "default",
    sets: Overrides = None,
) -> None:
    """Show what is in the data, and what looks wrong with it."""
    dataset = load_dataset(read_params(profile, sets, source, target))
    facts = dataset.facts
    console.print(
        f"{facts.source}: {facts.rows:,} rows, {facts.columns} features, target {facts.target}",
        markup=False,
    )
    console.print(f"SHA-256 {facts.sha256}\nLicence: {facts.licence}", markup=False)
    from .reports import column_facts

    columns = [
        (fact.name, fact.type, f"{fact.missing:.1%}", fact.summary)
        for fact in column_facts(dataset)
    ]
    table("Features", ["name", "kind", "missing", "values"], columns[:SHOWN_COLUMNS])
    if len(columns) > SHOWN_COLUMNS:
        console.print(f"… and {len(columns) - SHOWN_COLUMNS} more.")
    show_findings(dataset.findings, "column")
    if not dataset.findings:
        console.print("Nothing looks wrong.")


@app.command()
def train(
    profile: Profile = "default",
    source: Source = None,
    target: Target = None,
    model: OneModel = None,
    sets: Overrides = None,
) -> None:
    """Train a model, and make it the champion if it beats the present one and the baseline."""
    _train(read_params(profile, with_override(sets, "train.model", model), source, target), profile)


def train_for_demo(profile: str) -> None:
    """Train on the embedded sample, as `demo` does.

    Parameters
    ----------
    profile : str
        A profile of params.toml.
    """
    _train(read_params(profile, None, None, None), profile)


@app.command()
def tune(
    profile: Profile = "default",
    source: Source = None,
    target: Target = None,
    model: OneModel = None,
    trials: Annotated[
        int | None, typer.Option(help="How many, with those of an earlier call.", min=1)
    ] = None,
    sets: Overrides = None,
) -> None:
    """Search for better parameters of one model; after Ctrl-C the next call goes on."""
    sets = with_override(with_override(sets, "tune.model", model), "tune.trials", trials)
    params = read_params(profile, sets, source, target)
    dataset = load_dataset(params)
    from . import tune as tuning
    from .search import show_found
    from .settings import Settings
    from .tracking import open_tracker

    settings = Settings()
    storage = settings.artifacts_dir / "tuning.db"
    remaining = tuning.search(params, dataset, storage).remaining
    with progress("Tuning", remaining) as advance:
        tracker = open_tracker(settings, CAPSTONE)
        found = tuning.tune(params, dataset, tracker, storage, advance=advance)
    show_found(found, f"models.{params.tune.model}.")
    console.print(tracker.where(), markup=False, soft_wrap=True)


@app.command()
def evaluate(
    profile: Profile = "default",
    source: Source = None,
    target: Target = None,
    models: Models = None,
    sets: Overrides = None,
) -> None:
    """Score the models of params.toml by cross-validation over all rows."""
    sets = with_override(sets, "evaluate.models", models or None)
    params = read_params(profile, sets, source, target)
    dataset = load_dataset(params)
    from . import evaluate as comparison
    from .settings import Settings
    from .tracking import open_tracker

    settings = Settings()
    tracker = open_tracker(settings, CAPSTONE)
    results = comparison.run("evaluate", params, profile, dataset, tracker)
    title = comparison.title(params)
    columns, rows = comparison.columns_and_rows(results)
    table(title, columns, rows)
    for result in results:
        if "coverage" in result.scores:
            console.print(
                f"{params.train.coverage:.0%} intervals of {result.model}: they hold "
                f"{result.scores['coverage']:.1%} of the true values.",
                markup=False,
            )
    from .reports import write_comparison

    page = settings.artifacts_dir / "reports" / "evaluation.html"
    write_comparison(page, title, columns, rows, dataset, results)
    console.print(f"Written: {page}", markup=False, soft_wrap=True)
    console.print(tracker.where(), markup=False, soft_wrap=True)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="A .csv or .parquet file with the model's fields.")],
    output: Annotated[
        Path | None, typer.Option(help="The CSV to write; by default beside the file.")
    ] = None,
) -> None:
    """Predict each row of a file with the champion."""
    from . import data as tables
    from .artifact import replace_text
    from .predictor import Predictor
    from .promotion import champion
    from .settings import Settings

    predictor = Predictor.load(champion(Settings().artifacts_dir).path)
    frame = tables.read_features(file, predictor.schema)
    predictions, lower, upper = predictor.predict_intervals(tables.rows_of(frame, predictor.schema))
    path = output or file.with_name(f"{file.name.partition('.')[0]}-predictions.csv")
    if path.resolve() == file.resolve():
        raise UserError(f"{path} is the file that is read.", "Name another one with --output.")
    frame.insert(0, "upper", upper)
    frame.insert(0, "lower", lower)
    frame.insert(0, "prediction", predictions)
    text = tables.without_formulas(frame).to_csv(index=False, lineterminator="\n")
    replace_text(path, text)
    console.print(f"{len(frame):,} predictions written: {path}", markup=False, soft_wrap=True)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """Copy the champion (ONNX model, schema, card) into a folder, for use anywhere."""
    from .export import export_champion

    export_champion(
        folder,
        "model.onnx takes X, float32 of shape (n, columns of schema.json encoded), and gives y; "
        "card.md says what the model is.",
    )


def write_report() -> Path:
    """Write the report on the champion; return the path of the HTML file."""
    from . import permutation, reports
    from .promotion import champion
    from .settings import Settings

    folder = Settings().artifacts_dir
    artifact = champion(folder)
    try:
        measured, note = permutation.importance(artifact), permutation.EXPLANATION
    except UserError as error:
        measured, note = [], f"Permutation importance was not measured: {error}"
    return reports.write(artifact, folder / "reports", measured, note)


def _train(params: "Params", profile: str) -> None:
    dataset = load_dataset(params)
    from . import train as training
    from .outcome import show_outcome
    from .settings import Settings
    from .tracking import open_tracker

    show_findings(dataset.findings, "column")
    settings = Settings()
    tracker = open_tracker(settings, CAPSTONE)
    name = params.train.model
    with progress(f"Training {name}", training.steps(name, params, dataset)) as advance:
        outcome = training.train(params, profile, dataset, settings, tracker, advance=advance)
    show_outcome(
        f"{name} on held-out rows ({outcome.artifact.metadata.data.split})",
        outcome.artifact,
        outcome.decision,
        outcome.where,
        hidden_metrics=["onnx_parity"],
        notes=[f"{sentence} params.toml bounds them." for sentence in outcome.sampled],
    )
