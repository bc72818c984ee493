"""The verbs of this project: data, train, tune, evaluate, predict, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .about import command
from .console import console, progress, table
from .errors import UserError
from .findings import show_findings
from .inputs import (
    Network,
    Networks,
    Source,
    StartFrom,
    load_dataset,
    read_params,
    started_from,
)
from .options import Overrides, Profile, with_override

if TYPE_CHECKING:
    from .params import Params

CAPSTONE = "sign-language"

app = typer.Typer()


@app.command()
def data(
    source: Source = None,
    profile: Profile = "default",
    save: Annotated[
        Path | None,
        typer.Option(help="Also write the pictures into this new folder, one folder a sign."),
    ] = None,
    sets: Overrides = None,
) -> None:
    """Show what is in the data, and what looks wrong with it."""
    from . import data as pictures
    from .reports import class_facts

    params = read_params(profile, sets, source)
    dataset = load_dataset(params)
    facts = dataset.facts
    console.print(
        f"{facts.source}: {facts.rows:,} pictures of {len(dataset.classes)} signs, "
        f"{params.data.size} x {params.data.size} pixels",
        markup=False,
    )
    console.print(f"SHA-256 {facts.sha256}\nLicence: {facts.licence}", markup=False)
    table(
        "Signs",
        ["sign", "pictures", "share", "brightness", "contrast"],
        [
            (each.sign, each.pictures, f"{each.share:.1%}", each.brightness, each.contrast)
            for each in class_facts(dataset)
        ],
    )
    split = pictures.split(dataset, params.data, params.run.seed)
    console.print(split.sentence, markup=False, soft_wrap=True)
    if dataset.findings:
        show_findings(dataset.findings, "pictures")
    else:
        console.print("Nothing looks wrong.")
    if save is not None:
        pictures.save(dataset, save)
        console.print(f"{facts.rows:,} pictures written: {save}", markup=False, soft_wrap=True)


@app.command()
def train(
    profile: Profile = "default",
    source: Source = None,
    network: Network = None,
    start_from: StartFrom = None,
    sets: Overrides = None,
) -> None:
    """Train a network, and make it the champion if it beats the present one and the baseline.

    Stopped in the middle, the same command goes on after the last whole epoch.
    """
    params = read_params(profile, with_override(sets, "train.network", network), source)
    _train(*started_from(start_from, params), profile)


def train_for_demo(profile: str) -> None:
    """Train on the embedded sample, as `demo` does.

    Parameters
    ----------
    profile : str
        A profile of params.toml.
    """
    _train(read_params(profile, None, None), None, profile)


@app.command()
def tune(
    profile: Profile = "default",
    source: Source = None,
    network: Network = None,
    trials: Annotated[
        int | None, typer.Option(help="How many, with those of an earlier call.", min=1)
    ] = None,
    sets: Overrides = None,
) -> None:
    """Search for better parameters of the training; after Ctrl-C the next call goes on."""
    sets = with_override(with_override(sets, "train.network", network), "tune.trials", trials)
    params = read_params(profile, sets, source)
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
    show_found(found)
    console.print(tracker.where(), markup=False, soft_wrap=True)


@app.command()
def evaluate(
    profile: Profile = "default",
    source: Source = None,
    networks: Networks = None,
    start_from: StartFrom = None,
    sets: Overrides = None,
) -> None:
    """Train each network of params.toml, with each seed, and compare them on held-out pictures.

    With `--from ARTEFACT` it compares going on from that network with a start from nothing.
    """
    sets = with_override(sets, "evaluate.networks", networks or None)
    params, pretrained = started_from(start_from, read_params(profile, sets, source))
    dataset = load_dataset(params)
    from . import evaluate as comparison
    from .settings import Settings
    from .tracking import open_tracker

    settings = Settings()
    tracker = open_tracker(settings, CAPSTONE)
    results = comparison.run(params, profile, dataset, tracker, pretrained)
    title = comparison.title(params, dataset)
    columns, rows = comparison.columns_and_rows(results)
    table(title, columns, rows)
    page = settings.artifacts_dir / "reports" / "evaluation.html"
    comparison.write_page(page, title, results, dataset)
    console.print(f"Written: {page}", markup=False, soft_wrap=True)
    console.print(tracker.where(), markup=False, soft_wrap=True)


@app.command()
def predict(
    files: Annotated[
        list[Path], typer.Argument(help="Pictures (PNG, JPEG, WebP), or folders of pictures.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="Also write the answers to this CSV file.")
    ] = None,
) -> None:
    """Say which sign the champion sees in each picture."""
    from . import predict as answers
    from .predictor import Predictor
    from .promotion import champion
    from .settings import Settings

    named = answers.pictures_in(files)
    predictor = Predictor.load(champion(Settings().artifacts_dir).path)
    found = answers.predict(predictor, named)
    table(
        "",
        ["picture", "sign", "probability", "next best"],
        [(str(each.file), each.sign, each.probability, each.rest) for each in found],
    )
    if output is not None:
        answers.write_csv(found, output)
        console.print(f"{len(found):,} answers written: {output}", markup=False, soft_wrap=True)
    if broken := [each for each in found if each.problem]:
        first = broken[0]
        raise UserError(
            f"{len(broken)} of {len(found)} pictures could not be read; {first.file}: "
            f"{first.problem}",
            "The others are answered above.",
        )


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """Copy the champion (ONNX model, weights, cards) into a folder, for use anywhere."""
    from .export import export_champion

    export_champion(
        folder,
        "model.onnx takes pictures, float32 of shape (n, channels, size, size), each minus its "
        "mean and divided by its standard deviation, and gives logits; serving.json names the "
        "signs, and card.md says what the model is.",
    )


def write_report() -> Path:
    """Write the report on the champion; return the path of the HTML file."""
    from . import reports
    from .promotion import champion
    from .settings import Settings

    folder = Settings().artifacts_dir
    return reports.write(champion(folder), folder / "reports")


def _train(params: "Params", pretrained: Path | None, profile: str) -> None:
    dataset = load_dataset(params)
    from . import train as training
    from .outcome import show_outcome
    from .settings import Settings
    from .tracking import open_tracker

    if dataset.findings:
        show_findings(dataset.findings, "pictures")
    settings = Settings()
    tracker = open_tracker(settings, CAPSTONE)
    with progress(f"Training {params.train.network}", params.train.epochs) as advance:
        outcome = training.train(
            params,
            profile,
            dataset,
            settings,
            tracker,
            start_from=pretrained,
            on_epoch=lambda epoch: advance(),
        )
    if outcome.resumed_at:
        console.print(
            f"An earlier training with these parameters was stopped: this one went on after "
            f"epoch {outcome.resumed_at}.",
            soft_wrap=True,
        )
    facts = outcome.artifact.metadata
    show_outcome(
        f"{params.train.network} on held-out pictures",
        outcome.artifact,
        outcome.decision,
        outcome.where,
        hidden_metrics=("onnx_parity",),
    )
    console.print(facts.data.split, markup=False, soft_wrap=True)
    if dataset.synthetic:
        console.print(
            "These pictures are synthetic: on photos of people it is worse. Train it further on "
            f"yours: {command('train --from champion --source FOLDER')}",
            markup=False,
            soft_wrap=True,
        )
