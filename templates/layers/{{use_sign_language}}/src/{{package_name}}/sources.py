"""Collects pictures and their signs: drawn hands, a folder, a CSV file, a Hugging Face data set."""

import csv
import math
import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.pool import ThreadPool
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UserError
from .findings import Finding
from .params import DataParams
from .pictures import PictureError, read_picture, square

DRAWN_LICENCE = "the project's own"
OWN_LICENCE = "the data's own; see its source"
KINDS_OF_SOURCE = (
    "A source is synthetic:digits, synthetic:letters, synthetic:all, a folder with one folder of "
    "pictures for each sign, a .csv file as Sign Language MNIST has it, or hub:OWNER/NAME."
)
PICTURE_SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .webp .heic .heif .avif .gif .bmp .tif .tiff .svg".split()
)
# Folders of a data set that somebody has split already; they name no signer.
PARTS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev"}
SIGNER_COLUMNS = ("signer", "subject", "person", "user")
LABEL_COLUMNS = ("label", "labels", "sign")
MAX_FILE_BYTES = 100_000_000
MAX_ARRAY_BYTES = 8_000_000_000
MAX_HEADER = 1_000_000
SHOWN = 3
# Sign Language MNIST numbers the letters from A: 9 would be J, which is a motion.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXY"
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


def collect(params: DataParams, seed: int, advance: Advance | None = None) -> Collected:
    """Read a source.

    Parameters
    ----------
    params : DataParams
        Of params.toml.
    seed : int
        Of the drawn hands, and of the choice where a source has more than `per_class` of a sign.
    advance : Callable, optional
        Called after each picture.

    Returns
    -------
    Collected
        In an order that depends on the source alone.

    Raises
    ------
    UserError
        When there is no such source, or nothing in it can be read.
    """
    kind, colon, rest = params.source.partition(":")
    if kind == "synthetic" and colon:
        return _draw(rest, params, seed, advance)
    if kind == "hub" and colon:
        return _read_hub(rest, params, seed, advance)
    path = Path(params.source)
    if path.is_dir():
        return _read_folder(path, params, seed, advance)
    if path.suffix.lower() == ".csv" and path.is_file():
        return _read_csv(path, params, seed, advance)
    if path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar") and path.is_file():
        raise UserError(f"{path} is an archive.", "Unpack it, and name the folder that comes out.")
    what = "is a file of another kind" if path.exists() else "does not exist"
    raise UserError(f"{path} {what}.", KINDS_OF_SOURCE)


def _draw(kind: str, params: DataParams, seed: int, advance: Advance | None) -> Collected:
    from .hands import SIGNS_DIGITS, SIGNS_LETTERS, draw

    kinds = {
        "digits": SIGNS_DIGITS,
        "letters": SIGNS_LETTERS,
        "all": (*SIGNS_DIGITS, *SIGNS_LETTERS),
    }
    if kind not in kinds:
        raise UserError(f"There are no drawn hands synthetic:{kind}.", KINDS_OF_SOURCE)
    if params.per_class == 0:
        raise UserError(
            "data.per_class is 0: so many hands of each sign would be drawn.",
            "Say how many: --set data.per_class=400.",
        )
    # Round after round of all signs, so that fewer pictures are the beginning of more.
    signs = list(kinds[kind]) * params.per_class
    _check_memory(len(signs), params)
    return Collected(
        pictures=draw(signs, params.size, params.channels, seed, advance),
        signs=signs,
        names=[f"drawn {number}" for number in range(1, len(signs) + 1)],
        signers=None,
        findings=[],
        licence=DRAWN_LICENCE,
        synthetic=True,
    )


def _read_folder(folder: Path, params: DataParams, seed: int, advance: Advance | None) -> Collected:
    findings: list[Finding] = []
    paths = sorted(_pictures_below(folder, findings))
    if not paths:
        raise UserError(
            f"No folder in {folder} holds pictures.",
            "It must have a folder for each sign, named as the sign, with its pictures in it.",
        )
    parts = [path.relative_to(folder).parts for path in paths]
    signs = [unicodedata.normalize("NFC", part[-2]) for part in parts]
    # Names that are no UTF-8 could be neither shown nor written.
    names = ["/".join(part).encode("utf-8", "replace").decode("utf-8") for part in parts]
    above = _signer_folders(parts, findings) if params.signer == "auto" else None

    chosen = _at_most(params.per_class, signs, seed)
    pictures, read = _decode(
        lambda number: _bytes_of(paths[chosen[number]]),
        [names[index] for index in chosen],
        params,
        findings,
        advance,
    )
    kept = [chosen[number] for number in read]
    names = [names[index] for index in kept]
    return Collected(
        pictures=pictures,
        signs=[signs[index] for index in kept],
        names=names,
        signers=_signers(params.signer, names, above and [above[index] for index in kept]),
        findings=findings,
        licence=OWN_LICENCE,
    )


def _pictures_below(folder: Path, findings: list[Finding]) -> Iterator[Path]:
    """Yield the files in folders of a folder that are pictures by their names."""
    skipped: dict[str, list[str]] = defaultdict(list)

    def is_unreadable(error: OSError) -> None:
        skipped[f"the folder cannot be opened: {error.strerror}"].append(str(error.filename))

    # Links to folders are not followed: one that leads to a folder above it has no end.
    for root, folders, files in os.walk(folder, onerror=is_unreadable):
        for name in [name for name in folders if _is_hidden(name)]:
            folders.remove(name)
        for name in folders:
            if Path(root, name).is_symlink():
                skipped["a link to a folder is not followed"].append(str(Path(root, name)))
        for name in files:
            path = Path(root, name)
            if _is_hidden(name):
                continue
            if path.suffix.lower() not in PICTURE_SUFFIXES:
                skipped["no picture by its name"].append(str(path))
            elif path.parent == folder:
                skipped["lies in no folder of a sign"].append(str(path))
            else:
                yield path
    for problem, where in sorted(skipped.items()):
        inside = sorted(os.path.relpath(path, folder) for path in where)
        findings.append(Finding(_listed(inside), problem, LEFT_OUT))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _signer_folders(parts: Sequence[tuple[str, ...]], findings: list[Finding]) -> list[str] | None:
    """Return the folder above that of the sign for each picture, if it names a signer."""
    depths = {len(part) for part in parts}
    if depths == {2}:
        return None
    if 2 in depths:
        flat = next(part for part in parts if len(part) == 2)
        deep = next(part for part in parts if len(part) > 2)
        raise UserError(
            f"Some pictures lie in SIGN/ and some deeper: {'/'.join(flat)} and {'/'.join(deep)}.",
            "Put all into SIGN/, or all into SIGNER/SIGN/.",
        )
    above = [unicodedata.normalize("NFC", part[-3]) for part in parts]
    if {name.lower() for name in above} <= PARTS:
        findings.append(
            Finding(
                _listed(sorted(set(above))),
                "parts of a data set, not signers",
                "put together, and split anew",
            )
        )
        return None
    return above if len(set(above)) > 1 else None


def _bytes_of(path: Path) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise PictureError("It is no file.")
        if facts.st_size > MAX_FILE_BYTES:
            raise PictureError(f"It has more than {MAX_FILE_BYTES:,} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"It cannot be opened: {error.strerror}.") from error


def _decode(
    content: Callable[[int], bytes],
    names: Sequence[str],
    params: DataParams,
    findings: list[Finding],
    advance: Advance | None,
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return the pictures that can be read, and which of the names they are.

    Decoding and scaling leave the interpreter, so threads do it on all cores.
    """
    _check_memory(len(names), params)
    shape = (len(names), params.channels, params.size, params.size)
    pictures = np.empty(shape, dtype=np.uint8)

    def read(number: int) -> str | None:
        try:
            found = read_picture(content(number))
        except PictureError as error:
            return str(error)
        pictures[number] = square(found, params.size, params.channels)
        return None

    problems: list[str | None] = []
    with ThreadPool() as pool:
        for problem in pool.imap(read, range(len(names)), chunksize=4):
            problems.append(problem)
            if advance:
                advance()
    unread: dict[str, list[str]] = defaultdict(list)
    for name, problem in zip(names, problems, strict=True):
        if problem:
            unread[problem].append(name)
    for problem, where in sorted(unread.items()):
        findings.append(Finding(_listed(where), _as_clause(problem), LEFT_OUT))
    good = np.flatnonzero([problem is None for problem in problems])
    if len(good) == 0:
        problem, where = max(unread.items(), key=lambda item: len(item[1]))
        raise UserError(
            f"None of the {len(names):,} pictures can be read. {_listed(where)}: "
            f"{_as_clause(problem)}.",
            "Save them as PNG, JPEG or WebP.",
        )
    return pictures if len(good) == len(names) else pictures[good], good


def _as_clause(sentence: str) -> str:
    """Return a sentence as the table of findings has it."""
    return sentence.removeprefix("It ").removesuffix(".")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name.encode("utf-8", "replace").decode("utf-8") for name in names[:SHOWN])
    more = len(names) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _check_memory(count: int, params: DataParams) -> None:
    size = count * params.channels * params.size**2
    if size > MAX_ARRAY_BYTES:
        raise UserError(
            f"{count:,} pictures of {params.size} × {params.size} pixels take "  # noqa: RUF001
            f"{size / 1e9:,.0f} GB of memory; {MAX_ARRAY_BYTES / 1e9:,.0f} GB are the most.",
            "Lower data.per_class or data.size in params.toml.",
        )


def _at_most(count: int, signs: Sequence[str], seed: int) -> list[int]:
    """Choose at most `count` pictures of each sign at random; 0 takes all."""
    if count == 0:
        return list(range(len(signs)))
    by_sign: dict[str, list[int]] = defaultdict(list)
    for index, sign in enumerate(signs):
        by_sign[sign].append(index)
    random = np.random.default_rng(seed)
    chosen = [random.permutation(by_sign[sign])[:count] for sign in sorted(by_sign)]
    return sorted(int(index) for part in chosen for index in part)


def _signers(how: str, names: Sequence[str], found: Sequence[str] | None) -> list[str] | None:
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
            f"{_listed(unknown)}.",
            hint,
        )
    return [str(signer) for signer in signers]


@dataclass(frozen=True)
class _Header:
    """Which columns of a CSV file hold what, and how large its pictures are."""

    label: int
    signer: int | None
    pixels: list[int]
    side: int
    width: int


def _read_csv(path: Path, params: DataParams, seed: int, advance: Advance | None) -> Collected:
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
                    pixels = _pixels(pixels_of(row))
                except ValueError as error:
                    problems[str(error)].append(name)
                    continue
                rows.append(pixels)
                signs.append(sign)
                names.append(name)
                if header.signer is not None:
                    signers.append(row[header.signer].strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read as CSV: {error}.", "Save it as CSV in UTF-8."
        ) from error
    for problem, where in problems.items():
        findings.append(Finding(_listed(where), problem, LEFT_OUT))
    if not rows:
        said = "; ".join(f"{_listed(where)} {problem}" for problem, where in problems.items())
        raise UserError(f"{path} has no row that can be used{': ' if said else ''}{said}.")
    if max(map(max, rows)) <= 1:
        raise UserError(
            f"The pixels in {path} go from 0 to 1.", "Multiply them by 255, and round them."
        )
    signs = _as_letters(signs, findings)

    chosen = _at_most(params.per_class, signs, seed)
    _check_memory(len(chosen), params)
    pictures = np.empty((len(chosen), params.channels, params.size, params.size), np.uint8)
    for place, index in enumerate(chosen):
        grey = np.frombuffer(rows[index], dtype=np.uint8).reshape(header.side, header.side, 1)
        pictures[place] = square(np.repeat(grey, 3, axis=2), params.size, params.channels)
        if advance:
            advance()
    names = [names[index] for index in chosen]
    known = [signers[index] for index in chosen] if signers else None
    return Collected(
        pictures=pictures,
        signs=[signs[index] for index in chosen],
        names=names,
        signers=_signers(params.signer, names, known),
        findings=findings,
        licence=OWN_LICENCE,
    )


def _header(path: Path, names: list[str], findings: list[Finding]) -> _Header:
    names = [name.strip().lower() for name in names]
    hint = "Its first line must name the columns: label, pixel1, pixel2, … up to pixel784, say."
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    if label is None:
        raise UserError(f"{path} has no column `label`, but {_listed(names) or 'none'}.", hint)
    numbers = {
        int(name.removeprefix("pixel")): place
        for place, name in enumerate(names)
        if re.fullmatch(r"pixel[0-9]{1,9}", name)
    }
    side = math.isqrt(len(numbers))
    first = min(numbers, default=0)
    if side < 8 or side**2 != len(numbers) or max(numbers) - first + 1 != side**2:
        raise UserError(f"The pixels in {path} are no square: {len(numbers):,} columns.", hint)
    signer = next((names.index(name) for name in SIGNER_COLUMNS if name in names), None)
    pixels = [numbers[number] for number in sorted(numbers)]
    unused = [
        name for place, name in enumerate(names) if place not in {label, signer, *numbers.values()}
    ]
    if unused:
        findings.append(Finding(_listed(unused), "columns of no known meaning", LEFT_OUT))
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


def _read_hub(name: str, params: DataParams, seed: int, advance: Advance | None) -> Collected:
    try:
        datasets = import_module("datasets")
    except ImportError as error:
        raise UserError(
            "To read from Hugging Face, the library datasets is needed.",
            "Install it: uv add --group train datasets.",
        ) from error
    try:
        found = datasets.load_dataset(name)
    # It raises errors of four libraries: its own, the hub's, the network's, the file format's.
    except Exception as error:
        raise UserError(
            f"The data set {name} could not be fetched: {str(error).splitlines()[0]}",
            "Check its name and the network; HF_TOKEN opens one that is not public.",
        ) from error
    table = datasets.concatenate_datasets(list(found.values()))
    image, label, signer = _hub_columns(name, table.features, datasets)
    labels = table[label]
    to_text = getattr(table.features[label], "names", None)
    labelled = [place for place, value in enumerate(labels) if value not in (None, -1, "")]
    findings = []
    if len(labelled) < len(labels):
        where = f"{len(labels) - len(labelled):,} pictures"
        findings.append(Finding(where, "have no label", LEFT_OUT))
    signs = [to_text[labels[place]] if to_text else str(labels[place]) for place in labelled]

    chosen = _at_most(params.per_class, signs, seed)
    encoded = table.cast_column(image, datasets.Image(decode=False)).select(
        [labelled[index] for index in chosen]
    )
    pictures, read = _decode(
        lambda number: encoded[number][image]["bytes"] or _bytes_of(encoded[number][image]["path"]),
        [f"picture {labelled[index] + 1}" for index in chosen],
        params,
        findings,
        advance,
    )
    kept = [chosen[number] for number in read]
    names = [f"picture {labelled[index] + 1}" for index in kept]
    people = [str(value) for value in encoded[signer]] if signer else None
    return Collected(
        pictures=pictures,
        signs=[signs[index] for index in kept],
        names=names,
        signers=_signers(params.signer, names, people and [people[number] for number in read]),
        findings=findings,
        licence=OWN_LICENCE,
    )


def _hub_columns(name: str, features: Any, datasets: Any) -> tuple[str, str, str | None]:
    """Return the columns of the picture, the label and, if there is one, the signer."""
    image = [column for column, kind in features.items() if isinstance(kind, datasets.Image)]
    label = [column for column, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    label += [column for column in LABEL_COLUMNS if column in features]
    if not image or not label:
        raise UserError(
            f"The data set {name} has no column of pictures with a column of labels; it has "
            f"{', '.join(features)}.",
            "Choose a data set for image classification.",
        )
    return image[0], label[0], next((c for c in SIGNER_COLUMNS if c in features), None)
