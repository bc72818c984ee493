"""A tiny template, and the command line in a home of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from capstoner.cli import main

FILES = {
    "copier.yml": """
        _subdirectory: templates/layers
        _envops:
          undefined: jinja2.StrictUndefined
          keep_trailing_newline: true
        --- !include templates/questions/capstone.yml
        --- !include templates/questions/stack.yml
    """,
    "templates/questions/capstone.yml": """
        capstone:
          type: str
          help: Which capstone?
          choices:
            "Toy: prints what it was asked for": toy
            "Other: another one": other
        project_name:
          type: str
          help: Its name?
          default: "{{ capstone | capitalize }}"
          validator: "{% if project_name == 'bad' %}That name is taken.{% endif %}"
        project_slug:
          type: str
          when: false
          default: "{{ project_name | lower | regex_replace(' ', '-') }}"
        user_name: ""
    """,
    "templates/questions/stack.yml": """
        tracking:
          type: str
          help: Where are runs kept by {{ project_slug }}?
          choices: {"MLflow: a server": mlflow, "None: a file": none}
          default: mlflow
        ops:
          type: str
          multiselect: true
          help: What runs it?
          choices: [docker, github-actions]
          default: [docker]
        registry:
          type: str
          help: Which registry?
          default: local
          when: "{{ 'docker' in ops }}"
    """,
    "templates/sizes.toml": """
        measured_on = 2026-11-22
        measured_with = "a test"
        [[stack]]
        capstone = "toy"
        preset = "minimal"
        answers = { tracking = "none", ops = [] }
        packages = 2
        download_megabytes = 3
        disk_megabytes = 20
        demo_seconds = 1
        [[stack]]
        capstone = "toy"
        preset = "standard"
        answers = { tracking = "mlflow", ops = ["docker"] }
        packages = 3
        download_megabytes = 4
        disk_megabytes = 2100
        demo_seconds = 2
        [[addition]]
        capstone = "toy"
        question = "tracking"
        choice = "mlflow"
        packages = 1
        download_megabytes = 1
        disk_megabytes = 2080
        [[addition]]
        capstone = "toy"
        question = "ops"
        choice = "docker"
        packages = 0
        download_megabytes = 0
        disk_megabytes = 0
    """,
    "templates/presets.toml": """
        personal = []
        [preset.minimal]
        summary = "the toy alone"
        one = "last"
        several = "none"
        [preset.standard]
        summary = "as proposed"
        one = "default"
        several = "default"
        [preset.everything]
        summary = "all of it"
        one = "first"
        several = "all"
    """,
    "templates/layers/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "templates/layers/{{ '.' if capstone == 'toy' else '' }}/pyproject.toml.jinja": """
        [project]
        name = "{{ project_slug }}"
        version = "0.1.0"
        requires-python = ">=3.11"
        [project.scripts]
        {{ project_slug }} = "toy:main"
        [build-system]
        requires = ["uv_build>=0.5"]
        build-backend = "uv_build"
        [tool.uv.build-backend]
        module-name = "toy"
    """,
    "templates/layers/{{ '.' if capstone == 'toy' else '' }}/src/toy/__init__.py": """
        import os
        import sys
        import time


        def main() -> None:
            print("toy was asked for", *sys.argv[1:], flush=True)
            if "TOY_WAITS" in os.environ:
                with open(os.environ["TOY_WAITS"], "w") as file:
                    file.write(str(os.getpid()))
                time.sleep(60)
            sys.exit("it broke" if "TOY_BREAKS" in os.environ else 0)
    """,
    "templates/layers/{{ '.' if 'docker' in ops else '' }}/Dockerfile": "FROM scratch\n",
    "templates/layers/README.md.jinja": """
        # {{ project_name }}

        one
        two
        three
    """,
    "templates/layers/{{ 'big' if project_name == 'Big' else '' }}.jinja": "{{ 'x' * 3000000 }}",
}


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


class Home:
    """A home directory, temporary folder and Git configuration of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git_config = folder / "gitconfig"
        self.temporary = folder / "temporary"
        self.cache = folder / "cache"
        self.temporary.mkdir(parents=True)
        self.git_config.write_text(
            "[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n",
            encoding="utf-8",
        )

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_", "COPIER_", "EMAIL", "VIRTUAL_ENV"))
        }
        return kept | {
            "HOME": str(self.folder),
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.cache),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "GIT_CONFIG_GLOBAL": str(self.git_config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "100",
            **changes,
        }

    def git(self, *arguments: str, folder: Path) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=self.environment(),
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def serve(self, folder: Path) -> None:
        """Let Git find `https://example.com/NAME` in a folder, as on a server."""
        with self.git_config.open("a", encoding="utf-8") as file:
            file.write(f'[url "{folder}/"]\n\tinsteadOf = https://example.com/\n')

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "capstoner", *arguments],
            cwd=self.folder,
            env=self.environment(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, folder: Path | None = None, **changes: str) -> Finished:
        """Run the command line in this process, which has imported Copier once for all tests."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(stdout),
            redirect_stderr(stderr),
            Path(os.devnull).open(encoding="utf-8") as nothing,
        ):
            environment = self.environment(**changes)
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.chdir(folder or self.folder)
            patch.setattr(sys, "argv", ["capstoner", *arguments])
            patch.setattr(sys, "stdin", nothing)
            with pytest.raises(SystemExit) as stop:
                main()
        for number, handler in before.items():
            signal.signal(number, handler)
        return Finished(int(stop.value.code or 0), stdout.getvalue(), stderr.getvalue())

    def run_alone(self, *arguments: str, **changes: str) -> Finished:
        """Run the command line in a process of its own, with all that its children print."""
        process = self.start(*arguments, **changes)
        stdout, stderr = process.communicate(timeout=120)
        return Finished(process.returncode, stdout, stderr)


_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

Commit = Callable[..., str]  # (repository, files, tag) -> hash


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file of a folder with its content, and every link with its target, without Git's."""
    return {
        path.relative_to(folder).as_posix(): (
            str(path.readlink()) if path.is_symlink() else path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and ".git" not in path.relative_to(folder).parts
    }
