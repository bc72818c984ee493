"""`ui`: the Gradio app over the running service."""

from importlib.util import find_spec
from typing import Annotated, Any

import typer

from ..errors import UserError

app = typer.Typer()


@app.command()
def ui(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.  [APP_UI_HOST]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on; 0 a free one.  [APP_UI_PORT]"),
    ] = None,
    api: Annotated[
        str | None, typer.Option(help="Address of the running service.  [APP_API_URL]")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Show a Gradio app that asks the running service, until Ctrl-C."""
    if find_spec("gradio") is None:
        raise UserError("Gradio is not installed.", "`uv sync --group ui` installs it.")
    from ..demo import free_port
    from ..ui.app import run
    from ..ui.settings import UiSettings

    given: dict[str, Any] = {"ui_host": host, "ui_port": port, "api_url": api}
    settings = UiSettings(**{name: value for name, value in given.items() if value is not None})
    if settings.ui_port == 0:
        settings = settings.model_copy(update={"ui_port": free_port(0)})
    run(settings, open_browser=open_browser)
