"""Keep a live project of a capstone beside the repository: `uv run poe render CAPSTONE`.

The working tree is rendered as it is, uncommitted changes included, into
`../capstoner-live/CAPSTONE`. What the live project made itself (its environment, its models) stays.
Then it is linted and typed, and each complaint is told with the file of the layer that it is from.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from copier import run_copy
from pytorch import obstacle

REPOSITORY = Path(__file__).resolve().parent.parent
LAYERS = REPOSITORY / "templates" / "layers"
RENDERED_LIST = ".rendered-files"
# What `_exclude` of copier.yml keeps out of a project.
EXCLUDED = frozenset({"__pycache__", ".DS_Store", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def snapshot(folder: Path) -> Path:
    """Copy the template without its history, so that Copier renders what is on disk now."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(REPOSITORY / "copier.yml", folder)
    shutil.copytree(REPOSITORY / "templates", folder / "templates")
    return folder


def render(template: Path, destination: Path, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Render a template by Copier, without trust; return every answer, the computed ones too."""
    worker = run_copy(
        str(template), destination, data=dict(answers), defaults=True, quiet=True, overwrite=True
    )
    return dict(worker.answers.combined)


def layer_files(answers: Mapping[str, Any]) -> dict[str, Path]:
    """Map each path of a rendered project to the file of the layer that it comes from.

    Raises
    ------
    ValueError
        When two layers render one path.
    """
    sources: dict[str, Path] = {}
    for layer in sorted(path for path in LAYERS.iterdir() if path.is_dir()):
        name = re.fullmatch(r"\{\{(\w+)\}\}", layer.name)
        if not name or not answers.get(name[1]):
            continue
        for file in sorted(path for path in layer.rglob("*") if path.is_file()):
            relative = file.relative_to(layer).as_posix()
            if EXCLUDED.intersection(file.parts):
                continue
            rendered = relative.replace("{{package_name}}", answers["package_name"])
            rendered = rendered.removesuffix(".jinja")
            if rendered in sources:
                raise ValueError(f"{rendered} is rendered by {sources[rendered]} and by {file}")
            sources[rendered] = file
    return sources


def synchronise(rendered: Path, live: Path) -> None:
    """Bring a live project up to a rendering; files that left the template go."""
    live.mkdir(parents=True, exist_ok=True)
    files = {
        path.relative_to(rendered).as_posix() for path in rendered.rglob("*") if path.is_file()
    }
    kept = live / RENDERED_LIST
    if kept.exists():
        for gone in set(kept.read_text(encoding="utf-8").splitlines()) - files:
            (live / gone).unlink(missing_ok=True)
    for name in sorted(files):
        target = live / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != (rendered / name).read_bytes():
            shutil.copy2(rendered / name, target)
    kept.write_text("\n".join(sorted(files)), encoding="utf-8")


def run(command: Sequence[str], folder: Path, sources: Mapping[str, Path]) -> int:
    """Run a check in the live project; name the layer's file below each line that names one."""
    print(f"$ {' '.join(command)}", flush=True)
    # Our own environment must not be taken for that of the project.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    for line in (done.stdout + done.stderr).splitlines():
        print(line)
        for name in re.findall(r"[\w./-]+\.\w+", line):
            if name in sources:
                print(f"    = {sources[name].relative_to(REPOSITORY)}")
    return done.returncode


def main() -> int:
    """Render, synchronise, check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("capstone")
    parser.add_argument("--to", type=Path, help="default: ../capstoner-live/CAPSTONE")
    parser.add_argument("--data", action="append", default=[], metavar="QUESTION=ANSWER")
    parser.add_argument("--no-check", action="store_true", help="render only")
    options = parser.parse_args()
    live: Path = options.to or REPOSITORY.parent / "capstoner-live" / options.capstone
    answers = {"capstone": options.capstone} | {
        key: yaml.safe_load(value)
        for key, _, value in (item.partition("=") for item in options.data)
    }
    with tempfile.TemporaryDirectory() as scratch:
        template = snapshot(Path(scratch) / "template")
        combined = render(template, Path(scratch) / "project", answers)
        sources = layer_files(combined)
        synchronise(Path(scratch) / "project", live)
    print(f"Live project: {live}")
    if options.no_check:
        return 0
    if reason := obstacle(live):
        raise SystemExit(reason)
    commands = [
        ["uv", "sync", "--quiet"],
        ["uv", "run", "ruff", "check", "--output-format=concise"],
        ["uv", "run", "ruff", "format", "--check"],
        ["uv", "run", "mypy"],
    ]
    return max(run(command, live, sources) for command in commands)


if __name__ == "__main__":
    sys.exit(main())
