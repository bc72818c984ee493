"""What this program is called, read from the installed distribution: no module repeats the name."""

from functools import cache
from importlib import metadata

_PACKAGE = __name__.partition(".")[0]


@cache
def program_name() -> str:
    """Return the command that people type; the package's name where nothing is installed."""
    for script in metadata.entry_points(group="console_scripts"):
        if script.module.partition(".")[0] == _PACKAGE:
            return script.name
    return _PACKAGE.replace("_", "-")


@cache
def version() -> str:
    """Return the distribution's version, or `not installed`."""
    for script in metadata.entry_points(group="console_scripts"):
        if script.module.partition(".")[0] == _PACKAGE and script.dist is not None:
            return script.dist.version
    return "not installed"


def command(verb: str) -> str:
    """Return how a person runs a verb, for hints: `uv run <program> <verb>`, in backquotes."""
    return f"`uv run {program_name()} {verb}`"
