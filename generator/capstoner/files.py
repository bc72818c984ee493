"""The files of a template: in a folder, in a commit, or in the archive of a wheel."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from capstoner import git

TEMPLATE = ("copier.yml", "templates")
# What Copier leaves out of a project, and a folder may hold beside the template.
_LITTER = frozenset({"__pycache__", ".DS_Store", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


class Files(Protocol):
    """What a template is read through; paths have forward slashes."""

    def read(self, path: str) -> str:
        """Return the text of a file.

        Raises
        ------
        FileNotFoundError
            If the template has no such file.
        """

    def paths(self) -> list[str]:
        """Return the paths of all files of the template, sorted."""


@dataclass(frozen=True)
class FolderFiles:
    """The files as they lie in a folder."""

    folder: Path

    def read(self, path: str) -> str:
        """Return the text of a file, or raise FileNotFoundError."""
        file = self.folder / path
        if not file.is_file():
            raise FileNotFoundError(f"{path} is missing")
        return file.read_text(encoding="utf-8")

    def paths(self) -> list[str]:
        """Return the paths of all files of the template, sorted."""
        found = [self.folder / TEMPLATE[0], *(self.folder / TEMPLATE[1]).rglob("*")]
        paths = [path.relative_to(self.folder) for path in found if path.is_file()]
        return sorted(path.as_posix() for path in paths if not _LITTER.intersection(path.parts))


@dataclass(frozen=True)
class CommitFiles:
    """The files of one commit of a Git repository."""

    repository: Path
    commit: str

    def read(self, path: str) -> str:
        """Return the text of a file, or raise FileNotFoundError."""
        text = git.asks("show", f"{self.commit}:{path}", folder=self.repository)
        if text is None:
            raise FileNotFoundError(f"{path} is missing")
        return text

    def paths(self) -> list[str]:
        """Return the paths of all files of the template, sorted."""
        names = git.run_git(
            *("ls-tree", "-r", "-z", "--name-only", self.commit, "--", *TEMPLATE),
            folder=self.repository,
        )
        return sorted(name for name in names.split("\0") if name)


@dataclass(frozen=True)
class ArchiveFiles:
    """The files of a ZIP archive that Git made: they are read without Git, and quickly."""

    archive: Path

    def read(self, path: str) -> str:
        """Return the text of a file, or raise FileNotFoundError."""
        with zipfile.ZipFile(self.archive) as opened:
            try:
                return opened.read(path).decode("utf-8")
            except KeyError:
                raise FileNotFoundError(f"{path} is missing") from None

    def paths(self) -> list[str]:
        """Return the paths of all files of the template, sorted."""
        with zipfile.ZipFile(self.archive) as opened:
            return sorted(name for name in opened.namelist() if not name.endswith("/"))

    @property
    def commit(self) -> str:
        """The commit that the archive was made of, which `git archive` writes as its comment."""
        with zipfile.ZipFile(self.archive) as opened:
            return opened.comment.decode("ascii")
