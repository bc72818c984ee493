"""A lock between processes that the system takes back when its holder dies, even by SIGKILL."""

import atexit
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

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
# What a killed process left is removed at once where its lock proves that it is dead. On a disk
# that machines share a lock may prove nothing, so what another machine made must be so old.
SECONDS_UNTIL_ABANDONED = 7 * 24 * 3600


@contextmanager
def exclusive(path: Path, *, temporary: bool = False) -> Iterator[None]:
    """Hold a lock until the block ends, after waiting for whoever holds it.

    It is the open file that is locked, so one process must not ask for it twice.

    Parameters
    ----------
    path : Path
        An empty file, made where it is missing; its folder must exist.
    temporary : bool
        Whether it is removed afterwards, except by Windows, which removes no open file.

    Raises
    ------
    OSError
        When the file cannot be made, or the file system knows no locks.
    """
    descriptor = _locked(path)
    try:
        yield
    finally:
        if temporary:
            with suppress(OSError):
                path.unlink()
        os.close(descriptor)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            while True:
                try:
                    _try(descriptor)
                    break
                except _HELD:
                    time.sleep(_PAUSE_SECONDS)
            # Who held it may have removed it: then this is another file than the next one locks.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
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


def made_here(lock: Path) -> bool:
    """Return whether this machine made a lock that holds its maker's name."""
    try:
        return lock.read_text(encoding="utf-8") == platform.node()
    except (OSError, UnicodeDecodeError):
        return False


def _is_old(lock: Path) -> bool:
    return time.time() - lock.stat().st_mtime > SECONDS_UNTIL_ABANDONED


def claim(parent: Path, abandoned: Callable[[str], None] | None = None) -> Path | None:
    """Make a folder that is this process's own until it ends, and remove those of dead ones.

    Parameters
    ----------
    parent : Path
        Where the folders are; it is made where it is missing.
    abandoned : Callable[[str], None], optional
        Called with the name of each folder whose process was killed, before it is removed.

    Returns
    -------
    Path or None
        None where the disk is full, cannot be written or knows no locks.
    """
    held, parent = ExitStack(), parent.resolve()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # So that nobody sees a new folder before its lock is held.
        with exclusive(parent / "lock"):
            for lock in parent.glob("*/lock"):
                if is_free(lock) and (made_here(lock) or _is_old(lock)):
                    if abandoned:
                        abandoned(lock.parent.name)
                    shutil.rmtree(lock.parent, ignore_errors=True)
            own = Path(mkdtemp(dir=parent))
            (own / "lock").write_text(platform.node(), encoding="utf-8")
            held.enter_context(exclusive(own / "lock"))
    except OSError:
        return None
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    atexit.register(held.close)  # Called first, because Windows removes no open file.
    return own
