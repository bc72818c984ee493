"""A generated project: its Git repository, its lock file, its command."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from capstoner import git
from capstoner.errors import CapstonerError

ANSWERS_FILE = ".copier-answers.yml"

# `uv run capstoner` describes the environment of Capstoner here; the project has its own.
_OUTER_ENVIRONMENT = (
    "VIRTUAL_ENV",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_WORKING_DIR",
    "PYTHONPATH",
    "PYTHONHOME",
    *git.OUTER_REPOSITORY,
)


def find_uv() -> str | None:
    """Return the uv that started us, else the one on the PATH, else None."""
    return os.environ.get("UV") or shutil.which("uv")


@dataclass(frozen=True)
class Project:
    """A folder that was rendered from a template."""

    folder: Path

    @property
    def answers(self) -> dict[str, Any]:
        """The answers file, as Copier wrote it."""
        text = (self.folder / ANSWERS_FILE).read_text(encoding="utf-8")
        return dict(yaml.safe_load(text))

    @property
    def command(self) -> str:
        """The project's own command: the first script of its pyproject.toml."""
        text = (self.folder / "pyproject.toml").read_text(encoding="utf-8")
        return str(next(iter(tomllib.loads(text)["project"]["scripts"])))

    def outer_repository(self) -> Path | None:
        """Return the Git repository that the folder lies in already, or None."""
        top = git.asks("rev-parse", "--show-toplevel", folder=self.folder)
        return Path(top) if top else None

    @property
    def first_message(self) -> str:
        """The message of the first commit."""
        return f"Start {self.answers.get('project_name') or self.folder.name}"

    def start_repository(self) -> str:
        """Make the folder a Git repository of its own."""
        git.run_git("init", "--quiet", folder=self.folder)
        return ""

    def lock(self) -> str:
        """Resolve the dependencies into `uv.lock`; return how many packages it names, in words.

        Raises
        ------
        CapstonerError
            If uv fails, with the end of what it said.
        """
        result = subprocess.run(
            [find_uv() or "uv", "lock", "--quiet"],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise CapstonerError(result.stderr.strip() or f"exit code {result.returncode}")
        locked = tomllib.loads((self.folder / "uv.lock").read_text(encoding="utf-8"))
        return f"{len(locked['package']) - 1} packages"  # the project itself is one of them

    def commit_all(self) -> str:
        """Commit everything; return the short hash, and the author if it is a borrowed one.

        The hooks and the signature of a person's own commits are left out: this one is a machine's.
        """
        borrowed = self.borrowed_identity()
        git.run_git("add", "--all", folder=self.folder)
        git.run_git(
            "commit",
            "--quiet",
            "--no-verify",
            "--no-gpg-sign",
            f"--message={self.first_message}",
            folder=self.folder,
            changes=borrowed,
        )
        commit = git.run_git("rev-parse", "--short", "HEAD", folder=self.folder)
        if not borrowed:
            return commit
        author = git.run_git("log", "-1", "--format=%an <%ae>", folder=self.folder)
        return f"{commit} by {author}, for this commit alone: Git does not know who you are"

    def borrowed_identity(self) -> Mapping[str, str]:
        """Return the author for one commit, where Git knows none; empty where it does."""
        answers = self.answers
        name = answers.get("user_name") or "Capstoner"
        email = answers.get("user_email") or "capstoner@example.invalid"
        changes = {}
        for role in ("AUTHOR", "COMMITTER"):
            for part, value in (("name", name), ("email", email)):
                variable = f"GIT_{role}_{part.upper()}"
                known = os.environ.get(variable) or git.asks(
                    "config", "--get", f"user.{part}", folder=self.folder
                )
                if not known and not (part == "email" and os.environ.get("EMAIL")):
                    changes[variable] = str(value)
        return changes

    def demo(self) -> str:
        """Run the project's demo, with its output on this terminal.

        Raises
        ------
        CapstonerError
            If it ends with another exit code than 0.
        """
        process = subprocess.Popen(
            [find_uv() or "uv", "run", self.command, "demo"], cwd=self.folder, env=_environment()
        )
        try:
            exit_code = process.wait()
        except BaseException:
            # The demo serves: let it stop its own children before it is killed.
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
        if exit_code:
            raise CapstonerError(f"It ended with exit code {exit_code}; its last lines say why.")
        return ""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OUTER_ENVIRONMENT}
