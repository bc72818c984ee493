"""Copier at work: ask the open questions and render the template."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from capstoner import git
from capstoner.errors import CapstonerError, RefusedError
from capstoner.project import ANSWERS_FILE
from capstoner.source import Source

if TYPE_CHECKING:
    from copier import Settings


def render(
    source: Source,
    scratch: Path,
    name: str,
    answers: Mapping[str, Any],
    *,
    defaults: bool,
    refuse_unused: Mapping[str, Any] | None = None,
) -> Path:
    """Let Copier ask the open questions and render the project below `scratch`.

    Parameters
    ----------
    source
        The template.
    scratch
        The folder that `workspace` gave.
    name
        The name of the project's folder, which a template may use.
    answers
        Answers that are not asked for.
    defaults
        Take the default of every other question.
    refuse_unused
        Answers that the person set: refused if these questions do not arise.

    Returns
    -------
    Path
        The rendered folder, still inside `scratch`.

    Raises
    ------
    CapstonerError
        If an answer or the template is refused, or the disk is full.
    KeyboardInterrupt
        If the person stopped a question.
    """
    staged = scratch / "project" / name
    staged.parent.mkdir()
    with copier_at_work(source, scratch) as settings:
        import copier

        copier.run_copy(
            source.remembered,
            staged,
            dict(answers),
            vcs_ref=source.commit,
            settings=settings,
            defaults=defaults,
            quiet=True,
        )

    if not (staged / ANSWERS_FILE).is_file():
        raise CapstonerError(
            f"The template writes no {ANSWERS_FILE}, so the project could never be updated.",
            "Nothing was written. Ask the author of the template to add that file.",
        )
    recorded = yaml.safe_load((staged / ANSWERS_FILE).read_text(encoding="utf-8"))
    for question in refuse_unused or {}:
        if question not in recorded:
            raise RefusedError(
                f"“{question}” is not asked with these answers, so it cannot be set.",
                "Leave it out; `capstoner show CAPSTONE` lists what fits.",
            )
    return staged


@contextmanager
def copier_at_work(source: Source, scratch: Path) -> Iterator[Settings]:
    """Let Copier read `source`, keep its temporary files in `scratch`, and tell its errors.

    What it yields are the person's settings of Copier. Whoever calls it leaves nothing behind.

    Raises
    ------
    CapstonerError
        For whatever Copier, Git, Jinja or the disk refuse inside.
    KeyboardInterrupt
        If the person stopped a question.
    """
    temporary = scratch / "temporary"
    temporary.mkdir()
    changes: dict[str, str | None] = dict.fromkeys(git.OUTER_REPOSITORY)
    changes |= source.git_settings
    if source.git_settings:
        # Copier keeps a copy of every remote template. Ours stands in for that remote, and must
        # not be taken for it later.
        changes["COPIER_CACHE_DIR"] = str(scratch / "cache")
    with _environment(changes), _temporary_files_in(temporary), _errors_told():
        yield _settings()


def _settings() -> Settings:
    import copier
    from copier.errors import SettingsError

    try:
        return copier.load_settings()
    except SettingsError as error:
        raise CapstonerError(
            f"Your settings of Copier cannot be read. {error}",
            "Mend settings.yml: https://copier.readthedocs.io/en/stable/settings/",
        ) from error


@contextmanager
def _errors_told() -> Iterator[None]:
    import jinja2
    import plumbum
    from copier.errors import (
        CopierAnswersInterrupt,
        CopierError,
        CopierWarning,
        UnsafeTemplateError,
    )

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CopierWarning)  # what matters is in `source.notes`
            yield
    except CopierAnswersInterrupt as error:
        raise KeyboardInterrupt from error
    except UnsafeTemplateError as error:
        raise CapstonerError(
            f"The template wants to run programs of its own, which Capstoner never does.\n{error}",
            "A Capstoner template needs no trust. If this is another one that you trust, use "
            "`uvx copier copy --trust`.",
        ) from error
    except plumbum.ProcessExecutionError as error:  # an OSError as well: catch it first
        said = git.without_credentials(error.stderr.strip() or str(error))
        raise CapstonerError(
            f"Git failed while Copier read the template:\n{said}", "Nothing was left behind."
        ) from error
    except OSError as error:
        # Stopped by a signal, Copier cleans up, and fails where Git is still writing: that is told
        # nobody, because the person who stopped it knows why.
        if stopped := _signal_behind(error):
            raise stopped from None
        where = f" ({error.filename})" if error.filename else ""
        raise CapstonerError(
            f"The project could not be written: {error.strerror or error}{where}.",
            "Nothing was left behind. Make room or choose another place, then try again.",
        ) from error
    except (CopierError, jinja2.TemplateError, ValueError) as error:
        # Copier reports a refused answer as a ValueError.
        answer = re.fullmatch(r"Validation error for question '(\w+)': (.*)", str(error), re.DOTALL)
        raise RefusedError(
            f"{answer[1]}: {answer[2]}" if answer else f"The template cannot be rendered: {error}",
            "Nothing was written. `capstoner show CAPSTONE` lists the questions.",
        ) from error


def _signal_behind(error: BaseException) -> BaseException | None:
    """Return the exit or the interrupt during whose handling an error came up, if one did."""
    before = error.__context__
    while before is not None and isinstance(before, Exception):
        before = before.__context__
    return before


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    """Change environment variables for a while; None removes one.

    Copier runs Git through plumbum, which keeps a copy of the environment, made when it was
    imported: that copy is brought up to date as well.
    """
    from plumbum import local

    before = dict(os.environ)
    try:
        for name, value in changes.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        with local.env():
            local.env.clear()
            local.env.update(os.environ)
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Keep Copier's temporary clones in our folder, so that they end with it."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
