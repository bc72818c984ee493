"""Running the service: one process, one port, a clean start and a clean end."""

import gc
import logging
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

import uvicorn

from ..console import error_console
from ..errors import UserError
from ..settings import Settings
from . import logs
from .app import create_app


def run(settings: Settings) -> None:
    """Serve until the process is asked to stop; requests in flight are finished first.

    SIGTERM ends the process with exit code 0, Ctrl-C raises KeyboardInterrupt.

    Raises
    ------
    UserError
        When the port is taken, or the champion is missing or damaged.
    """
    logs.configure(settings.log_level)
    signal.signal(signal.SIGTERM, _stop)
    with _listen(settings.host, settings.port) as listener:
        app = create_app(settings)
        app.state.champion.load()
        # What is loaded by now stays: the garbage collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        config = uvicorn.Config(
            app,
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=settings.graceful_seconds,
            # Longer than the 60 seconds for which load balancers keep a connection: the one that
            # sends must be the one that closes.
            timeout_keep_alive=75,
        )
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        logging.getLogger(__name__).info("Serving on %s.", address)
        if sys.stdout.isatty():
            shown = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104
            error_console.print(f"Try the model at {shown}/ (Ctrl-C stops the service).")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # `localhost` is often found as ::1 first, while most people and tools try 127.0.0.1.
        family, kind, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listener = socket.socket(family, kind)
        try:
            if sys.platform != "win32":  # There the option would let two services share the port.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UserError(
            f"The service cannot listen on {host}, port {port}: {error.strerror}.",
            "Stop what uses that port, or choose another one with APP_PORT (and APP_HOST).",
        ) from error
    return listener


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
