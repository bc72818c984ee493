"""A lock between processes that the system takes back when its holder dies, even by SIGKILL."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


# Windows says "permission denied" where POSIX says "try again".
_HELD = (BlockingIOError, PermissionError)
_PAUSE_SECONDS = 0.05


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock until the block ends, after waiting for whoever holds it.

    It is the open file that is locked, so one process must not ask for it twice. The file stays:
    who removes it could lock another file of the same name.

    Parameters
    ----------
    path : Path
        An empty file, made where it is missing; its folder must exist.

    Raises
    ------
    OSError
        When the file cannot be made, or the file system knows no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                _try(descriptor)
                break
            except _HELD:
                time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Return whether nobody holds the lock; False also when that cannot be known."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _try(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
