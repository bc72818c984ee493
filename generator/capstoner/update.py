"""The verb `update`: bring a project up to its template, or leave it exactly as it was."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capstoner import catalog, console, effects, git, staging
from capstoner.errors import CapstonerError, RefusedError
from capstoner.project import ANSWERS_FILE, Project
from capstoner.render import copier_at_work
from capstoner.source import Source, knows, open_remembered


def update(folder: Path, *, to: str | None = None) -> int:
    """Merge what the template learned into a project; nothing is committed.

    Parameters
    ----------
    folder
        The project.
    to
        The version to take; None means the newest that `open_remembered` finds.

    Returns
    -------
    int
        The exit code: 1 if there are conflicts to settle.

    Raises
    ------
    CapstonerError
        If the project was refused or the update failed; the project is as it was then.
    """
    folder = folder.expanduser().resolve()
    project = Project(folder)
    before = _check(project)
    with staging.workspace(folder) as scratch:
        with console.working("Reading the template …"):
            source = open_remembered(before["_src_path"], before["_commit"], to, scratch)
        if not _is_newer(source, before["_commit"], asked=to):
            return 0
        for note in source.notes:
            console.warn(note)
        _check_ignored(project, source, before)
        try:
            with console.working(f"Updating to {source.version} …"):
                _run_copier(source, scratch, folder)
        except BaseException as error:
            _put_back(folder)
            if isinstance(error, KeyboardInterrupt):
                console.fail("Interrupted: the project is as it was.")
            raise
    return _report(project, before)


def _check(project: Project) -> dict[str, Any]:
    """Refuse what could not be taken back; return the answers of the project."""
    folder = project.folder
    if not (folder / ANSWERS_FILE).is_file():
        raise RefusedError(
            f"{folder} is no project of Capstoner: it has no {ANSWERS_FILE}.",
            "Go into the project, or name its folder: capstoner update PATH",
        )
    answers = project.answers
    if "_src_path" not in answers or "_commit" not in answers:
        raise RefusedError(
            "The project was made from a plain folder: there is no older version to compare with.",
            "Make it anew with `capstoner new`, and carry your work over.",
        )
    if project.outer_repository() is None:
        raise RefusedError(
            f"{folder} is no Git repository, so an update could not be merged or taken back.",
            "Run there: git init && git add --all && git commit --message Start",
        )
    if git.asks("ls-files", "--error-unmatch", ANSWERS_FILE, folder=folder) is None:
        raise RefusedError(
            f"{ANSWERS_FILE} is not in the Git repository.", "Commit the project first."
        )
    changed = _status(folder)
    if changed:
        some = ", ".join([change.path for change in changed[:5]]) + ", …" * (len(changed) > 5)
        raise RefusedError(
            f"There are changes that are not committed: {some}.",
            "Commit them, or put them aside with `git stash --include-untracked`.",
        )
    return answers


def _is_newer(source: Source, version: str, *, asked: str | None) -> bool:
    """Whether the update goes forward; say so if there is nothing to do.

    Raises
    ------
    CapstonerError
        If the project's version is unknown there, or a person asked for an older one.
    """
    if source.commit is None:
        raise CapstonerError(
            f"{source.remembered} is a plain folder now: its versions cannot be compared.",
            "If the template has moved, correct `_src_path` in .copier-answers.yml and commit it.",
        )
    now = knows(source.place, version)
    if now is None:
        raise CapstonerError(
            f"The project was made from {version}, which is not in {source.remembered}.",
            "If the template has moved, correct `_src_path` in .copier-answers.yml and commit it.",
        )
    if now == source.commit:
        console.done(f"The project is up to date: {source.version} of {source.remembered}.")
        return False
    ancestor = ("merge-base", "--is-ancestor", source.commit, now)
    if git.asks(*ancestor, folder=source.place) is not None:
        if asked:
            raise RefusedError(
                f"{source.version} is older than the project, which is at {version}.",
                "An update never goes back; `git revert` takes back the commit of an update.",
            )
        console.done(f"The project is newer than {source.version}, the last that was found.")
        return False
    return True


def _check_ignored(project: Project, source: Source, answers: Mapping[str, Any]) -> None:
    """Refuse to replace files that Git ignores: they could not be brought back."""
    known = {name: value for name, value in answers.items() if not name.startswith("_")}
    offered = catalog.load(source.files.read)
    coming = effects.rendered_paths(source.files, catalog.answers(offered, known))
    there = sorted(path for path in coming if (project.folder / path).is_file())
    listed = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *there)
    ignored = git.run_git(*listed, folder=project.folder).strip("\0").replace("\0", ", ")
    if there and ignored:
        raise RefusedError(
            f"The update would replace files that Git ignores: {ignored}.",
            "Commit them (`git add --force`) or move them away.",
        )


def _run_copier(source: Source, scratch: Path, folder: Path) -> None:
    with copier_at_work(source, scratch) as settings:
        import copier

        copier.run_update(
            folder,
            vcs_ref=source.commit,
            settings=settings,
            defaults=True,
            skip_answered=True,
            overwrite=True,
            quiet=True,
            conflict="inline",
        )


def _put_back(folder: Path, patience_seconds: float = 10.0) -> None:
    """Bring the folder back to its commit, which it equalled before."""
    with staging.signals_held():
        deadline = time.monotonic() + patience_seconds
        while True:  # an interrupted Git may hold its lock for a moment
            try:
                git.run_git(
                    *("restore", "--source=HEAD", "--staged", "--worktree", "--", "."),
                    folder=folder,
                )
                git.run_git("clean", "-d", "--force", "--quiet", "--", ".", folder=folder)
                return
            except git.GitError as error:
                if time.monotonic() > deadline:
                    raise CapstonerError(
                        f"The update failed, and Git could not take it back.\n{error}",
                        "All is in the last commit: git reset --hard && git clean -d --force",
                    ) from error
                time.sleep(0.1)


@dataclass(frozen=True)
class Change:
    """What happened to one file, in words of Git's status."""

    path: str
    code: str

    @property
    def conflict(self) -> bool:
        """Whether both sides changed it, so that a person has to decide."""
        return "U" in self.code or self.code in {"AA", "DD"}

    @property
    def words(self) -> str:
        """What a person reads."""
        if self.conflict:
            return "conflict"
        if "?" in self.code or "A" in self.code:
            return "new"
        return "removed" if "D" in self.code else "changed"


def _status(folder: Path) -> list[Change]:
    """Return what differs from the last commit below a folder; ignored files aside."""
    listed = git.run_git(
        *("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", "."),
        folder=folder,
    )
    prefix = git.run_git("rev-parse", "--show-prefix", folder=folder)
    return [Change(row[3:].removeprefix(prefix), row[:2]) for row in listed.split("\0") if row]


def _report(project: Project, before: Mapping[str, Any]) -> int:
    """Say what changed and what is left to do; return the exit code."""
    after = project.answers
    changes = sorted(_status(project.folder), key=lambda change: (not change.conflict, change.path))
    conflicts = [change for change in changes if change.conflict]
    console.table(["File", "What the update did"], [[c.path, c.words] for c in changes])
    console.say()
    console.done(f"Updated from {before['_commit']} to {after['_commit']}; nothing is committed.")
    new = {name: value for name, value in after.items() if name not in before}
    if new:
        console.warn(f"New questions were answered with their defaults: {console.stack(new)}.")
    console.say()
    settle = [("git add FILE", "for each settled conflict")] if conflicts else []
    if conflicts:
        console.fail(
            f"{len(conflicts)} of the files you and the template changed in the same place.",
            "Look for <<<<<<< in each file marked as a conflict, and keep what you want.",
        )
        console.say()
    console.say("Next:", "bold")
    console.say()
    console.commands(
        [
            ("git diff", "what changed"),
            *settle,
            ("uv lock", ""),
            ("uv run poe test", ""),
            ("git add --all", ""),
            ('git commit --message "Update the template"', ""),
        ]
    )
    return 1 if conflicts else 0
