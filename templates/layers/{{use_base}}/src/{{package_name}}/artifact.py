"""A trained model as a folder of safe files, written whole or not at all and verified when read.

::

    artifacts/versions/20261122T193309Z-1a2b3c4d/   metadata.json, card.md, the model's own files
    artifacts/champion                              one line: the id of the artefact that is served
    artifacts/reports/                              HTML reports
"""

import glob
import hashlib
import os
import platform
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata as distributions
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal, Self, TypedDict

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from .about import command
from .errors import UserError
from .lock import SECONDS_UNTIL_ABANDONED, exclusive, is_free, made_here

ID_PATTERN = r"\d{8}T\d{6}Z-[0-9a-f]{8}"
METADATA_FILE = "metadata.json"
# File browsers leave these behind; they change nothing in what is loaded.
_LEFT_BY_FILE_BROWSERS = {".DS_Store", "Thumbs.db", "desktop.ini"}


class ArtifactError(UserError):
    """An artefact that is missing, damaged or not to be trusted."""


class _Record(BaseModel):
    # JSON knows no NaN; written as a string, every reader takes it, and pydantic reads a number.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class FieldSpec(_Record):
    """One field of a request or of an answer."""

    name: str
    type: Literal["number", "string", "datetime", "image", "text"]
    required: bool


class FileFacts(_Record):
    """What a file of the artefact must hold: the SHA-256 of its content, its size in bytes."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class DataFacts(_Record):
    """Where the training data came from and how it was split.

    `sha256` is the hash of the data as it was read; `split` is one sentence.
    """

    source: str
    rows: int
    columns: int
    target: str
    sha256: str
    split: str
    licence: str


class Metadata(_Record):
    """What is known about a trained model; `files` is filled when the artefact is committed."""

    id: str = Field(pattern=f"^{ID_PATTERN}$")
    capstone: str
    model: str
    created_at: AwareDatetime
    profile: str
    params: dict[str, Any]
    metrics: dict[str, float]
    metric_intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    data: DataFacts
    baseline: dict[str, float]
    inputs: list[FieldSpec]
    outputs: list[FieldSpec]
    example: dict[str, Any]
    git_sha: str | None
    template_version: str | None
    versions: dict[str, str]
    files: dict[str, FileFacts] = Field(default_factory=dict)

    @field_validator("files")
    @classmethod
    def _names_stay_inside(cls, files: dict[str, FileFacts]) -> dict[str, FileFacts]:
        for name in files:
            if not _stays_inside(name):
                raise ValueError(f"{name[:80]!r} is not the name of a file inside the artefact")
        return files


@dataclass(frozen=True)
class Artifact:
    """A verified artefact: its folder and its metadata."""

    path: Path
    metadata: Metadata

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an artefact and verify the presence, size and SHA-256 of each of its files.

        Raises
        ------
        ArtifactError
            When the folder or a file is missing, damaged or one too many; it names the file.
        """
        metadata = _read_metadata(path)
        present = {file.relative_to(path).as_posix(): file for file in _files_in(path)}
        present.pop(METADATA_FILE, None)
        for name, facts in metadata.files.items():
            if name not in present:
                raise _damaged(path, f"the file {name} is missing")
            size = present[name].stat().st_size
            if size != facts.bytes:
                raise _damaged(path, f"{name} has {size} bytes instead of {facts.bytes}")
            if _sha256(present[name]) != facts.sha256:
                raise _damaged(path, f"the content of {name} is not what was trained")
        unknown = sorted(present.keys() - metadata.files.keys())
        if unknown:
            raise _damaged(path, f"{unknown[0]} does not belong to it")
        return cls(path, metadata)

    def file(self, name: str) -> Path:
        """Return the path of one of the artefact's files; ArtifactError when there is none."""
        if name not in self.metadata.files and name != METADATA_FILE:
            raise ArtifactError(
                f"The artefact {self.metadata.id} has no file {name}; it has "
                f"{', '.join(sorted(self.metadata.files)) or 'none at all'}.",
                f"It may come from an older version of this project: {command('train')}.",
            )
        return self.path / name

    def read_text(self, name: str) -> str:
        """Return the content of a UTF-8 file."""
        return self.file(name).read_text(encoding="utf-8")


@dataclass
class Draft:
    """A folder that becomes an artefact when it is committed; write the files into `path`."""

    path: Path
    id: str
    created_at: datetime
    _artifact: Artifact | None = None

    def commit(self, metadata: Metadata) -> Artifact:
        """Hash every file, put everything on the disk, and give the folder its final name.

        Parameters
        ----------
        metadata : Metadata
            With the draft's `id`; its `files` are filled here.

        Raises
        ------
        ArtifactError
            When the disk is full or cannot be written, or the draft holds a link.
        """
        if metadata.id != self.id:
            raise ValueError(f"the metadata is of {metadata.id}, the draft of {self.id}")
        try:
            files = {}
            for file in _files_in(self.path):
                name = file.relative_to(self.path).as_posix()
                if file.is_symlink() or not _stays_inside(name):
                    raise ArtifactError(f"{name!r} is a link, or its name is not portable.")
                if name != METADATA_FILE:
                    files[name] = FileFacts(sha256=_sha256(file), bytes=file.stat().st_size)
            complete = metadata.model_copy(update={"files": files})
            (self.path / METADATA_FILE).write_text(
                complete.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n"
            )
            for file in _files_in(self.path):
                _sync(file)
            for folder in [self.path, *(p for p in self.path.rglob("*") if p.is_dir())]:
                _sync(folder)
            final = self.path.with_name(self.id)
            self.path.rename(final)
            _sync(final.parent)
        except OSError as error:
            raise ArtifactError(
                f"The trained model could not be written to {self.path.parent}: {error.strerror}.",
                "Make room or mend the permissions there, then run the command again.",
            ) from error
        self._artifact = Artifact(final, complete)
        return self._artifact


@contextmanager
def new_artifact(artifacts_dir: Path) -> Iterator[Draft]:
    """Give a draft to write into; what is not committed by the end is removed.

    A process that is killed leaves a folder `.draft-…`, which nothing reads; the next call removes
    it. A lock beside each draft, held while its process lives, tells the two apart.

    Parameters
    ----------
    artifacts_dir : Path
        The project's `artifacts` folder; it is made where it is missing.

    Raises
    ------
    ArtifactError
        When the folder cannot be made.
    """
    created_at = datetime.now(UTC).replace(microsecond=0)
    artifact_id = f"{created_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    # Beside the final folder, because a rename is atomic only within one file system.
    path = artifacts_dir / "versions" / f".draft-{artifact_id}"
    alive = path.with_name(f".lock-{artifact_id}")
    held = ExitStack()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        alive.write_text(platform.node(), encoding="utf-8")
        held = _held(alive)
        path.mkdir()
    except OSError as error:
        held.close()
        with suppress(OSError):
            alive.unlink()
        raise ArtifactError(
            f"{path.parent} cannot be written: {error.strerror}.",
            "Mend the permissions there, or set APP_ARTIFACTS_DIR to another folder.",
        ) from error
    try:
        yield Draft(path, artifact_id, created_at)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        held.close()  # First, because Windows removes no open file.
        with suppress(OSError):
            alive.unlink()


def artifact_path(artifacts_dir: Path, artifact_id: str) -> Path:
    """Return the folder of an artefact; ArtifactError when the id is not one."""
    if not re.fullmatch(ID_PATTERN, artifact_id):
        raise ArtifactError(
            f"{artifact_id[:80]!r} is not the id of an artefact.",
            "An id is the name of a folder in artifacts/versions, "
            "for instance 20261122T193309Z-1a2b3c4d.",
        )
    return artifacts_dir / "versions" / artifact_id


class EnvironmentFacts(TypedDict):
    """The part of the metadata that describes the code and the libraries."""

    git_sha: str | None
    template_version: str | None
    versions: dict[str, str]


def environment_facts(libraries: Iterable[str]) -> EnvironmentFacts:
    """Return the Git commit, the template's version and the versions of Python and of libraries.

    Parameters
    ----------
    libraries : Iterable[str]
        Names of distributions; those that are not installed are left out.

    Returns
    -------
    EnvironmentFacts
        `git_sha` ends with `-dirty` when tracked files differ from the commit, and is None outside
        a repository.
    """
    versions = {"python": platform.python_version()}
    for library in libraries:
        try:
            versions[library] = distributions.version(library)
        except distributions.PackageNotFoundError:
            continue
    return {
        "git_sha": _git_sha(),
        "template_version": _template_version(Path(".copier-answers.yml")),
        "versions": versions,
    }


def replace_text(path: Path, text: str) -> None:
    """Replace a file by UTF-8 text, as `replace_bytes` does."""
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader sees the old content or the new one, never half.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.
    content : bytes
        All that the file will hold.

    Raises
    ------
    UserError
        When the file cannot be written; the old one stays.
    """
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}-{'[0-9a-f]' * 8}"):
            if _age(left) > SECONDS_UNTIL_ABANDONED:
                left.unlink(missing_ok=True)
        beside.write_bytes(content)
        _sync(beside)
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise UserError(
            f"{path} could not be written: {error.strerror}.",
            "Make room or mend the permissions there, then run the command again.",
        ) from error
    finally:
        with suppress(OSError):  # It is gone, or was never made.
            beside.unlink()


def _held(path: Path) -> ExitStack:
    """Take a draft's lock until it is closed; without one, its age alone tells that it is dead."""
    held = ExitStack()
    with suppress(OSError):
        held.enter_context(exclusive(path))
    return held


def _remove_abandoned(versions: Path) -> None:
    """Remove the drafts of processes that were killed, and never one that may be alive."""
    for draft in versions.glob(".draft-*"):
        lock = versions / draft.name.replace(".draft-", ".lock-", 1)
        old = _age(draft) > SECONDS_UNTIL_ABANDONED
        dead = old if not lock.exists() else is_free(lock) and (old or made_here(lock))
        if dead:
            shutil.rmtree(draft, ignore_errors=True)
    for lock in versions.glob(".lock-*"):
        draft = versions / lock.name.replace(".lock-", ".draft-", 1)
        old = _age(lock) > SECONDS_UNTIL_ABANDONED
        if not draft.exists() and is_free(lock) and (old or made_here(lock)):
            with suppress(OSError):
                lock.unlink()


def _age(path: Path) -> float:
    """Return the seconds since anything in a file or folder changed; 0 when it is gone."""
    try:
        newest = max(part.stat().st_mtime for part in [path, *path.rglob("*")])
    except OSError:
        return 0.0
    return time.time() - newest


def _read_metadata(path: Path) -> Metadata:
    if not path.is_dir():
        raise ArtifactError(f"There is no artefact in {path}.", f"Make one: {command('train')}.")
    try:
        text = (path / METADATA_FILE).read_text(encoding="utf-8")
        metadata = Metadata.model_validate_json(text)
    except OSError as error:
        raise _damaged(path, f"{METADATA_FILE} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise _damaged(path, f"{METADATA_FILE} is not text") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        where = f"{METADATA_FILE}, field {field}" if field else METADATA_FILE
        raise _damaged(path, f"{where}: {first['msg']}") from error
    if metadata.id != path.name:
        raise _damaged(path, f"{METADATA_FILE} says that it is {metadata.id}")
    return metadata


def _damaged(path: Path, what: str) -> ArtifactError:
    return ArtifactError(
        f"The artefact in {path} cannot be used: {what}.",
        f"Restore the folder from a copy, or train again: {command('train')}.",
    )


def _stays_inside(name: str) -> bool:
    """Return whether a name is that of a file below a folder, on every system."""
    path = PurePosixPath(name)
    return (
        bool(path.parts)
        and path.as_posix() == name
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and not PureWindowsPath(name).drive
    )


def _files_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if not path.is_dir() and path.name not in _LEFT_BY_FILE_BROWSERS
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Put a file or a folder on the disk, so that a power cut after the rename finds it whole."""
    if os.name != "posix":  # Windows opens no folder, and syncs only what is open for writing.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _git_sha() -> str | None:
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def _template_version(answers: Path) -> str | None:
    try:
        text = answers.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^_commit:\s*(.+?)\s*$", text, re.MULTILINE)
    return found.group(1).strip("'\"") if found else None
