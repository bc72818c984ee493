"""Makes a validated data set of a source's pictures, and splits it."""

import hashlib
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .artifact import DataFacts
from .collected import Advance
from .errors import UserError
from .findings import Finding
from .params import DataParams
from .pictures import as_png
from .sources import collect

MIN_PER_CLASS = 5
MAX_CLASSES = 1_000
MAX_NAME = 50
# The part of a picture that is in none.
UNUSED = -1
# A part needs whole signers, so the best of so many random orders of them is taken.
ORDERS = 200


@dataclass(frozen=True)
class Dataset:
    """Pictures of signs: n of c channels and s × s pixels, k classes.

    Attributes
    ----------
    pictures : ndarray of uint8, shape (n, c, s, s)
    labels : ndarray of intp, shape (n,)
        Positions in `classes`.
    classes : tuple of str
        Numbers in their order, then the others in theirs.
    signers : ndarray of str, shape (n,), or None
        Who signs, where it is known.
    names : list of str
        The path or the number of each picture in its source.
    facts : DataFacts
        Where it came from, and the hash of its content.
    findings : list of Finding
        What was left out, and what looks wrong.
    synthetic : bool
        Whether the hands are drawn.
    """  # noqa: RUF002

    pictures: NDArray[np.uint8]
    labels: NDArray[np.intp]
    classes: tuple[str, ...]
    signers: NDArray[np.str_] | None
    names: list[str]
    facts: DataFacts
    findings: list[Finding]
    synthetic: bool


@dataclass(frozen=True)
class Split:
    """Sorted positions of the pictures to train on, to validate on and to test on.

    `sentence` says how they were chosen and what that means for the score; `by_signer`, whether
    nobody in one part signs in another.
    """

    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    test: NDArray[np.intp]
    sentence: str
    by_signer: bool


def load(params: DataParams, seed: int, advance: Advance | None = None) -> Dataset:
    """Read and validate pictures of signs.

    Parameters
    ----------
    params : DataParams
        Of params.toml.
    seed : int
        Of whatever is drawn.
    advance : Callable, optional
        Called after each picture.

    Returns
    -------
    Dataset
        What cannot be read is left out and told in its findings.

    Raises
    ------
    UserError
        When the source cannot be read, or is too small to learn from and to judge by.
    """
    collected = collect(params, seed, advance)
    classes = tuple(sorted(set(collected.signs), key=_in_order))
    _check_classes(params.source, classes, Counter(collected.signs))
    number_of = {name: number for number, name in enumerate(classes)}
    labels = np.array([number_of[sign] for sign in collected.signs], dtype=np.intp)
    return Dataset(
        pictures=collected.pictures,
        labels=labels,
        classes=classes,
        signers=None if collected.signers is None else np.array(collected.signers, dtype=np.str_),
        names=collected.names,
        findings=[
            *collected.findings,
            *_alike(classes),
            *_repeated(collected.pictures, labels),
        ],
        synthetic=collected.synthetic,
        facts=DataFacts(
            source=params.source,
            rows=len(labels),
            columns=collected.pictures[0].size,
            target="sign",
            sha256=_hash(collected.pictures, labels, classes),
            split="not split",
            licence=collected.licence,
        ),
    )


def split(dataset: Dataset, params: DataParams, seed: int) -> Split:
    """Split the pictures; a seed gives one split.

    Where at least three signers are known, each part has signers of its own, because a network
    recognises hands and rooms, and so a score on people that it has seen says too much. Otherwise
    each part has its share of every class. Equal pictures never stand in two parts.

    Parameters
    ----------
    dataset : Dataset
        From `load`.
    params : DataParams
        Its `validation_fraction`, `test_fraction` and `train_per_class`.
    seed : int
        Of the shuffle.

    Returns
    -------
    Split

    Raises
    ------
    UserError
        When too few of the pictures differ for three parts.
    """
    random = np.random.default_rng(seed)
    groups = _groups(dataset.pictures)
    optimistic = "so the score is optimistic for people who are not in the data"
    if dataset.synthetic:
        reason = "the hands are drawn, so the score says nothing about photos of people"
    elif dataset.signers is None:
        reason = f"who signs is not known, {optimistic}"
    else:
        people = _joined(dataset.signers, groups)
        parts = _parts_by_signer(people, dataset.labels, params, random)
        if parts is not None:
            signers = len(np.unique(dataset.signers))
            held_out = len(np.unique(dataset.signers[parts == 2]))
            return _as_split(
                _fewer(parts, dataset.labels, params.train_per_class, random),
                f"By signer: of {signers:,} signers, the {held_out:,} of the test pictures were "
                "never seen in training or validation.",
                by_signer=True,
            )
        reason = f"no signer can be held out, as too few sign everything, {optimistic}"
    parts = _parts_by_class(dataset.labels, groups, params, random)
    parts = _fewer(parts, dataset.labels, params.train_per_class, random)
    return _as_split(parts, f"At random, each sign by its share: {reason}.", by_signer=False)


def save(dataset: Dataset, folder: Path) -> None:
    """Write the pictures as PNG files, one folder a sign, whole or not at all.

    Raises
    ------
    UserError
        When the folder exists, a sign is no name of a folder, or it cannot be written.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already.", "Name a folder that does not.")
    odd = [name for name in dataset.classes if Path(name).name != name or "\\" in name]
    if odd:
        raise UserError(
            f"The sign {odd[0]!r} cannot be the name of a folder.", "Give it another name."
        )
    draft = folder.with_name(f".{folder.name}.draft")
    digits = len(str(len(dataset.labels)))
    try:
        shutil.rmtree(draft, ignore_errors=True)
        for name in dataset.classes:
            (draft / name).mkdir(parents=True)
        for number, label in enumerate(dataset.labels):
            file = draft / dataset.classes[label] / f"{number:0{digits}}.png"
            file.write_bytes(as_png(dataset.pictures[number]))
        draft.rename(folder)
    except OSError as error:
        raise UserError(
            f"{folder} could not be written: {error.strerror}.",
            "Make room or mend the permissions there, then run the command again.",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _in_order(name: str) -> tuple[bool, int, str]:
    return (False, int(name), name) if name.isdecimal() else (True, 0, name)


def _check_classes(source: str, classes: tuple[str, ...], counts: Counter[str]) -> None:
    for name in classes:
        if len(name) > MAX_NAME or not name.isprintable() or not name.strip():
            raise UserError(
                f"A sign in {source} has a name that cannot be shown: {name[:MAX_NAME]!r}.",
                f"Give it a name of at most {MAX_NAME} letters.",
            )
    if len(classes) < 2:
        raise UserError(
            f"{source} has only the sign {classes[0]}: there is nothing to tell apart.",
            "A folder must have one folder for each sign, named as the sign.",
        )
    if len(classes) > MAX_CLASSES:
        raise UserError(
            f"{source} has {len(classes):,} signs; {MAX_CLASSES:,} are the most.",
            "Are its folders or its labels signs?",
        )
    few = [f"{name} ({counts[name]})" for name in classes if counts[name] < MIN_PER_CLASS]
    if few:
        shown = ", ".join(few[:10]) + (f" and {len(few) - 10} more" if len(few) > 10 else "")
        raise UserError(
            f"Too few pictures of some signs in {source}: {shown}; {MIN_PER_CLASS} are the least.",
            "Add pictures of them, or take these signs out.",
        )


def _hash(pictures: NDArray[np.uint8], labels: NDArray[np.intp], classes: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join([*classes, str(pictures.shape)]).encode())
    digest.update(labels.astype("<i8").tobytes())
    digest.update(np.ascontiguousarray(pictures).data)
    return digest.hexdigest()


def _groups(pictures: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return a number for each picture, the same for equal ones, shape (n,)."""
    seen: dict[bytes, int] = {}
    return np.array(
        [
            seen.setdefault(hashlib.blake2b(picture.tobytes()).digest(), len(seen))
            for picture in pictures
        ],
        dtype=np.intp,
    )


def _alike(classes: tuple[str, ...]) -> list[Finding]:
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        spellings[name.casefold()].append(name)
    return [
        Finding(", ".join(names), "signs that differ only in upper and lower case", "kept apart")
        for names in spellings.values()
        if len(names) > 1
    ]


def _repeated(pictures: NDArray[np.uint8], labels: NDArray[np.intp]) -> list[Finding]:
    groups = _groups(pictures)
    distinct = len(np.unique(groups))
    findings = []
    if distinct < len(groups):
        findings.append(
            Finding(
                _pictures(len(groups) - distinct),
                "equal to another one",
                "kept in one part of the split",
            )
        )
    contradicting = len(np.unique(np.stack([groups, labels]), axis=1).T) - distinct
    if contradicting:
        findings.append(Finding(_pictures(contradicting), "equal to one of another sign", "kept"))
    return findings


def _pictures(count: int) -> str:
    return f"{count:,} picture" if count == 1 else f"{count:,} pictures"


def _parts_by_signer(
    people: NDArray[np.intp],
    labels: NDArray[np.intp],
    params: DataParams,
    random: np.random.Generator,
) -> NDArray[np.intp] | None:
    """Return each picture's part, or None where people cannot be held out.

    Parts are 0 to train, 1 to validate, 2 to test. Each has people of its own, and as many classes
    and pictures as the best of many orders of the people gives it; in training none may lack.
    """
    count = int(people.max()) + 1
    if count < 3:
        return None
    # Pictures of each class by each person, shape (people, classes).
    table = np.zeros((count, int(labels.max()) + 1), dtype=np.intp)
    np.add.at(table, (people, labels), 1)
    total = len(people)
    best: tuple[tuple[int, float], NDArray[np.intp]] | None = None
    for _ in range(ORDERS):
        order = random.permutation(count)
        filled = np.cumsum(table[order].sum(axis=1)) / total
        first = _cut(filled, params.test_fraction, 1, count - 2)
        second = _cut(
            filled, params.test_fraction + params.validation_fraction, first + 1, count - 1
        )
        sets = order[second:], order[first:second], order[:first]
        lacking = [int((table[part].sum(axis=0) == 0).sum()) for part in sets]
        if lacking[0]:
            continue
        off = abs(filled[first - 1] - params.test_fraction) + abs(
            filled[second - 1] - filled[first - 1] - params.validation_fraction
        )
        badness = (lacking[1] + lacking[2], float(off))
        if best is None or badness < best[0]:
            part_of = np.empty(count, dtype=np.intp)
            for part, members in enumerate(sets):
                part_of[members] = part
            best = badness, part_of
    return None if best is None else best[1][people]


def _cut(filled: NDArray[np.float64], share: float, least: int, most: int) -> int:
    """Return how many of the people come nearest to a share of the pictures."""
    nearest = int(np.abs(filled - share).argmin()) + 1
    return min(max(nearest, least), most)


def _joined(signers: NDArray[np.str_], groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return a number for each picture's signer, the same for signers who share a picture."""
    people = np.unique(signers, return_inverse=True)[1]
    owner: dict[int, int] = {}
    for place, group in enumerate(groups):
        other = owner.setdefault(int(group), place)
        if people[other] != people[place]:
            people[people == people[place]] = people[other]
    return np.unique(people, return_inverse=True)[1].astype(np.intp)


def _parts_by_class(
    labels: NDArray[np.intp],
    groups: NDArray[np.intp],
    params: DataParams,
    random: np.random.Generator,
) -> NDArray[np.intp]:
    """Return each picture's part: 0 to train, 1 to validate, 2 to test."""
    _, first = np.unique(groups, return_index=True)
    by_class: dict[int, list[int]] = defaultdict(list)
    for place in first:
        by_class[int(labels[place])].append(int(groups[place]))
    part_of = np.zeros(len(first), dtype=np.intp)
    for label in sorted(by_class):
        members = random.permutation(by_class[label])
        if len(members) < 3:
            continue
        test = min(max(1, round(params.test_fraction * len(members))), len(members) - 2)
        validation = min(
            max(1, round(params.validation_fraction * len(members))), len(members) - 1 - test
        )
        part_of[members[:test]] = 2
        part_of[members[test : test + validation]] = 1
    if set(part_of) != {0, 1, 2}:
        raise UserError(
            "Nearly all pictures of each sign are equal: they cannot be split.",
            "Take pictures that differ.",
        )
    return part_of[groups]


def _fewer(
    parts: NDArray[np.intp], labels: NDArray[np.intp], most: int, random: np.random.Generator
) -> NDArray[np.intp]:
    """Leave at most so many pictures of each class to train on; 0 leaves all."""
    if most == 0:
        return parts
    fewer = parts.copy()
    for label in np.unique(labels):
        rows = np.flatnonzero((labels == label) & (parts == 0))
        fewer[random.permutation(rows)[most:]] = UNUSED
    return fewer


def _as_split(parts: NDArray[np.intp], sentence: str, *, by_signer: bool) -> Split:
    train, validation, test = (np.flatnonzero(parts == part) for part in range(3))
    return Split(train, validation, test, sentence, by_signer)
