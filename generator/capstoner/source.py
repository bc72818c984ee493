"""Where the template comes from: a clone, an address, a bundle, or a plain folder.

A project remembers its source in `.copier-answers.yml`, and `copier update` goes there months
later, perhaps on another machine. So a clone is remembered by its `origin` and no source by a
password. Git itself bridges the two: `url.<what we read>.insteadOf <what is remembered>`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import metadata
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from capstoner import git
from capstoner.errors import CapstonerError, RefusedError
from capstoner.files import ArchiveFiles, CommitFiles, Files, FolderFiles

PACKAGE = Path(__file__).resolve().parent
# What hatch_build.py puts into a wheel: the history of the template, and its files at that commit.
BUNDLE = "template.bundle"
ARCHIVE = "template.zip"

# What Copier takes for the address of a Git repository, and what it makes of it.
_ALIASES = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_KNOWN_HOSTS = ("https://github.com/", "https://gitlab.com/")
_KNOWN_PREFIXES = ("git@", "git://", "git+", *_KNOWN_HOSTS, *_ALIASES)
_SCP_ADDRESS = re.compile(r"(?![A-Za-z]:[\\/])[^/\\:\s]+:\S+")  # host:path, but not C:\path


@dataclass(frozen=True)
class Source:
    """A template, found and opened.

    Parameters
    ----------
    remembered
        What Copier is asked for, and therefore what the project remembers.
    place
        Where the files are read: a Git repository (of any kind) or a plain folder.
    commit
        The full hash that is rendered; None for a plain folder.
    version
        The commit in words, such as `v1.2.0-3-gabc1234`; empty for a plain folder.
    git_settings
        Environment variables under which Git reads `place` where `remembered` is asked for.
    notes
        Sentences that the person should see.
    """

    remembered: str
    place: Path
    commit: str | None = None
    version: str = ""
    git_settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> Files:
        """The files of the template, as they are in the commit that is rendered."""
        return CommitFiles(self.place, self.commit) if self.commit else FolderFiles(self.place)


def own_files() -> Files:
    """Return the files of the template that this command line belongs to.

    Raises
    ------
    CapstonerError
        If it was installed on its own, away from the template.
    """
    if (PACKAGE / ARCHIVE).is_file():
        return ArchiveFiles(PACKAGE / ARCHIVE)
    return FolderFiles(own_folder())


def own_folder() -> Path:
    """Return the repository that this command line is a part of.

    Raises
    ------
    CapstonerError
        If it was installed on its own, away from the template.
    """
    folder = PACKAGE.parents[1]
    if not (folder / "copier.yml").is_file():
        raise CapstonerError(
            "This Capstoner is installed without its template.",
            "Run it inside a clone (`uv run capstoner …`), or name the template with --source.",
        )
    return folder


def canonical_address() -> str:
    """Return where this Capstoner is published: `[project.urls]` of pyproject.toml says it."""
    for entry in metadata("capstoner").get_all("Project-URL") or ():
        name, _, address = entry.partition(", ")
        if name == "Repository":
            return str(address)
    raise CapstonerError("The metadata of this Capstoner names no repository.")


def never_answers(address: str) -> bool:
    """Whether an address is reserved for names that exist nowhere (RFC 2606)."""
    return (urlsplit(_git_address(address)).hostname or "").endswith(".invalid")


def open_source(given: str | None, ref: str | None, scratch: Path) -> Source:
    """Find a template, settle on one commit, and say what the project will remember.

    Parameters
    ----------
    given
        The value of `--source`: an address, a clone, a bundle or a folder. None means the
        template of this command line.
    ref
        The branch, tag or commit to render. None means HEAD of a clone, the commit that a wheel
        was built from, and the last release anywhere else, as Copier does.
    scratch
        A folder for a temporary copy, which must live as long as the source is used.
    """
    if given is None:
        return _open_own(ref, scratch)
    path = Path(given).expanduser()
    if path.is_dir() and git.asks("rev-parse", "--is-bare-repository", folder=path) == "true":
        return _open_download(_local_address(path), ref, scratch)
    if path.is_dir():
        return _open_folder(path.resolve(), ref)
    if path.is_file():
        return _open_download(str(path.resolve()), ref, scratch, bundle=True)
    if "://" in given or given.startswith(_KNOWN_PREFIXES) or _SCP_ADDRESS.fullmatch(given):
        return _open_download(given, ref, scratch)
    raise RefusedError(
        f"There is no folder “{given}” to read the template from.",
        "Give --source a folder, or an address such as https://github.com/OWNER/REPOSITORY.",
    )


def open_remembered(address: str, version: str, ref: str | None, scratch: Path) -> Source:
    """Open the template that a project remembers, or what this command line holds of it.

    Parameters
    ----------
    address, version
        `_src_path` and `_commit` of the project's answers.
    ref
        The version to take; see `open_source`.
    scratch
        A folder for a temporary copy.

    Raises
    ------
    CapstonerError
        If the address cannot be read, and our own template is another one.
    """
    try:
        if never_answers(address):
            raise CapstonerError(
                f"{address} is no real address: the project was made before Capstoner had one.",
                "Update with a Capstoner that is newer than the project.",
            )
        source = replace(open_source(address, ref, scratch), remembered=address)
        # Copier reads a folder as it stands; what a new project would remember of it is no matter.
        return replace(source, git_settings={}, notes=()) if Path(address).is_dir() else source
    except RefusedError:
        raise
    except CapstonerError:
        own = _open_own(ref, scratch)
        if own.commit is None or not knows(own.place, version):
            raise
        note = f"{address} does not answer: the template that came with this Capstoner is read."
        return replace(
            own, remembered=address, git_settings=_read_instead(own.place, address), notes=(note,)
        )


def knows(repository: Path, version: str) -> str | None:
    """Return the full hash of a version that a project remembers, or None if it is not there."""
    if version.startswith("-"):
        return None
    return git.asks("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}", folder=repository)


def _open_own(ref: str | None, scratch: Path) -> Source:
    """Open the clone that this command line runs in, or the bundle that its wheel carries."""
    bundle = PACKAGE / BUNDLE
    if not bundle.is_file():
        return _open_folder(own_folder(), ref)
    place = scratch / "own.git"
    git.run_git("clone", "--quiet", "--mirror", "--", str(bundle), str(place))
    commit = _resolve(place, ref or "HEAD", named=ref)
    remembered = _as_copier_knows(canonical_address())
    notes = []
    if never_answers(remembered):
        notes.append(
            "This Capstoner is not published yet: `capstoner update` of a newer one brings the "
            "project up to date, plain Copier cannot."
        )
    return Source(
        remembered=remembered,
        place=place,
        commit=commit,
        version=_describe(place, commit),
        git_settings=_read_instead(place, remembered),
        notes=tuple(notes),
    )


def _open_folder(folder: Path, ref: str | None) -> Source:
    ask_top = ("rev-parse", "--show-toplevel")
    if (folder / ".git").exists():  # Git may refuse it, and says why
        top: str | None = git.run_git(*ask_top, folder=folder)
    else:
        top = git.asks(*ask_top, folder=folder)
    if top is None or Path(top).resolve() != folder:
        if ref:
            raise RefusedError(
                f"{folder} is no Git repository, so there is no version “{ref}” in it.",
                "Leave --vcs-ref out, or clone the template with Git.",
            )
        note = "The template is a plain folder, no Git clone: the project cannot be updated later."
        return Source(str(folder), folder, notes=(note,))

    commit = _resolve(folder, ref or "HEAD", named=ref)
    notes = []
    changed = git.run_git("status", "--porcelain", "--", "copier.yml", "templates", folder=folder)
    if changed and ref is None:
        count = len(changed.splitlines())
        notes.append(
            f"{count} uncommitted change{'s' * (count > 1)} of the template "
            f"{'are' if count > 1 else 'is'} left out: the last commit is rendered."
        )
    origin = git.asks("config", "--get", "remote.origin.url", folder=folder)
    remembered, local = _address_of(folder, origin, commit)
    if local:
        settings: dict[str, str] = {}
        if origin is None:
            notes.append(
                f"The clone has no `origin`: updates will be read from {folder} on this machine."
            )
    else:
        settings = _read_instead(folder, remembered)
        on_origin = ("for-each-ref", "--count=1", "--contains", commit, "refs/remotes/origin")
        if not git.asks(*on_origin, folder=folder):
            notes.append(
                f"The template's commit {commit[:9]} is not on `origin`, as far as this clone "
                "knows: push it, or later updates will not find it."
            )
    return Source(remembered, folder, commit, _describe(folder, commit), settings, tuple(notes))


def _address_of(folder: Path, origin: str | None, commit: str) -> tuple[str, bool]:
    """Return what a project remembers of a clone, and whether that is a path of this machine."""
    if not origin:
        return str(folder), True
    plain = origin.removeprefix("file://")
    if "://" in plain or _SCP_ADDRESS.fullmatch(plain):
        return _as_copier_knows(git.without_credentials(origin)), False
    # The origin is another folder of this machine. It serves only if it has the commit.
    elder = (folder / Path(plain).expanduser()).resolve()
    if elder.is_dir() and git.asks("cat-file", "-e", f"{commit}^{{commit}}", folder=elder) == "":
        root = git.asks("rev-parse", "--show-toplevel", folder=elder)
        is_root = root is not None and Path(root).resolve() == elder
        return (str(elder) if is_root else _local_address(elder)), True
    return str(folder), True


def _open_download(given: str, ref: str | None, scratch: Path, *, bundle: bool = False) -> Source:
    """Fetch the whole repository once; Copier then reads our copy."""
    place = scratch / "template.git"
    try:
        git.run_git("clone", "--quiet", "--mirror", "--", _git_address(given), str(place))
    except git.GitError as error:
        shown = git.without_credentials(given)
        raise CapstonerError(
            f"The template cannot be fetched from {shown}.\n{error}",
            "Check the address, the network and your rights there.",
        ) from error
    commit = _resolve(place, ref or _last_release(place), named=ref)
    remembered = given if bundle else _as_copier_knows(git.without_credentials(given))
    notes = []
    if not bundle and git.without_credentials(given) != given:
        notes.append(
            "The user name and password of the address are not written into the project; "
            "let a credential helper of Git give them when you update."
        )
    return Source(
        remembered=remembered,
        place=place,
        commit=commit,
        version=_describe(place, commit),
        git_settings={} if bundle else _read_instead(place, remembered),
        notes=tuple(notes),
    )


def _resolve(repository: Path, ref: str, *, named: str | None) -> str:
    """Return the full hash of a branch, tag or commit."""
    if not ref.startswith("-"):
        for candidate in (ref, f"refs/remotes/origin/{ref}"):
            commit = git.asks(
                "rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}", folder=repository
            )
            if commit:
                return commit
    if named is None:
        raise CapstonerError(
            f"The template in {repository} has no commit yet.", "Commit it, then try again."
        )
    tags = (git.asks("tag", "--list", "--sort=-creatordate", folder=repository) or "").split()
    raise RefusedError(
        f"The template has no branch, tag or commit “{named}”.",
        f"Its last tags: {', '.join(tags[:5])}." if tags else "It has no tags yet.",
    )


def _last_release(repository: Path) -> str:
    """Return the highest PEP 440 tag that is no pre-release, as Copier does; else HEAD."""
    releases = []
    for tag in (git.asks("tag", "--list", folder=repository) or "").splitlines():
        try:
            version = Version(tag)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            releases.append((version, tag))
    return max(releases)[1] if releases else "HEAD"


def _describe(repository: Path, commit: str) -> str:
    return git.run_git("describe", "--tags", "--always", commit, folder=repository)


def _git_address(address: str) -> str:
    """Return what Copier hands to Git when it is given this address."""
    for alias, host in _ALIASES.items():
        if address.startswith(alias):
            address = host + address.removeprefix(alias).lstrip("/")
    if address.startswith("git+"):
        return address.removeprefix("git+")
    if address.startswith(_KNOWN_HOSTS) and not address.endswith(".git"):
        return f"{address}.git"
    return address


def _local_address(repository: Path) -> str:
    """Return the address of a bare repository of this machine; its path Copier cannot read."""
    return f"git+{repository.resolve().as_uri()}"


def _as_copier_knows(address: str) -> str:
    """Mark an address with `git+` where Copier would not see that it is a Git repository."""
    known = address.startswith(_KNOWN_PREFIXES) or address.endswith(".git")
    return address if known else f"git+{address}"


def _read_instead(place: Path, remembered: str) -> dict[str, str]:
    """Return the environment under which Git reads `place` where `remembered` is asked for."""
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"url.{place.as_posix()}.insteadOf",
        f"GIT_CONFIG_VALUE_{count}": _git_address(remembered),
    }
