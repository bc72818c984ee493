"""Collects pictures and their signs: drawn hands, a folder, a CSV file, a Hugging Face data set."""

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    printable,
)
from .errors import UserError
from .findings import Finding
from .params import DataParams
from .pictures import PictureError, read_picture, square
from .pixel_table import read_csv

DRAWN_LICENCE = "the project's own"
KINDS_OF_SOURCE = (
    "A source is synthetic:digits, synthetic:letters, synthetic:all, a folder with one folder of "
    "pictures for each sign, a .csv file as Sign Language MNIST has it, or hub:OWNER/NAME."
)
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"}
PICTURE_SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp"),
    # Not read, but photos come in them, so their findings say what to do.
    *(".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".svg"),
}
# Folders of a data set that somebody has split already; they name no signer.
PARTS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev"}
MAX_FILE_BYTES = 100_000_000
# More would decode no faster, and each holds a whole picture.
MAX_THREADS = 8


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
    if kind == "hub" and rest:
        return _read_hub(rest, params, seed, advance)
    try:
        path = Path(params.source).expanduser()
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, RuntimeError) as error:
        raise UserError(f"{params.source} cannot be opened: {error}.", KINDS_OF_SOURCE) from error
    suffix = path.suffix.lower()
    if is_folder:
        return _read_folder(path, params, seed, advance)
    if is_file and suffix == ".csv":
        return read_csv(path, params, seed, advance)
    if is_file and suffix in ARCHIVES:
        raise UserError(f"{path} is an archive.", "Unpack it, and name what comes out of it.")
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
    check_memory(len(signs), params)
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
        said = "".join(f" {finding.where}: {finding.problem}." for finding in findings)
        raise UserError(
            f"No folder in {folder} holds pictures.{said}",
            "It must have a folder for each sign, named as the sign, with its pictures in it.",
        )
    parts = [path.relative_to(folder).parts for path in paths]
    signs = [unicodedata.normalize("NFC", part[-2]) for part in parts]
    # Names that are no UTF-8 could be neither shown nor written.
    names = [printable("/".join(part)) for part in parts]
    above = _signer_folders(parts, findings) if params.signer == "auto" else None

    chosen = at_most(params.per_class, signs, seed)
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
        signers=name_signers(params.signer, names, above and [above[index] for index in kept]),
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
        findings.append(Finding(listed(inside), problem, LEFT_OUT))


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
                listed(sorted(set(above))),
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
    check_memory(len(names), params)
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
    with ThreadPool(min(os.cpu_count() or 1, MAX_THREADS)) as pool:
        for problem in pool.imap(read, range(len(names)), chunksize=4):
            problems.append(problem)
            if advance:
                advance()
    unread: dict[str, list[str]] = defaultdict(list)
    for name, problem in zip(names, problems, strict=True):
        if problem:
            unread[problem].append(name)
    for problem, where in sorted(unread.items()):
        findings.append(Finding(listed(where), _as_clause(problem), LEFT_OUT))
    good = np.flatnonzero([problem is None for problem in problems])
    if len(good) == 0:
        problem, where = max(unread.items(), key=lambda item: len(item[1]))
        raise UserError(
            f"None of the {len(names):,} pictures can be read. {listed(where)}: "
            f"{_as_clause(problem)}.",
            "Save them as PNG, JPEG or WebP.",
        )
    return pictures if len(good) == len(names) else pictures[good], good


def _as_clause(sentence: str) -> str:
    """Return a sentence as the table of findings has it."""
    return sentence.removeprefix("It ").removesuffix(".")


def _read_hub(name: str, params: DataParams, seed: int, advance: Advance | None) -> Collected:
    try:
        datasets = import_module("datasets")
    except ImportError as error:
        raise UserError(
            "To read from Hugging Face, the library datasets is needed.",
            "Install it: uv add --group train datasets.",
        ) from error
    try:
        table = datasets.concatenate_datasets(list(datasets.load_dataset(name).values()))
    # It raises errors of four libraries: its own, the hub's, the network's, the file format's.
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"The data set {name} could not be fetched: {said}",
            "Check its name and the network; HF_TOKEN opens one that is not public.",
        ) from error
    image, label, signer = _hub_columns(name, table.features, datasets)
    labels = table[label]
    to_text = getattr(table.features[label], "names", None)
    labelled = [place for place, value in enumerate(labels) if value not in (None, -1, "")]
    findings = []
    if len(labelled) < len(labels):
        where = f"{len(labels) - len(labelled):,} pictures"
        findings.append(Finding(where, "have no label", LEFT_OUT))
    signs = [to_text[labels[place]] if to_text else str(labels[place]) for place in labelled]

    chosen = at_most(params.per_class, signs, seed)
    encoded = table.cast_column(image, datasets.Image(decode=False)).select(
        [labelled[index] for index in chosen]
    )
    pictures, read = _decode(
        lambda number: _bytes_in(encoded[number][image]),
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
        signers=name_signers(params.signer, names, people and [people[number] for number in read]),
        findings=findings,
        licence=OWN_LICENCE,
    )


def _bytes_in(cell: dict[str, Any] | None) -> bytes:
    if cell is None:
        raise PictureError("It is empty.")
    content: bytes | None = cell["bytes"]
    return _bytes_of(Path(cell["path"])) if content is None else content


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
