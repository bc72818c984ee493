"""Put the template into the wheel: its whole history as a Git bundle, and its files as an archive.

The bundle is what `capstoner new` renders and what later updates compare with; the archive, of the
same commit, lets `capstoner list` and `doctor` read the catalogue without Git.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("generator", "capstoner")
# The names are those of capstoner/source.py, which cannot be imported while it is built.
BUNDLE, ARCHIVE = "template.bundle", "template.zip"


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    """Make both files from HEAD, or take those that an sdist carries."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the template to what is built; an editable install reads the clone itself.

        Raises
        ------
        SystemExit
            If there is neither a Git repository nor a bundle, or the history is not whole.
        """
        if version == "editable":
            return
        root = Path(self.root)
        self.made = Path(tempfile.mkdtemp(prefix="capstoner-template-"))
        if _is_repository(root):
            self._bundle(root, self.made)
        else:
            for name in (BUNDLE, ARCHIVE):
                if not (root / PACKAGE / name).is_file():
                    raise SystemExit(
                        f"{root} is no Git repository and holds no {PACKAGE / name}: the wheel "
                        "would have no template. Build it from a clone, or from an sdist."
                    )
                shutil.copy2(root / PACKAGE / name, self.made)
        inside = "capstoner" if self.target_name == "wheel" else PACKAGE.as_posix()
        for name in (BUNDLE, ARCHIVE):
            build_data["force_include"][str(self.made / name)] = f"{inside}/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for this build alone."""
        if version != "editable":
            shutil.rmtree(self.made, ignore_errors=True)

    def _bundle(self, root: Path, folder: Path) -> None:
        """Write the bundle and the archive of HEAD."""
        if _git(root, "rev-parse", "--is-shallow-repository") == "true":
            raise SystemExit(
                "This clone is shallow, and a project can be updated only from the whole history. "
                "Run `git fetch --unshallow --tags`, then build again."
            )
        if changed := _git(root, "status", "--porcelain", "--", "copier.yml", "templates"):
            count = len(changed.splitlines())
            self.app.display_warning(
                f"{count} uncommitted change(s) of the template are left out: HEAD is packed."
            )
        tags = [f"refs/tags/{tag}" for tag in _git(root, "tag", "--merged", "HEAD").split()]
        _git(root, "bundle", "create", "--quiet", str(folder / BUNDLE), "HEAD", *tags)
        written = f"--output={folder / ARCHIVE}"
        _git(root, "archive", "--format=zip", written, "HEAD", "copier.yml", "templates")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout.strip()


def _is_repository(root: Path) -> bool:
    """Whether this very folder is a repository; one that it lies in by chance is another's."""
    try:
        return Path(_git(root, "rev-parse", "--show-toplevel")).resolve() == root.resolve()
    except (OSError, subprocess.CalledProcessError):
        return False
