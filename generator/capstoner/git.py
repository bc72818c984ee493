"""Git, run as a child process with an environment that no outer Git command has coloured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from capstoner.errors import CapstonerError

OLDEST_GIT = (2, 31)  # the first that reads settings from GIT_CONFIG_COUNT

# Git sets these for hooks; inherited, they would turn our commands to another repository.
OUTER_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)


class GitError(CapstonerError):
    """A Git command failed; the message is Git's own, without credentials."""


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the process environment, free of an outer repository, with `changes` on top."""
    kept = {name: value for name, value in os.environ.items() if name not in OUTER_REPOSITORY}
    if not (sys.stdin and sys.stdin.isatty()):
        kept.setdefault("GIT_TERMINAL_PROMPT", "0")
    return kept | dict(changes or {})


def run_git(
    *arguments: str, folder: Path | None = None, changes: Mapping[str, str] | None = None
) -> str:
    """Run one Git command and return what it printed, without the last line break.

    Parameters
    ----------
    arguments
        The command line after `git`.
    folder
        Where to run it.
    changes
        Environment variables for this command alone.

    Raises
    ------
    GitError
        If Git exits with another code than 0.
    """
    result = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment(changes),
        stdin=None if sys.stdin and sys.stdin.isatty() else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode:
        said = result.stderr.strip() or f"exit code {result.returncode}"
        raise GitError(without_credentials(f"git {arguments[0]}: {said}"))
    return result.stdout.rstrip("\n")


def asks(*arguments: str, folder: Path | None = None) -> str | None:
    """Run one Git command; return what it printed, or None where Git says no."""
    try:
        return run_git(*arguments, folder=folder)
    except (GitError, OSError):
        return None


def version() -> tuple[int, ...] | None:
    """Return the version of the installed Git, or None where there is none."""
    found = asks("--version") if shutil.which("git") else None
    numbers = re.search(r"\d+(\.\d+)+", found or "")
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else None


def without_credentials(text: str) -> str:
    """Remove `user:password@` and `token@` from every URL of a text.

    The user name of an SSH address stays: it is no secret, and the address is wrong without it.

    Examples
    --------
    >>> without_credentials("https://me:secret@example.com/a.git")
    'https://example.com/a.git'
    >>> without_credentials("ssh://git:secret@example.com/a.git")
    'ssh://git@example.com/a.git'
    """
    text = re.sub(r"(ssh://[^/@:\s]+):[^/\s]*@", r"\1@", text)
    return re.sub(r"(?<!ssh)(://)[^/\s]*@", r"\1", text)
