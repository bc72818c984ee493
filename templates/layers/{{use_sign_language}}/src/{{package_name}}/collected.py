"""What every source of pictures gives, and what all of them do alike."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import UserError
from .findings import Finding
from .params import DataParams

OWN_LICENCE = "the data's own; see its source"
SIGNER_COLUMNS = ("signer", "subject", "person", "user")
LABEL_COLUMNS = ("label", "labels", "sign")
MAX_ARRAY_BYTES = 8_000_000_000
SHOWN = 3
LEFT_OUT = "left out"

Advance = Callable[[], None]


@dataclass(frozen=True)
class Collected:
    """What a source holds: for each of n pictures its sign, its name, and its signer if known.

    `pictures` is uint8 of shape (n, c, s, s).
    """

    pictures: NDArray[np.uint8]
    signs: list[str]
    names: list[str]
    signers: list[str] | None
    findings: list[Finding]
    licence: str
    synthetic: bool = False


def printable(name: str) -> str:
    """Return the name of a file; what is no UTF-8 in it could be neither shown nor written."""
    return unicodedata.normalize("NFC", name).encode("utf-8", "replace").decode("utf-8")


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(map(printable, names[:SHOWN]))
    more = len(names) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def check_memory(count: int, params: DataParams) -> None:
    """Refuse more pictures than fit; UserError says how many bytes they would take."""
    size = count * params.channels * params.size**2
    if size > MAX_ARRAY_BYTES:
        raise UserError(
            f"{count:,} pictures of {params.size} × {params.size} pixels take "  # noqa: RUF001
            f"{size / 1e9:,.0f} GB of memory; {MAX_ARRAY_BYTES / 1e9:,.0f} GB are the most.",
            "Lower data.per_class or data.size in params.toml.",
        )


def at_most(count: int, signs: Sequence[str], seed: int) -> list[int]:
    """Choose at most `count` pictures of each sign at random; 0 takes all."""
    if count == 0:
        return list(range(len(signs)))
    by_sign: dict[str, list[int]] = defaultdict(list)
    for index, sign in enumerate(signs):
        by_sign[sign].append(index)
    random = np.random.default_rng(seed)
    chosen = [random.permutation(by_sign[sign])[:count] for sign in sorted(by_sign)]
    return sorted(int(index) for part in chosen for index in part)


def name_signers(how: str, names: Sequence[str], found: Sequence[str] | None) -> list[str] | None:
    """Return each picture's signer as `data.signer` says, or None where none is known."""
    if how == "auto":
        return None if found is None else list(found)
    if how == "none":
        return None
    hint = "It is `auto`, `none`, or a regular expression whose first group names the signer."
    try:
        pattern = re.compile(how)
    except re.error as error:
        raise UserError(f"data.signer, {how!r}, is no expression: {error}.", hint) from error
    if pattern.groups == 0:
        raise UserError(f"data.signer, {how!r}, has no group in parentheses.", hint)
    signers = [match and match[1] for match in map(pattern.search, names)]
    unknown = [name for name, signer in zip(names, signers, strict=True) if not signer]
    if unknown:
        raise UserError(
            f"data.signer, {how!r}, finds no signer in {len(unknown):,} of {len(names):,} names: "
            f"{listed(unknown)}.",
            hint,
        )
    return [str(signer) for signer in signers]
