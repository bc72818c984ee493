"""The command line: verbs and words. Each verb imports what it needs when it runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from capstoner.errors import CapstonerError

if TYPE_CHECKING:
    from capstoner.catalog import Catalog
    from capstoner.files import Files

app = typer.Typer(
    name="capstoner",
    help="Scaffold a production-grade machine-learning project that trains and serves at once.",
    epilog="Begin with: capstoner new house-prices ../my-house-prices --defaults --demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> NoReturn:
    """Run the command line; turn every failure into a sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an old Windows code page lacks our check mark
    # Ask nicely: a terminated run cleans up like an interrupted one.
    for name, code in (("SIGTERM", 143), ("SIGHUP", 129)):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_, code=code: sys.exit(code))
    debug = "--debug" in sys.argv
    try:
        app(prog_name="capstoner")
    except Exception as error:
        if debug:
            raise
        from capstoner import console

        if isinstance(error, CapstonerError):
            console.fail(str(error), error.hint)
            sys.exit(error.exit_code)
        console.fail(
            f"Something unforeseen happened: {type(error).__name__}: {error}",
            "Run it again as `capstoner --debug …` and report what it shows.",
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"capstoner {version('capstoner')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and stop.", callback=_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (before the verb).")
    ] = False,
) -> None:
    """Take the options that stand before the verb; `main` looks for --debug itself."""


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Capstone = Annotated[str, typer.Argument(metavar="CAPSTONE", help="Its name, as `list` shows it.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the capstones, and the choices of their stack."""
    from capstoner.screens import print_catalog

    print_catalog(_own()[0], as_json=as_json)


@app.command()
def show(capstone: Capstone, as_json: AsJson = False) -> None:
    """Show a capstone: its questions, what each option adds, and what it weighs."""
    from capstoner.screens import print_capstone

    catalog, files = _own()
    print_capstone(catalog, files, catalog.capstone(capstone), as_json=as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check what this machine has, what it lacks for which option, and how to get it."""
    from capstoner import console, screens
    from capstoner.doctor import examine

    with console.working("Looking around …"):
        checks = examine(_own()[0], Path.cwd())
    if not screens.print_checkup(checks, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def new(
    capstone: Capstone,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The folder of the new project.")
    ],
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take every default.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Then train, evaluate, serve and ask one real question."),
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Answer the stack; `list` names the presets."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="QUESTION=ANSWER",
            help="Answer a question, over any preset; repeatable.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="URL_OR_PATH", help="Another template: an address or a clone."),
    ] = None,
    vcs_ref: Annotated[
        str | None, typer.Option(metavar="REF", help="A tag, branch or commit of the template.")
    ] = None,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Make no lock file and install nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
) -> None:
    """Make a project from a capstone: the files, a Git repository, a lock file."""
    from capstoner.scaffold import create

    exit_code = create(
        capstone,
        destination,
        preset=preset,
        settings=settings or (),
        source=source,
        ref=vcs_ref,
        defaults=defaults,
        install=not no_install,
        demo=demo,
        force=force,
    )
    raise typer.Exit(exit_code)


@app.command()
def update(
    project: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder of the project.")
    ] = Path(),
    to: Annotated[
        str | None,
        typer.Option(
            "--to", "--ref", metavar="VERSION", help="A tag, branch or commit of the template."
        ),
    ] = None,
) -> None:
    """Merge what the template learned into a project; all or nothing, and nothing is committed."""
    from capstoner.update import update as bring_up_to_date

    raise typer.Exit(bring_up_to_date(project, to=to))


def _own() -> tuple[Catalog, Files]:
    """Return what the template of this command line offers, and its files, as they are on disk."""
    from capstoner.catalog import load
    from capstoner.source import own_files

    files = own_files()
    return load(files.read), files
