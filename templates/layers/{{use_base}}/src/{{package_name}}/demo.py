"""`demo`: train, serve, ask once, so that a person sees the whole project work in one command."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from http.client import HTTPException
from importlib.util import find_spec
from types import FrameType
from typing import IO, NoReturn

from rich.text import Text

from . import commands, first_request
from .about import command
from .console import console
from .errors import UserError
from .promotion import champion
from .settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LOG_LINES_SHOWN = 15
# An option of the stack may bring this verb.
UI_VERB = "ui"


def run_demo(profile: str, *, keep_serving: bool = False, ui: bool = False, port: int = 0) -> None:
    """Train with a profile, start the service as a child process, and send it one real request.

    Parameters
    ----------
    profile : str
        A profile of params.toml.
    keep_serving : bool
        Leave the service running until Ctrl-C.
    ui : bool
        Do so, and open the app over it in the browser.
    port : int
        Port of the service; 0 takes a free one.

    Raises
    ------
    UserError
        When this project has no app, the port is taken, or the service does not start; it
        shows the end of the log.
    """
    settings = Settings()
    if ui and find_spec(f"{__package__}.verbs.{UI_VERB}") is None:
        raise UserError(
            "This project has no app; the service has a small page of its own.",
            "Add it: `uvx copier update --data ui=gradio`. Or see the page: --keep-serving.",
        )
    port = free_port(port)
    console.print(Text(f"\n1. Train with the profile {profile}", style="bold"))
    commands.train_for_demo(profile)

    console.print(Text("\n2. Serve the champion", style="bold"))
    with service(port) as (base_url, wait):
        console.print(f"The service answers at {base_url}", markup=False)
        console.print(Text("\n3. Send one real request", style="bold"))
        console.print(first_request.send(base_url), markup=False, soft_wrap=True)
        if keep_serving or ui:
            _print_next_steps(settings)
            console.print(f"\nStill serving at {base_url}. Ctrl-C stops it.", markup=False)
            with _app_over(base_url) if ui else nullcontext():
                wait()
    console.print("The service is stopped again.")
    _print_next_steps(settings)


def _print_next_steps(settings: Settings) -> None:
    console.print(Text("\nWhere to look next", style="bold"))
    for what, where in (
        ("the model card", str(champion(settings.artifacts_dir).path / "card.md")),
        ("the report, with figures", command("report")),
        ("the service, with a page to try the model", command("serve")),
        ("your own data, and all other verbs", command("--help")),
    ):
        console.print(f"  {what + ':':<44}{where}", markup=False, soft_wrap=True)


def free_port(port: int) -> int:
    """Return the port if nobody listens on it, or any free one for 0; else UserError."""
    with socket.socket() as probe:
        if os.name == "posix":  # There it frees the port of a service that ended a moment ago.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"Port {port} cannot be used: {error.strerror}.",
                "Leave --port away: a free port is chosen.",
            ) from error
        return int(probe.getsockname()[1])


@contextmanager
def service(port: int) -> Iterator[tuple[str, Callable[[], NoReturn]]]:
    """Run `serve` as a child process until the block ends, however it ends.

    Yields
    ------
    tuple[str, Callable[[], NoReturn]]
        The address of the service, which is ready; and a function that waits until it ends by
        itself, and then raises UserError.

    Raises
    ------
    UserError
        When the service ends early or does not get ready; it shows the end of the log.
    """
    base_url = f"http://{HOST}:{port}"
    arguments = ["serve", "--host", HOST, "--port", str(port)]
    with tempfile.TemporaryFile() as log, _exit_when_terminated():
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __package__ or "", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
        )

        def wait() -> NoReturn:
            raise _failure(f"ended with exit code {child.wait()}", log)

        try:
            _wait_until_ready(base_url, child, log)
            yield base_url, wait
        finally:
            _stop(child)


@contextmanager
def _app_over(base_url: str) -> Iterator[None]:
    """Run the app as a child process until the block ends; it prints its address itself."""
    arguments = [UI_VERB, "--api", base_url, "--port", "0", "--open"]
    child = subprocess.Popen([sys.executable, "-m", __package__ or "", *arguments])  # noqa: S603
    try:
        yield
    finally:
        _stop(child)


def _wait_until_ready(base_url: str, child: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    # A proxy of the environment would be asked for 127.0.0.1 too.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise _failure(f"ended with exit code {child.returncode}", log)
        try:
            with opener.open(f"{base_url}/readyz", timeout=2):
                return
        except (OSError, HTTPException):  # Refused, not ready or too slow: ask again.
            time.sleep(0.1)
    raise _failure(f"was not ready after {START_SECONDS:.0f} seconds", log)


def _failure(what: str, log: IO[bytes]) -> UserError:
    log.seek(0)
    lines = log.read().decode("utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    return UserError(
        "\n".join([f"The service {what}. The end of its log:", *(f"  {line}" for line in lines)]),
        f"Start it alone to see more: {command('serve')}.",
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=STOP_SECONDS)
    finally:  # Too slow, or a second Ctrl-C: in any case no process is left behind.
        child.kill()
        child.wait()


@contextmanager
def _exit_when_terminated() -> Iterator[None]:
    """Turn SIGTERM into an exit that runs `finally`; without it the child would outlive us."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
