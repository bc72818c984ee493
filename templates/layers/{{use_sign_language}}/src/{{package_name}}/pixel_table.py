"""Reads a CSV file with one picture in each row, as Sign Language MNIST has them."""

import csv
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np

from .collected import (
    LABEL_COLUMNS,
    LEFT_OUT,
    OWN_LICENCE,
    SIGNER_COLUMNS,
    Advance,
    Collected,
    at_most,
    check_memory,
    listed,
    name_signers,
)
from .errors import UserError
from .findings import Finding
from .params import DataParams
from .pictures import MIN_SIDE, square

MAX_HEADER = 1_000_000
# Sign Language MNIST numbers the letters from A: 9 would be J, which is a motion.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXY"


@dataclass(frozen=True)
class _Header:
    """Which columns of a CSV file hold what, and how large its pictures are."""

    label: int
    signer: int | None
    pixels: list[int]
    side: int
    width: int


def read_csv(path: Path, params: DataParams, seed: int, advance: Advance | None) -> Collected:
    """Read a table of a label, pixel1, pixel2, … and perhaps a signer, row by row.

    Parameters
    ----------
    path : Path
        CSV in UTF-8, with commas, semicolons or tabs; the pixels are grey, from 0 to 255.
    params : DataParams
        Of params.toml.
    seed : int
        Of the choice where there are more than `per_class` of a sign.
    advance : Callable, optional
        Called after each picture.

    Returns
    -------
    Collected
        Rows that cannot be used are left out and told in its findings.

    Raises
    ------
    UserError
        When it is no such table, or no row can be used.
    """
    findings: list[Finding] = []
    rows: list[bytes] = []
    signs: list[str] = []
    names: list[str] = []
    signers: list[str] = []
    problems: dict[str, list[str]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(MAX_HEADER)
            delimiter = max(",;\t", key=first.count)
            header = _header(path, next(csv.reader([first], delimiter=delimiter), []), findings)
            pixels_of = itemgetter(*header.pixels)
            for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=1):
                if not row:
                    continue
                name = f"row {number}"
                try:
                    if len(row) != header.width:
                        raise ValueError(f"does not have {header.width:,} columns")
                    sign = _whole(row[header.label].strip())
                    if not sign:
                        raise ValueError("has no label")
                    signer = "" if header.signer is None else row[header.signer].strip()
                    if header.signer is not None and not signer:
                        raise ValueError("has no signer")
                    pixels = _pixels(pixels_of(row))
                except ValueError as error:
                    problems[str(error)].append(name)
                    continue
                rows.append(pixels)
                signs.append(sign)
                names.append(name)
                signers.append(signer)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read as CSV: {error}.", "Save it as CSV in UTF-8."
        ) from error
    for problem, where in problems.items():
        findings.append(Finding(listed(where), problem, LEFT_OUT))
    if not rows:
        said = "; ".join(f"{listed(where)} {problem}" for problem, where in problems.items())
        raise UserError(f"{path} has no row that can be used{': ' if said else ''}{said}.")
    if max(map(max, rows)) <= 1:
        raise UserError(
            f"The pixels in {path} go from 0 to 1.", "Multiply them by 255, and round them."
        )
    signs = _as_letters(signs, findings)

    chosen = at_most(params.per_class, signs, seed)
    check_memory(len(chosen), params)
    pictures = np.empty((len(chosen), params.channels, params.size, params.size), np.uint8)
    for place, index in enumerate(chosen):
        grey = np.frombuffer(rows[index], dtype=np.uint8).reshape(header.side, header.side, 1)
        pictures[place] = square(np.repeat(grey, 3, axis=2), params.size, params.channels)
        if advance:
            advance()
    names = [names[index] for index in chosen]
    known = None if header.signer is None else [signers[index] for index in chosen]
    return Collected(
        pictures=pictures,
        signs=[signs[index] for index in chosen],
        names=names,
        signers=name_signers(params.signer, names, known),
        findings=findings,
        licence=OWN_LICENCE,
    )


def _header(path: Path, names: list[str], findings: list[Finding]) -> _Header:
    names = [name.strip().lower() for name in names]
    hint = "Its first line must name the columns: label, pixel1, pixel2, … up to pixel784, say."
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    if label is None:
        raise UserError(f"{path} has no column `label`, but {listed(names) or 'none'}.", hint)
    numbers = {
        int(name.removeprefix("pixel")): place
        for place, name in enumerate(names)
        if re.fullmatch(r"pixel[0-9]{1,9}", name)
    }
    side = math.isqrt(len(numbers))
    first = min(numbers, default=0)
    if side < MIN_SIDE or side**2 != len(numbers) or max(numbers) - first + 1 != side**2:
        raise UserError(f"The pixels in {path} are no square: {len(numbers):,} columns.", hint)
    signer = next((names.index(name) for name in SIGNER_COLUMNS if name in names), None)
    pixels = [numbers[number] for number in sorted(numbers)]
    unused = [
        name for place, name in enumerate(names) if place not in {label, signer, *numbers.values()}
    ]
    if unused:
        findings.append(Finding(listed(unused), "columns of no known meaning", LEFT_OUT))
    return _Header(label=label, signer=signer, pixels=pixels, side=side, width=len(names))


def _pixels(cells: Sequence[str]) -> bytes:
    try:
        return bytes(map(int, cells))
    except ValueError:
        pass
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        raise ValueError("has a pixel that is no number") from None
    if not (values >= 0).all() or not (values <= 255).all():
        raise ValueError("has a pixel that is not from 0 to 255")
    return values.round().astype(np.uint8).tobytes()


def _whole(label: str) -> str:
    """Return `3` for the `3.0` that some programs write."""
    return re.sub(r"^(\d+)\.0+$", r"\1", label)


def _as_letters(signs: list[str], findings: list[Finding]) -> list[str]:
    """Return the letters that Sign Language MNIST numbers; other labels stay as they are."""
    distinct = set(signs)
    numbers = {int(sign) for sign in distinct if re.fullmatch(r"[0-9]{1,2}", sign)}
    # From 0 to 8 alone they may as well be digits.
    if len(numbers) < len(distinct) or 9 in numbers or not 9 < max(numbers) < len(LETTERS):
        return signs
    findings.append(
        Finding("label", "numbers up to 24 without 9", "read as the letters A to Y without J")
    )
    return [LETTERS[int(sign)] for sign in signs]
