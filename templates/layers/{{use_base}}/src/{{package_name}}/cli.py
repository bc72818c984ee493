"""The command line: the capstone's verbs, and those that every project has."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NoReturn

import typer

from . import commands, verbs
from .about import program_name, version
from .errors import UserError


@dataclass
class _Run:
    """What the options before the verb decided."""

    debug: bool = False


app = typer.Typer(
    help="Train, evaluate and serve the model. Begin with `demo`.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables could show a secret.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_start = typer.Typer()
_service = typer.Typer()
# The order in which the help shows them.
for part in (_start, commands.app, _service, *verbs.apps()):
    app.add_typer(part)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{program_name()} {version()}")
        raise typer.Exit


@app.callback()
def _before_the_verb(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the code an error came from.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    from .settings import read_dotenv

    context.ensure_object(_Run).debug = debug
    # So that `.env` also reaches libraries with variables of their own, such as the tracker.
    for name, value in read_dotenv().items():
        os.environ.setdefault(name, value)


@_start.command()
def demo(
    profile: Annotated[
        str, typer.Option(help="Which parameters of params.toml to train with.")
    ] = "default",
    keep_serving: Annotated[
        bool, typer.Option("--keep-serving", help="Leave the service running until Ctrl-C.")
    ] = False,
    ui: Annotated[
        bool, typer.Option("--ui", help="Keep serving, and open the app in the browser.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the service; 0 takes a free one.")
    ] = 0,
) -> None:
    """Train on the embedded data, serve the model, and send it one real request."""
    from .demo import run_demo

    run_demo(profile, keep_serving=keep_serving, ui=ui, port=port)


@_service.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.  [APP_HOST]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port to listen on.  [APP_PORT]")
    ] = None,
) -> None:
    """Serve the champion over HTTP until Ctrl-C."""
    from .service.server import run
    from .settings import Settings

    given = {"host": host, "port": port}
    run(Settings(**{name: value for name, value in given.items() if value is not None}))


@_service.command()
def report() -> None:
    """Write the report on the champion as one HTML file."""
    from .console import console

    path = commands.write_report()
    console.print(f"Written: {path}", markup=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, 1 for an error, 2 for wrong options, 130 for Ctrl-C.

    Parameters
    ----------
    arguments : Sequence[str] | None
        Without the program's name; by default those of the process.
    """
    run = _Run()
    try:
        app(args=None if arguments is None else list(arguments), obj=run)
    except UserError as error:
        if run.debug:
            raise
        _say(str(error), error.hint)
    except OSError as error:
        if run.debug or error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror}.", "With --debug before the verb you see where it happened.")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)


def _say(problem: str, hint: str) -> None:
    from rich.text import Text

    from .console import error_console

    error_console.print(Text(problem, style="bold red"), soft_wrap=True)
    if hint:
        error_console.print(Text(hint), soft_wrap=True)
