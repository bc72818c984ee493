"""Reads a table, infers what is in it, validates it, and tells what it found.

Sources: the embedded sample, a CSV or Parquet file, an OpenML data set by number, California.
"""

import codecs
import csv
import gzip
import hashlib
import re
import warnings
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .artifact import DataFacts
from .encoding import Encoder
from .errors import UserError
from .findings import Finding
from .schema import Feature, Schema

SAMPLE_TARGET = "Sale_Price"
SAMPLE_LICENCE = "MIT (modeldata); De Cock, Journal of Statistics Education 19(3), 2011"
UNKNOWN_LICENCE = "not stated; say it in the data card before you publish"
MIN_ROWS = 50
# What stands for a missing value in files of people. "None" does not: in many tables it is a level.
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
# A text column with more levels than this is cut to its commonest ones; the others are unseen.
MAX_LEVELS = 200
# Beyond these a table is refused before it fills the memory.
MAX_COLUMNS = 5_000
MAX_NAME = 200
MAX_BYTES = 4_000_000_000  # of text, after decompression
# By rank correlation: so nearly the target that it must have been computed from it.
LEAK = 0.9995
CHUNK_BYTES = 4_000_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# How UTF-8 writes a western letter with an accent; in Windows-1252 no word has these two together.
UTF8_LETTER = re.compile(rb"\xc3[\x80-\xbf]")
LEFT_OUT = "left out; data.keep in params.toml keeps it"


@dataclass(frozen=True)
class Dataset:
    """A validated table.

    Attributes
    ----------
    frame : DataFrame, shape (n, f)
        The features, in the order of the schema; a missing value is NaN, NaT or None.
    y : ndarray of float64, shape (n,)
        The target.
    schema : Schema
        Inferred from the table.
    facts : DataFacts
        Where it came from, and the hash of its content.
    findings : list[Finding]
        What was left out, and what looks wrong.
    """

    frame: pd.DataFrame
    y: NDArray[np.float64]
    schema: Schema
    facts: DataFacts
    findings: list[Finding]

    def rows(self) -> list[list[Any]]:
        """Return the rows as a request has them: Python values, and None where one is missing."""
        return rows_of(self.frame, self.schema)

    @cached_property
    def _matrix(self) -> NDArray[np.float32]:
        return Encoder(self.schema)(self.rows())

    def matrix(self) -> NDArray[np.float32]:
        """Return the encoded features, shape (n, d)."""
        return self._matrix


def load(
    source: str = "sample",
    target: str | None = None,
    *,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
) -> Dataset:
    """Read, infer and validate a table.

    Parameters
    ----------
    source : str
        `sample`, the path of a .csv, .csv.gz or .parquet file, `openml:NUMBER`, or `california`.
    target : str or None
        The column to predict; the public sources know theirs.
    keep : Collection[str]
        Columns to use although they look like an identifier, a copy or a leak.
    drop : Collection[str]
        Columns not to use.

    Returns
    -------
    Dataset
        Without rows whose target is missing.

    Raises
    ------
    UserError
        When the source cannot be read, the target is missing or not numeric, or too little is left.
    """
    table, target, licence = _read(source, target)
    digest = _hash(table)
    table, findings = _clean(table, target)
    y = table.pop(target).to_numpy(dtype=np.float64)
    for name in (*keep, *drop):
        if name not in table:
            raise UserError(
                f"data.keep and data.drop name a column {name!r}, which {source} does not have.",
                f"The columns are {_listed(table.columns)}.",
            )
    suspects = {name: problem for name, problem in _suspects(table, y) if name not in keep}
    findings += [Finding(name, problem, LEFT_OUT) for name, problem in suspects.items()]
    findings += [Finding(name, "named in data.drop", "left out") for name in drop]
    table = table.drop(columns=[*suspects, *(name for name in drop if name not in suspects)])
    features = [_infer(table[name], findings, keep) for name in table.columns]
    schema = Schema(target=target, features=[feature for feature in features if feature])
    if not schema.features:
        raise UserError(
            f"{source} has no column to predict {target} from.",
            "All others are empty, constant or identifiers; `data` lists them.",
        )
    frame = _typed(table, schema)
    return Dataset(
        frame=frame,
        y=y,
        schema=schema,
        findings=findings,
        facts=DataFacts(
            source=source,
            rows=len(frame),
            columns=len(schema.features),
            target=target,
            sha256=digest,
            split="not split",
            licence=licence,
        ),
    )


def split(
    dataset: Dataset, test_fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split the rows into those to train on and those to test on; a seed gives one split.

    Equal rows never stand on both sides, which would be a leak.

    Parameters
    ----------
    dataset : Dataset
        The table.
    test_fraction : float
        Between 0 and 1.
    seed : int
        Of the shuffle.

    Returns
    -------
    tuple of two ndarrays of int
        Sorted row numbers: training, test.
    """
    groups = pd.util.hash_pandas_object(pd.DataFrame(dataset.matrix()), index=False).to_numpy()
    distinct, group_of_row = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(distinct))
    held_out = np.zeros(len(distinct), dtype=bool)
    held_out[order[: max(1, round(test_fraction * len(distinct)))]] = True
    is_test = held_out[group_of_row]
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def validate(frame: pd.DataFrame, schema: Schema) -> None:
    """Hold a table against a schema.

    Parameters
    ----------
    frame : DataFrame
        The features.
    schema : Schema
        Inferred from this table, or from the one that a model was trained on.

    Raises
    ------
    UserError
        It names each column that is missing, of another type, or empty where it never was.
    """
    import pandera.pandas as pa

    kinds = {"number": float, "category": object, "date": "datetime64[us]"}
    rules = pa.DataFrameSchema(
        {
            feature.name: pa.Column(
                kinds[feature.kind], nullable=not feature.required, coerce=True, required=True
            )
            for feature in schema.features
        }
    )
    try:
        rules.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        # A missing column stands in `failure_case`, the others in `column`.
        absent = cases["check"] == "column_in_dataframe"
        column = cases["column"].where(~absent, cases["failure_case"])
        lines = [_broken_rule(group) for _, group in cases.groupby(column, sort=False)]
        raise UserError(
            "The table does not fit the schema:\n" + "\n".join(lines[:20]),
            "Correct these columns, or train again on the new table.",
        ) from error


def read_features(path: Path, schema: Schema) -> pd.DataFrame:
    """Read the rows that a trained model shall predict.

    Parameters
    ----------
    path : Path
        A .csv, .csv.gz or .parquet file; columns that the model does not know are left out.
    schema : Schema
        Of the model.

    Returns
    -------
    DataFrame
        The features, in the order of the schema.

    Raises
    ------
    UserError
        When the file cannot be read, or does not fit the schema.
    """
    table = _read_file(path)
    return _typed(table[[f.name for f in schema.features if f.name in table]], schema)


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table that is safe to open in a spreadsheet.

    A text there that begins like a formula would be run (OWASP, *CSV injection*), so it gets an
    apostrophe in front; so do names of columns.
    """
    safe = frame.rename(columns=_as_text)
    for name, kind in safe.dtypes.items():
        if not pd.api.types.is_numeric_dtype(kind) and kind.kind != "M":
            safe[name] = safe[name].map(_as_text, na_action="ignore")
    return safe


def rows_of(frame: pd.DataFrame, schema: Schema) -> list[list[Any]]:
    """Return rows in the order of the schema: Python values, and None where one is missing."""
    columns = []
    for feature in schema.features:
        column = frame[feature.name].astype(object)
        if feature.kind == "date":
            column = column.map(lambda day: day.date(), na_action="ignore")
        columns.append(column.where(frame[feature.name].notna(), None).tolist())
    return [list(row) for row in zip(*columns, strict=True)]


def _as_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _read(source: str, target: str | None) -> tuple[pd.DataFrame, str, str]:
    """Return the table, its target and its licence."""
    if source == "sample":
        packaged = resources.files(__package__) / "sample" / "ames.csv.gz"
        with resources.as_file(packaged) as path:
            # The level "None" is a category here, so only an empty cell is missing.
            table = pd.read_csv(path, keep_default_na=False, na_values=[""])
        return table, target or SAMPLE_TARGET, SAMPLE_LICENCE
    if source == "california":
        return _read_california(target)
    if source.startswith("openml:"):
        return _read_openml(source.removeprefix("openml:"), target)
    table = _read_file(Path(source))
    if target is None:
        raise UserError(
            f"Which column of {source} shall be predicted?",
            f"Add --target COLUMN; the columns are {_listed(table.columns)}.",
        )
    return table, target, UNKNOWN_LICENCE


def _read_california(target: str | None) -> tuple[pd.DataFrame, str, str]:
    from sklearn.datasets import fetch_california_housing

    try:
        table = fetch_california_housing(as_frame=True).frame
    except OSError as error:
        raise _unreachable("California housing", error) from error
    return table, target or "MedHouseVal", "public domain (StatLib)"


def _read_openml(number: str, target: str | None) -> tuple[pd.DataFrame, str, str]:
    from sklearn.datasets import fetch_openml

    if not number.isdecimal():
        raise UserError(
            f"openml:{number} is no OpenML data set.", "Write its number: openml:42165."
        )
    try:
        found = fetch_openml(data_id=int(number), as_frame=True, parser="auto")
    except (OSError, ValueError) as error:
        raise _unreachable(f"OpenML's data set {number}", error) from error
    target = target or (found.target_names[0] if found.target_names else None)
    if target is None:
        raise UserError(
            f"OpenML names no target for data set {number}.",
            f"Add --target COLUMN; the columns are {_listed(found.frame.columns)}.",
        )
    return found.frame, target, str(found.details.get("licence", UNKNOWN_LICENCE))


def _unreachable(what: str, error: Exception) -> UserError:
    return UserError(
        f"{what} could not be fetched: {error}.",
        "It needs the network. Offline, use --source sample or a file of your own.",
    )


def _read_file(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(
            f"There is no file {path}.",
            "A source is `sample`, a .csv or .parquet file, `openml:NUMBER`, or `california`.",
        )
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read as a table: {str(error).splitlines()[0]}.",
            "It must be CSV with a header, or Parquet.",
        ) from error
    table.columns = _checked_names(path, [" ".join(str(name).split()) for name in table.columns])
    return table


def _checked_names(path: Path, names: list[str]) -> list[str]:
    """Return the names of columns, or refuse those that cannot be told apart or shown."""
    hint = "Correct its header."
    if len(names) > MAX_COLUMNS:
        raise UserError(
            f"{path} has {len(names):,} columns; {MAX_COLUMNS:,} are the most.",
            "Leave out those that cannot matter, or turn rows and columns if they are swapped.",
        )
    seen = set()
    for number, name in enumerate(names, start=1):
        if len(name) > MAX_NAME:
            raise UserError(f"{path}: the name of column {number} is {len(name):,} long.", hint)
        if not name.isprintable():
            raise UserError(f"{path}: the name of column {number} cannot be shown: {name!r}.", hint)
        if name in seen:
            raise UserError(f"{path} has two columns named {name!r}.", hint)
        seen.add(name)
    return names


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow

    try:
        return pd.read_parquet(path)
    except pyarrow.ArrowException as error:
        raise ValueError(str(error)) from error


def _read_csv(path: Path) -> pd.DataFrame:
    encoding, header = _scan(path)
    separator = max(",;\t|", key=header.count)
    names = next(csv.reader([header], delimiter=separator), [])
    # Before pandas sees them: it would rename equal ones, and spend minutes on very many.
    _checked_names(path, [" ".join(name.split()) or f"(empty {n})" for n, name in enumerate(names)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                path,
                encoding=encoding,
                sep=separator,
                index_col=False,
                keep_default_na=False,
                na_values=MISSING,
                low_memory=False,
            )
        except pd.errors.ParserWarning as error:
            raise ValueError("its rows have more fields than its header") from error


def _scan(path: Path) -> tuple[str, str]:
    """Return the encoding and the first line, after one pass that needs little memory.

    Raises
    ------
    ValueError
        When the file is too long, holds NUL bytes, or mixes encodings.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        start = file.read(2)
        wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding = "utf-16" if wide else "utf-8-sig"
        decoder = codecs.getincrementaldecoder(encoding)()
        utf8, size, line, letters = True, 0, 1, False
        chunk = start + file.read(CHUNK_BYTES)
        head = chunk
        while chunk:
            size += len(chunk)
            if size > MAX_BYTES:
                raise ValueError(f"it holds more than {MAX_BYTES:,} bytes")
            if not wide and b"\0" in chunk:
                line += chunk[: chunk.index(b"\0")].count(b"\n")
                raise ValueError(f"line {line:,} holds a NUL byte, which no text has")
            letters = letters or UTF8_LETTER.search(chunk) is not None
            if utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    utf8 = False
            line += chunk.count(b"\n")
            chunk = file.read(CHUNK_BYTES)
    if not utf8:
        if wide or letters:
            raise ValueError("it mixes encodings; save it as UTF-8")
        encoding = "cp1252"
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    header = next(iter(text.splitlines()), "")
    if len(header) == len(text) and len(head) > CHUNK_BYTES:
        raise ValueError(f"its first line is longer than {CHUNK_BYTES:,} bytes")
    return encoding, header


def _hash(table: pd.DataFrame) -> str:
    digest = hashlib.sha256("\0".join(map(str, table.columns)).encode())
    found = pd.util.hash_pandas_object(_comparable(table), index=False)
    digest.update(found.to_numpy().tobytes())
    return digest.hexdigest()


def _comparable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are text, but for numbers: to write those out takes longest."""
    return table.astype({name: str for name in table.columns if not _is_number(table[name])})


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _clean(table: pd.DataFrame, target: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Check the target, drop rows without one, and say what is odd about the rows."""
    if target not in table:
        raise UserError(
            f"There is no column {target!r} to predict.",
            f"The columns are {_listed(table.columns)}.",
        )
    values = pd.to_numeric(table[target], errors="coerce")
    wrong = table[target].notna() & values.isna()
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise UserError(
            f"The target {target} must be a number; row {first + 1} holds "
            f"{str(table[target].iloc[first])[:50]!r}.",
            "Correct it, or name another column with --target.",
        )
    findings = []
    usable = np.isfinite(values.to_numpy(dtype=np.float64, na_value=np.nan))
    if not usable.all():
        count = int((~usable).sum())
        findings.append(Finding(target, f"missing or infinite in {count:,} rows", "rows left out"))
    table = table.assign(**{target: values})[usable].reset_index(drop=True)
    if len(table) < MIN_ROWS:
        raise UserError(
            f"Only {len(table)} rows have a target; training and testing need {MIN_ROWS}.",
            "Find more data: with so little, no number in the report could be trusted.",
        )
    if table[target].nunique() == 1:
        raise UserError(f"The target {target} is the same in every row: nothing can be learned.")
    repeated = int(_comparable(table).duplicated().sum())
    if repeated:
        findings.append(
            Finding("(rows)", f"{repeated:,} repeat another row", "kept on one side of the split")
        )
    return table, findings


def _suspects(table: pd.DataFrame, y: NDArray[np.float64]) -> Iterator[tuple[str, str]]:
    """Yield columns that repeat another one, or that give the target away."""
    seen: dict[bytes, str] = {}
    for name, column in _comparable(table).items():
        content = pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes()
        if content in seen:
            yield name, f"the same as {seen[content]}"
        elif _is_number(column) and _gives_away(column.to_numpy(np.float64, na_value=np.nan), y):
            yield name, "almost exactly the target: it would not be known for a new row"
        seen.setdefault(content, name)


def _gives_away(values: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    usable = np.isfinite(values)
    if usable.sum() < MIN_ROWS or np.ptp(values[usable]) == 0 or np.ptp(y[usable]) == 0:
        return False
    # By ranks, so that the logarithm of the target gives it away too.
    ranks = [pd.Series(part[usable]).rank() for part in (values, y)]
    return abs(float(ranks[0].corr(ranks[1]))) > LEAK


def _infer(column: pd.Series, findings: list[Finding], keep: Collection[str]) -> Feature | None:
    """Return the feature that a column is, or None with a finding when it is left out."""
    name = str(column.name)
    present = column.dropna()

    def leave_out(problem: str, action: str = LEFT_OUT) -> None:
        findings.append(Finding(name, problem, action))

    if present.empty:
        leave_out("empty", "left out")
        return None
    distinct = (present if _is_number(present) else present.astype(str)).nunique()
    if distinct == 1 and len(present) == len(column):
        leave_out(f"constant: {str(present.iloc[0])[:30]}", "left out")
        return None
    required = len(present) == len(column)
    if not required and len(present) < len(column) / 2:
        share = 1 - len(present) / len(column)
        findings.append(Finding(name, f"missing in {share:.0%} of the rows", "kept"))
    if _is_number(present):
        if name not in keep and _counts_rows(present):
            leave_out("a running number: it identifies a row")
            return None
        numbers = present.astype(np.float64)
        return Feature(
            name=name,
            kind="number",
            required=required,
            typical=float(numbers.median()),
            minimum=float(numbers.min()),
            maximum=float(numbers.max()),
        )
    dates = _as_dates(present)
    if dates is not None:
        middle = dates.sort_values().iloc[len(dates) // 2]
        return Feature(name=name, kind="date", required=required, typical=middle.date().isoformat())
    levels = present.astype(str).value_counts()
    if name not in keep and len(levels) > max(MAX_LEVELS, len(present) / 2):
        leave_out(f"{len(levels):,} different texts: an identifier or free text")
        return None
    if len(levels) > MAX_LEVELS:
        findings.append(
            Finding(name, f"{len(levels):,} levels", f"the {MAX_LEVELS} commonest are kept")
        )
    kept = sorted(levels.index[:MAX_LEVELS])
    return Feature(
        name=name,
        kind="category",
        required=required,
        categories=kept,
        typical=str(levels.index[0]),
    )


def _counts_rows(column: pd.Series) -> bool:
    """Tell whether whole numbers run through, each once and nearly without gaps."""
    if not pd.api.types.is_integer_dtype(column) or not column.is_unique:
        return False
    return int(column.max()) - int(column.min()) < 1.2 * len(column)


def _as_dates(column: pd.Series) -> pd.Series | None:
    """Return a column as dates, or None when it holds anything else."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None)
    text = column.astype(str)
    if not text.str.match(r"^\d{4}-\d{2}-\d{2}").all():
        return None
    dates = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
    return None if dates.isna().any() else dates


def _typed(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the features of a schema, each as its kind, validated.

    Raises
    ------
    UserError
        When a column is missing or holds something else.
    """
    columns: dict[str, pd.Series] = {}
    problems = []
    for feature in schema.features:
        if feature.name not in table:
            continue  # `validate` says so.
        column = table[feature.name]
        match feature.kind:
            case "number":
                typed = pd.to_numeric(column, errors="coerce").astype(np.float64)
                typed = typed.where(np.isfinite(typed))
            case "date":
                typed = pd.to_datetime(
                    column.astype(str), errors="coerce", format="ISO8601", utc=True
                )
                typed = typed.dt.tz_localize(None).astype("datetime64[us]")
            case "category":
                typed = column.astype(str).astype(object).where(column.notna(), None)
        wrong = np.flatnonzero(column.notna() & typed.isna())
        if len(wrong):
            shown = str(column.iloc[wrong[0]])[:50]
            problems.append(
                f"  {feature.name}: {shown!r} in row {wrong[0] + 1} is no {feature.kind}"
            )
        columns[feature.name] = typed
    if problems:
        raise UserError(
            "The table does not fit the schema:\n" + "\n".join(problems[:20]),
            "Correct these columns, or train again on the new table.",
        )
    frame = pd.DataFrame(columns, index=table.index)
    validate(frame, schema)
    return frame


def _broken_rule(cases: pd.DataFrame) -> str:
    """Say what pandera found in one column."""
    first = cases.iloc[0]
    if first["check"] == "column_in_dataframe":
        return f"  {first['failure_case']}: the column is missing"
    if first["check"] == "not_nullable":
        return f"  {first['column']}: missing in {len(cases):,} rows, and never in training"
    return f"  {first['column']}: {first['check']} does not hold for {first['failure_case']!r}"


def _listed(names: Any) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
