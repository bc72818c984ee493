"""A folder that appears whole or not at all, whatever interrupts us."""

from __future__ import annotations

import atexit
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from capstoner.errors import CapstonerError, RefusedError


@contextmanager
def workspace(destination: Path) -> Iterator[Path]:
    """Offer a hidden folder on the file system of the destination; remove it whatever happens.

    Raises
    ------
    CapstonerError
        If nothing can be written there.
    """
    parent = next(folder for folder in destination.parents if folder.exists())
    folder = parent / f".capstoner-{secrets.token_hex(4)}"
    atexit.register(_remove, folder)  # even if a signal hits the few lines around the clean-up
    try:
        try:
            folder.mkdir()
        except OSError as error:
            raise CapstonerError(
                f"Nothing can be written in {parent}: {error.strerror}.",
                "Choose another place, or change the rights of that folder.",
            ) from error
        yield folder
    finally:
        with signals_held():
            _remove(folder)
        atexit.unregister(_remove)


def conflicts(destination: Path) -> list[str]:
    """Return the names in a destination that is there already, sorted; empty if it is free.

    Raises
    ------
    RefusedError
        If the destination is no folder.
    """
    if destination.is_symlink() and not destination.exists():
        raise RefusedError(f"{destination} is a link to nothing.", "Choose another folder.")
    if not destination.exists():
        return []
    if not destination.is_dir():
        raise RefusedError(f"{destination} is a file.", "Choose a folder, or a new name.")
    try:
        return sorted(entry.name for entry in destination.iterdir())
    except OSError as error:
        raise CapstonerError(
            f"{destination} cannot be read: {error.strerror}.", "Choose another folder."
        ) from error


def place(staged: Path, destination: Path) -> None:
    """Move the rendered project to its destination: all of it, or none.

    A new folder appears by one rename. In a folder that exists already, files of the same name
    are replaced; if one move fails, all are taken back.
    """
    with signals_held():
        try:
            if destination.exists():
                _merge(staged, destination)
            else:
                _rename(staged, destination)
        except OSError as error:
            raise CapstonerError(
                f"The project could not be moved to {destination}: {error.strerror or error}.",
                "Nothing was changed. Choose another folder, or change its rights.",
            ) from error


def _rename(staged: Path, destination: Path) -> None:
    missing = [folder for folder in destination.parents if not folder.exists()]
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(destination)
    except OSError:
        for folder in missing:
            if folder.is_dir():
                folder.rmdir()
        raise


def _merge(staged: Path, destination: Path) -> None:
    replaced = staged.parent / "replaced"
    undo: list[tuple[Path, Path]] = []  # (from, back to), in the order of doing
    made: list[Path] = []
    try:
        for file in sorted(path for path in staged.rglob("*") if not path.is_dir()):
            relative = file.relative_to(staged)
            target = destination / relative
            for folder in reversed(target.relative_to(destination).parents[:-1]):
                if not (destination / folder).is_dir():
                    (destination / folder).mkdir()
                    made.append(destination / folder)
            if target.exists() or target.is_symlink():
                if target.is_dir():
                    raise IsADirectoryError(0, f"{relative} is a folder there")
                backup = replaced / relative
                backup.parent.mkdir(parents=True, exist_ok=True)
                target.rename(backup)
                undo.append((backup, target))
            file.rename(target)
            undo.append((target, file))
    except OSError:
        for now, before in reversed(undo):
            now.rename(before)
        for folder in reversed(made):
            folder.rmdir()
        raise


@contextmanager
def signals_held() -> Iterator[None]:
    """Ignore Ctrl-C and the like during a few moves that belong together."""
    held = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in held if number}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(folder: Path, patience_seconds: float = 5.0) -> None:
    """Remove a folder, although an interrupted Git may still be writing its last files there."""
    deadline = time.monotonic() + patience_seconds
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        for path in folder.rglob("*"):  # Git's objects are read-only, which Windows minds
            with suppress(OSError):
                path.chmod(0o700)
        if folder.exists():
            time.sleep(0.05)
