"""The model card and the data card: Markdown, filled from the metadata of the actual run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .about import program_name
from .artifact import Metadata
from .console import format_value, is_number


@dataclass(frozen=True)
class Slice:
    """The error on a part of the held-out rows.

    Parameters
    ----------
    name : str
        Which rows, for instance `neighborhood = Old Town`.
    rows : int
        How many held-out rows that is.
    metrics : Mapping[str, float]
        Metrics of the model on these rows; the same names in every slice.
    """

    name: str
    rows: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ColumnFacts:
    """What a column of the data looks like.

    Parameters
    ----------
    name : str
        Name in the source.
    type : str
        For people: `number`, `category`, `date` …
    missing : float
        Share of missing values, 0 to 1.
    summary : str
        A phrase: the range, the most frequent values.
    """

    name: str
    type: str
    missing: float
    summary: str


def model_card(
    metadata: Metadata,
    *,
    what_it_is: str,
    intended_use: str,
    limits: Sequence[str],
    slices: Sequence[Slice] = (),
    reproduce: str = "",
) -> str:
    """Return the model card as Markdown.

    Parameters
    ----------
    metadata : Metadata
        Of the run; `files` may be empty.
    what_it_is : str
        One or two sentences on the model.
    intended_use : str
        What it is for, and what it is not for.
    limits : Sequence[str]
        Sentences that a user must know before trusting an answer.
    slices : Sequence[Slice]
        The parts of the data where it is worst, worst first.
    reproduce : str
        The commands; by default `train` with the run's profile.
    """
    facts = metadata.data
    commands = reproduce or f"uv run {program_name()} train --profile {metadata.profile}"
    metrics = [
        [
            name,
            value,
            _interval(metadata.metric_intervals.get(name)),
            metadata.baseline.get(name),
        ]
        for name, value in metadata.metrics.items()
    ]
    parts = [
        f"# Model card: {_text(metadata.capstone)}, {_text(metadata.model)}",
        f"Version `{metadata.id}`, trained {metadata.created_at:%Y-%m-%d %H:%M} UTC "
        f"with the profile `{metadata.profile}`.",
        f"## What it is\n\n{what_it_is}",
        f"## Intended use\n\n{intended_use}",
        f"## Data\n\n{_text(facts.source)}: {facts.rows:,} rows, {facts.columns:,} columns, target "
        f"`{facts.target}`. {_text(facts.split)} `data_card.md` says more.",
        "## How good it is\n\n"
        + _table(["metric", "model", "95 % interval", "baseline"], metrics)
        + "\n\nMeasured on rows that the model was not trained on; the baseline on the same "
        "rows. The interval is a bootstrap over them.",
    ]
    if slices:
        names = list(slices[0].metrics)
        rows = [[part.name, part.rows, *(part.metrics.get(n) for n in names)] for part in slices]
        parts.append("## Where it is worst\n\n" + _table(["slice", "rows", *names], rows))
    parts += [
        "## Limits\n\n" + _list(limits),
        f"## Licence\n\nOf the data: {_text(facts.licence)}. Of the code: the project's own.",
        f"## How to reproduce\n\n```\n{commands}\n```\n\n"
        + _table(
            ["what", "value"],
            [
                ["Git commit", metadata.git_sha or "not a Git repository"],
                ["template version", metadata.template_version or "unknown"],
                ["SHA-256 of the data", facts.sha256],
                *([name, version] for name, version in metadata.versions.items()),
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def data_card(
    metadata: Metadata,
    *,
    what_it_is: str,
    columns: Sequence[ColumnFacts],
    warnings: Sequence[str] = (),
    limits: Sequence[str] = (),
) -> str:
    """Return the data card as Markdown.

    Parameters
    ----------
    metadata : Metadata
        Of the run; its `data` is described.
    what_it_is : str
        Where the data come from, who gathered them, and why.
    columns : Sequence[ColumnFacts]
        One for each column that the model reads.
    warnings : Sequence[str]
        What the validation of this run reported.
    limits : Sequence[str]
        What the data do not show.
    """
    facts = metadata.data
    rows = [[c.name, c.type, f"{c.missing:.1%}", c.summary] for c in columns]
    parts = [
        f"# Data card: {_text(facts.source)}",
        f"## What it is\n\n{what_it_is}",
        "## Facts\n\n"
        + _table(
            ["what", "value"],
            [
                ["rows", facts.rows],
                ["columns", facts.columns],
                ["target", facts.target],
                ["licence", facts.licence],
                ["SHA-256", facts.sha256],
            ],
        ),
        f"## Split\n\n{_text(facts.split)}",
        "## What the validation reported\n\n" + (_list(warnings) if warnings else "Nothing."),
        "## Columns\n\n" + _table(["column", "type", "missing", "values"], rows),
    ]
    if limits:
        parts.append("## Limits\n\n" + _list(limits))
    return "\n\n".join(parts) + "\n"


def _interval(bounds: tuple[float, float] | None) -> str | None:
    return None if bounds is None else f"{format_value(bounds[0])} to {format_value(bounds[1])}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    numbers = [bool(rows) and all(is_number(row[i]) for row in rows) for i in range(len(columns))]
    lines = [columns, ["---:" if number else "---" for number in numbers], *rows]
    return "\n".join(
        "| " + " | ".join(_text(format_value(v)) for v in line) + " |" for line in lines
    )


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {_text(sentence)}" for sentence in sentences)


def _text(value: str) -> str:
    """Keep names from the data from breaking a table or becoming HTML."""
    return " ".join(value.split()).replace("|", "\\|").replace("<", "&lt;")
