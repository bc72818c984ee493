"""The verb `compare`: every model in one table."""

from typing import Annotated

import typer

from ..inputs import Models, Source, Target, load_dataset, read_params
from ..options import Overrides, Profile, with_override

app = typer.Typer()


@app.command()
def compare(
    profile: Profile = "default",
    source: Source = None,
    target: Target = None,
    models: Models = None,
    curves: Annotated[
        list[str] | None,
        typer.Option(
            "--learning-curve",
            metavar="MODEL",
            help="Draw that of this model; repeatable. By default ridge and the one that is "
            "trained.",
        ),
    ] = None,
    sets: Overrides = None,
) -> None:
    """Compare every model, those too that cannot be served, by cross-validation."""
    from .. import evaluate
    from ..commands import CAPSTONE
    from ..console import console, progress, table
    from ..learning_curve import SHARES, learning_curves
    from ..models import BASELINE, MODELS, build
    from ..params import known_model
    from ..reports import write_comparison
    from ..settings import Settings
    from ..tracking import open_tracker

    sets = with_override(sets, "evaluate.models", models or list(MODELS))
    params = read_params(profile, sets, source, target)
    wanted = [known_model(name) for name in curves or dict.fromkeys(["ridge", params.train.model])]
    dataset = load_dataset(params)
    settings = Settings()
    tracker = open_tracker(settings, CAPSTONE)
    results = evaluate.run("compare", params, profile, dataset, tracker)
    with progress("Learning curves", len(wanted) * len(SHARES)) as advance:
        drawn = learning_curves(wanted, params, dataset, advance=advance)

    columns, rows = evaluate.columns_and_rows(results)
    obstacles = {}
    for row in rows:
        name = str(row[0])
        obstacle = build(name, params.models, dataset.schema.columns, seed=0).obstacle
        if obstacle:
            obstacles[name] = obstacle
        row.append(not obstacle)
        row[0] = f"{name} (baseline)" if name == BASELINE else name
    order = sorted(range(len(rows)), key=lambda place: float(str(rows[place][1])))
    rows = [rows[place] for place in order]
    title = evaluate.title(params)
    columns.append("ONNX")
    table(title, columns, rows)
    for obstacle in obstacles.values():
        console.print(f"{obstacle} So it is for comparison only.", markup=False)
    page = settings.artifacts_dir / "reports" / "comparison.html"
    write_comparison(
        page, title, columns, rows, dataset, [results[place] for place in order], drawn
    )
    console.print(f"Written: {page}", markup=False, soft_wrap=True)
    console.print(tracker.where(), markup=False, soft_wrap=True)
