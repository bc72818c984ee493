"""The verb `new`: announce, render, move into place, and start the project's history."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from capstoner import console, git, staging
from capstoner.catalog import Catalog, Choice, load, propose
from capstoner.doctor import GET_GIT
from capstoner.errors import CapstonerError, RefusedError
from capstoner.presets import Preset
from capstoner.project import ANSWERS_FILE, Project, find_uv
from capstoner.render import render
from capstoner.sizes import Estimate
from capstoner.source import Source, open_source


def create(
    capstone: str,
    destination: Path,
    *,
    preset: str | None = None,
    settings: Sequence[str] = (),
    source: str | None = None,
    ref: str | None = None,
    defaults: bool = False,
    install: bool = True,
    demo: bool = False,
    force: bool = False,
) -> int:
    """Make a project.

    Parameters
    ----------
    capstone
        Its name in the catalogue.
    destination
        The folder of the new project.
    preset
        What answers the questions of the stack that `settings` leaves open.
    settings
        Answers as `QUESTION=ANSWER`.
    source, ref
        Another template, and its version; see `open_source`.
    defaults
        Ask nothing.
    install
        Make the lock file.
    demo
        Run the project's demo at the end.
    force
        Write into a folder that is not empty.

    Returns
    -------
    int
        The exit code; not 0 if the project stands, and a step after it failed.

    Raises
    ------
    CapstonerError
        If no project was made; nothing is left behind then.
    """
    if demo and not install:
        raise RefusedError(
            "--demo needs the packages that --no-install leaves out.", "Leave one of them out."
        )
    destination = destination.expanduser()
    existing = staging.conflicts(destination)
    destination = destination.resolve()
    if not destination.name:
        raise RefusedError(f"{destination} cannot be a project.", "Choose a new folder.")
    _check_tools(needs_uv=install)

    try:
        with staging.workspace(destination) as scratch:
            with console.working("Reading the template …"):
                template = open_source(source, ref, scratch)
            catalog = load(template.files.read)
            chosen = catalog.capstone(capstone)
            taken = catalog.preset(preset) if preset else None
            given = dict(_setting(catalog, text) for text in settings)
            answers = {"capstone": capstone, **given}
            if taken:
                answers |= _preset_answers(catalog, taken, answers)
            _refuse_inside(template.place, destination)
            if not defaults and not sys.stdin.isatty():
                raise RefusedError(
                    "There is no terminal to ask the questions on.",
                    "Add --defaults, and --set QUESTION=ANSWER for what shall differ.",
                )
            _announce(
                catalog, template, chosen, destination, answers, taken, demo=demo, install=install
            )
            if existing and not force:
                _ask_consent(destination, existing)
            rendered = render(
                template,
                scratch,
                destination.name,
                answers,
                defaults=defaults,
                refuse_unused=given,
            )
            files = sum(1 for path in rendered.rglob("*") if path.is_file())
            staging.place(rendered, destination)
    except KeyboardInterrupt:
        console.fail("Interrupted: nothing was written.")
        raise
    console.done(f"{files} files in {_near(destination)}")
    return _finish(destination, install=install, demo=demo)


def _check_tools(*, needs_uv: bool) -> None:
    """Refuse before anything is written if Git or uv is missing or too old."""
    found = git.version()
    if found is None or found < git.OLDEST_GIT:
        oldest = ".".join(map(str, git.OLDEST_GIT))
        has = "is not installed" if found is None else f"{'.'.join(map(str, found))} is too old"
        raise CapstonerError(
            f"Git {has}; {oldest} or newer is needed for the first commit and for updates.",
            f"Get it: {GET_GIT.get(platform.system(), 'https://git-scm.com')}",
        )
    if needs_uv and find_uv() is None:
        raise CapstonerError(
            "uv is not installed; it makes the lock file and the environment.",
            "Get it with `pip install uv`, or add --no-install to make the files alone.",
        )


def _refuse_inside(template: Path, destination: Path) -> None:
    """Refuse to make a project inside the clone of the template."""
    if destination.is_relative_to(template):
        raise RefusedError(
            f"{destination} lies inside the template itself.",
            f"Choose a folder beside it, for instance {template.parent / destination.name}",
        )


def _setting(catalog: Catalog, text: str) -> tuple[str, Any]:
    """Read one `--set QUESTION=ANSWER`."""
    name, equals, answer = text.partition("=")
    if not equals:
        raise RefusedError(
            f"--set {text} has no equals sign.", "Write --set QUESTION=ANSWER, e.g. license=MIT."
        )
    return name.strip(), catalog.answer(name.strip(), answer.strip())


def _preset_answers(catalog: Catalog, preset: Preset, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a preset answers: the questions of the stack that fit and that are still open."""
    stack = {question.name for question in catalog.stack}
    return {
        proposal.question.name: proposal.answer
        for proposal in propose(catalog, known, preset)
        if proposal.question.name in stack - known.keys() and proposal.answer is not None
    }


def _announce(
    catalog: Catalog,
    template: Source,
    chosen: Choice,
    destination: Path,
    known: Mapping[str, Any],
    preset: Preset | None,
    *,
    demo: bool,
    install: bool,
) -> None:
    """Say what will happen and what it will download, before anything does."""
    steps = ["files", "git init", *(["uv lock"] if install else []), "first commit"]
    rows = [
        ("capstone", chosen.label),
        *([("preset", f"{preset.name}: {preset.summary}")] if preset else []),
        ("folder", str(destination)),
        ("template", f"{template.version or 'as it is'} of {template.remembered}"),
        ("steps", ", ".join([*steps, *(["packages", "demo"] if demo else [])])),
    ]
    likely = {**known, **{p.question.name: p.answer for p in propose(catalog, known)}}
    estimate = catalog.sizes.estimate(chosen.value, likely)
    if estimate and install:
        weight, when = estimate.weight, "now" if demo else "at the first `uv run`"
        download, disk = map(console.megabytes, (weight.download_megabytes, weight.disk_megabytes))
        amount = "up to" if estimate.measured else "about"
        rows += [
            (
                "download",
                f"{when} {amount} {download} for {weight.packages} packages, {disk} on disk",
            ),
            ("", f"({_basis(estimate, catalog.sizes.measured_on)})"),
        ]
    console.facts(rows)
    console.say()
    for note in template.notes:
        console.warn(note)


def _basis(estimate: Estimate, measured_on: str) -> str:
    """Say what an amount is founded on."""
    if estimate.measured:
        return f"this stack, measured {measured_on}"
    basis = f"the lightest stack and what each choice adds to it, measured {measured_on}"
    unknown = ", ".join(estimate.unknown)
    return f"{basis}; without {unknown}, not measured yet" if unknown else basis


def _ask_consent(destination: Path, existing: list[str]) -> None:
    if ANSWERS_FILE in existing:
        console.warn("It is a project already: `capstoner update` inside it brings it up to date.")
    some = ", ".join(existing[:5]) + (", …" if len(existing) > 5 else "")
    if not sys.stdin.isatty():
        raise RefusedError(
            f"{destination} is not empty: it holds {some}.",
            "Choose a new folder, or add --force; files of the same name are then replaced.",
        )
    console.warn(f"{destination} is not empty: it holds {some}.")
    if not console.agrees("Write there, and replace files of the same name?"):
        raise RefusedError("Nothing was written.", "Choose another folder.")


def _finish(destination: Path, *, install: bool, demo: bool) -> int:
    """Make the repository, the lock file and the first commit; run the demo; say what is next.

    The project stands by now: whatever fails here leaves it, and names the commands that are left.
    The exit code is returned.
    """
    project = Project(destination)
    outer = project.outer_repository()
    steps: list[tuple[str, Callable[[], str]]] = []
    if outer is None:
        steps.append(("git init", project.start_repository))
    if install:
        steps.append(("uv lock", project.lock))
    if outer is None:
        steps.append(("git commit", project.commit_all))
    else:
        console.warn(f"{outer} is a Git repository already: commit the new files there.")
    if demo:
        steps.append((f"uv run {project.command} demo", project.demo))

    done: set[str] = set()
    exit_code = 0
    for name, step in steps:
        if exit_code and name != "git commit":  # a project without a lock file is worth a commit
            break
        try:
            if step == project.demo:
                console.say(f"\n$ {name}", "bold")
                result = step()
            else:
                with console.working(f"{name} …"):
                    result = step()
        except CapstonerError as error:
            console.fail(f"The project is made, but `{name}` failed.\n{error}", error.hint)
            exit_code = 1
        except KeyboardInterrupt:
            console.fail(f"`{name}` was interrupted; the project is kept.")
            exit_code = 130
            break
        else:
            done.add(name)
            console.done(f"{name}: {result}" if result else name)

    console.say()
    left = [(f"cd {_quoted(_near(destination))}", "")]
    if outer is None and "git init" not in done:
        left.append(("git init", ""))
    if "uv lock" not in done:
        left.append(("uv lock", ""))
    if outer is None and not {"uv lock", "git commit"} <= done:
        left.append(("git add --all", ""))
        left.append((f'git commit --message "{project.first_message}"', ""))
    if demo and not exit_code:
        left.append((f"uv run {project.command} --help", "all that it can do"))
    else:
        left.append((f"uv run {project.command} demo", "train, evaluate, serve, ask once"))
    console.say("What is left:" if exit_code else "Your project is ready. Next:", "bold")
    console.say()
    console.commands(left)
    console.say("\nREADME.md tells the rest: your own data, tests, deployment, updates.")
    return exit_code


def _near(folder: Path) -> str:
    """Return the shorter of the relative and the absolute path."""
    try:
        return min(os.path.relpath(folder), str(folder), key=len)
    except ValueError:  # another drive of Windows
        return str(folder)


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
