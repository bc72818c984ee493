"""Service and app in one process tree, as a Hugging Face Space runs them."""

import os
from typing import NoReturn

from ..demo import free_port, service
from .app import run
from .settings import UiSettings


def main() -> NoReturn:
    """Serve the champion of this folder on loopback, and show the app to everybody."""
    with service(free_port(0)) as (base_url, _):
        port = int(os.environ.get("GRADIO_SERVER_PORT", "7860"))
        # Everybody who reaches a Space may ask it.
        run(UiSettings(api_url=base_url, ui_host="0.0.0.0", ui_port=port))  # noqa: S104
