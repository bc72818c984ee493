"""Ordinary least squares with diagnostics: what a linear model says, and whether it may say it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .data import Dataset
from .errors import UserError
from .report import Report
from .schema import Column
from .target import TargetScale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]

# A level of fewer rows joins the level of reference: its coefficient would be chance.
MIN_LEVEL_ROWS = 10
SIGNIFICANT = 0.05
# Belsley, Kuh and Welsch, *Regression Diagnostics*, 1980; the customary bound for inflation.
LARGEST_CONDITION_NUMBER = 30
LARGEST_INFLATION = 10
COLUMNS = ["term", "coefficient", "from", "to", "p-value"]
DIAGNOSTIC_COLUMNS = ["diagnostic", "value", "p-value", "what it means"]


@dataclass(frozen=True)
class Term:
    """One coefficient, on the scale of the fitted target.

    `lower` and `upper` bound its 95 % interval, which holds for errors of unequal spread too (HC3;
    MacKinnon and White, *Some heteroskedasticity-consistent covariance matrix estimators*, 1985).
    """

    name: str
    coefficient: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class Diagnostic:
    """A test of what the method assumes; `p_value` is None where it is a mere number."""

    name: str
    value: float
    p_value: float | None
    meaning: str


@dataclass(frozen=True)
class LeastSquares:
    """The fitted model.

    Attributes
    ----------
    title : str
        What was fitted to what, and how well.
    terms : list[Term]
        The one with the largest coefficient first, the constant left out.
    diagnostics : list[Diagnostic]
        What the method assumes, held against the residuals.
    fitted, residuals : ndarray of float64, shape (n,)
        On the scale of the fitted target.
    """

    title: str
    terms: list[Term]
    diagnostics: list[Diagnostic]
    fitted: Vector
    residuals: Vector

    def term_rows(self) -> list[list[object]]:
        """Return a row of `COLUMNS` for each term."""
        return [[t.name, t.coefficient, t.lower, t.upper, t.p_value] for t in self.terms]

    def diagnostic_rows(self) -> list[list[object]]:
        """Return a row of `DIAGNOSTIC_COLUMNS` for each diagnostic."""
        return [[d.name, d.value, d.p_value, d.meaning] for d in self.diagnostics]

    def write(self, path: Path) -> Path:
        """Write tables and figures as one HTML file, and return its path."""
        report = Report("Ordinary least squares")
        report.text(f"{self.title} {READING}")
        report.table("Coefficients", COLUMNS, self.term_rows())
        report.table("Diagnostics", DIAGNOSTIC_COLUMNS, self.diagnostic_rows())
        for title, figure, caption in self._figures():
            report.figure(title, figure, caption)
        return report.write(path)

    def _figures(self) -> "Iterator[tuple[str, Figure, str]]":
        from matplotlib.figure import Figure
        from scipy.stats import probplot

        figure = Figure(figsize=(7, 4))
        axes = figure.subplots()
        axes.axhline(0, color="gray", linewidth=1)
        axes.scatter(self.fitted, self.residuals, s=8, alpha=0.5, rasterized=True)
        axes.set(xlabel="fitted", ylabel="residual")
        yield "Residuals", figure, "A curve or a funnel would be something that a line cannot say."
        figure = Figure(figsize=(7, 4))
        axes = figure.subplots()
        (expected, ordered), (slope, intercept, _) = probplot(self.residuals)
        axes.plot(expected, intercept + slope * expected, color="gray", linewidth=1)
        axes.scatter(expected, ordered, s=8, alpha=0.5, rasterized=True)
        axes.set(xlabel="expected of a normal distribution", ylabel="residual")
        yield "Normal quantiles", figure, "Errors of a normal distribution would lie on the line."


READING = (
    "A number's coefficient is for one standard deviation more of it, a level's is against the "
    "commonest level of its field. Coefficients describe these rows; they are no causes."
)


def fit(dataset: Dataset, fields: int) -> LeastSquares:
    """Fit the target by the fields that, each alone, explain most of it.

    Parameters
    ----------
    dataset : Dataset
        The table; all its rows take part.
    fields : int
        How many fields: few enough to read.

    Raises
    ------
    UserError
        When there are fewer rows than the coefficients need.
    """
    import statsmodels.api as sm

    scale = TargetScale.choose(dataset.y)
    y = scale.forward(dataset.y)
    names, inputs = _inputs(dataset, y, fields)
    if len(y) <= 2 * (len(names) + 1):
        raise UserError(
            f"{len(y)} rows are too few for {len(names)} coefficients.",
            "Ask for fewer fields with --fields.",
        )
    exog = sm.add_constant(inputs, has_constant="add")
    results = sm.OLS(y, exog).fit(cov_type="HC3")
    bounds = results.conf_int()
    terms = [
        Term(
            name,
            float(results.params[place]),
            float(bounds[place, 0]),
            float(bounds[place, 1]),
            float(results.pvalues[place]),
        )
        for place, name in enumerate(names, start=1)
    ]
    fitted = f"log(1 + {dataset.schema.target})" if scale.log else dataset.schema.target
    return LeastSquares(
        title=f"{fitted} by {len(names)} terms of the {fields} strongest fields over {len(y):,} "
        f"rows: R² {results.rsquared:.4f}, adjusted {results.rsquared_adj:.4f}, "
        f"F {float(results.fvalue):,.0f} (p {float(results.f_pvalue):.2g}).",
        terms=sorted(terms, key=lambda term: -abs(term.coefficient)),
        diagnostics=list(_diagnostics(results, exog, names)),
        fitted=np.asarray(results.fittedvalues),
        residuals=np.asarray(results.resid),
    )


def _inputs(dataset: Dataset, y: Vector, fields: int) -> tuple[list[str], Vector]:
    """Return the names and the columns, shape (n, terms), of the strongest fields."""
    found: dict[str, list[tuple[str, Vector]]] = {}
    levels = {feature.name: feature.categories for feature in dataset.schema.features}
    for column, values in zip(dataset.schema.columns, dataset.matrix().T, strict=True):
        terms = _terms(column, levels[column.feature], values.astype(np.float64))
        found.setdefault(column.feature, []).extend(terms)
    explained = {name: _explained(terms, y) for name, terms in found.items() if terms}
    strongest = sorted(explained, key=lambda name: -explained[name])[:fields]
    chosen = [term for name in strongest for term in found[name]]
    if not chosen:
        raise UserError("No field has two values with enough rows to compare.")
    # A column that repeats others (two levels of the same rows, say) has no coefficient of its own.
    kept: list[int] = []
    matrix = np.column_stack([values for _, values in chosen])
    for place in range(len(chosen)):
        part = np.column_stack([np.ones(len(y)), matrix[:, [*kept, place]]])
        if np.linalg.matrix_rank(part) == part.shape[1]:
            kept.append(place)
    return [chosen[place][0] for place in kept], matrix[:, kept]


def _terms(column: Column, levels: list[str], values: Vector) -> Iterator[tuple[str, Vector]]:
    if column.kind == "number":
        filled = np.where(np.isnan(values), np.nanmedian(values), values)
        spread = filled.std()
        if spread > 0:
            yield column.name, (filled - filled.mean()) / spread
        return
    codes, counts = np.unique(values[values >= 0], return_counts=True)
    for code, count in zip(codes, counts, strict=True):
        if count >= MIN_LEVEL_ROWS and code != codes[counts.argmax()]:
            level = levels[int(code)] if code < len(levels) else "(missing)"
            yield f"{column.name} = {level}", (values == code).astype(np.float64)


def _explained(terms: list[tuple[str, Vector]], y: Vector) -> float:
    """Return the share of the target's variance that a field explains alone."""
    inputs = np.column_stack([np.ones(len(y)), *(values for _, values in terms)])
    weights, *_ = np.linalg.lstsq(inputs, y, rcond=None)
    return 1 - float(np.var(y - inputs @ weights)) / float(np.var(y))


def _diagnostics(results: Any, exog: Vector, names: list[str]) -> Iterator[Diagnostic]:
    from statsmodels.stats.diagnostic import het_breuschpagan
    from statsmodels.stats.outliers_influence import variance_inflation_factor
    from statsmodels.stats.stattools import durbin_watson, jarque_bera

    residuals = results.resid
    value, p_value, *_ = map(float, het_breuschpagan(residuals, exog))
    yield Diagnostic(
        "Breusch-Pagan",
        value,
        p_value,
        "The errors are not spread equally; the intervals above allow for it."
        if p_value < SIGNIFICANT
        else "No sign that the spread of the errors changes.",
    )
    value, p_value, *_ = map(float, jarque_bera(residuals))
    yield Diagnostic(
        "Jarque-Bera",
        value,
        p_value,
        "The errors are not normal: look at the tails in the figure. Over many rows the intervals "
        "of the coefficients still hold; an interval for one case would not."
        if p_value < SIGNIFICANT
        else "The errors may well be normal.",
    )
    value = float(durbin_watson(residuals))
    yield Diagnostic(
        "Durbin-Watson",
        value,
        None,
        "The errors of rows beside each other are unrelated."
        if 1.5 < value < 2.5
        else "Rows beside each other err alike: does their order mean something?",
    )
    value = float(np.linalg.cond(exog))
    yield Diagnostic(
        "condition number",
        value,
        None,
        "Some terms say nearly the same, so that a single coefficient means little."
        if value > LARGEST_CONDITION_NUMBER
        else "The terms can be told apart.",
    )
    inflation = [float(variance_inflation_factor(exog, place)) for place in range(1, exog.shape[1])]
    worst = int(np.argmax(inflation))
    yield Diagnostic(
        f"variance inflation of {names[worst]}",
        inflation[worst],
        None,
        "The other terms nearly determine it: its coefficient is not its own."
        if inflation[worst] > LARGEST_INFLATION
        else "The largest, and no reason to worry.",
    )
