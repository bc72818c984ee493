"""Verbs that options of the stack add to the command line, each in a file of its own.

A module here offers `app`, a Typer app with its verbs, and imports what they need only when they
run. Nothing else has to be told.
"""

import importlib
import pkgutil
from collections.abc import Iterator

import typer


def apps() -> Iterator[typer.Typer]:
    """Yield the verbs of each module, by the order of their names."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        yield importlib.import_module(f"{__name__}.{module.name}").app
