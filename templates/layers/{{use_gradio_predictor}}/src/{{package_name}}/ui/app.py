"""The app: a page that is built from what the service says of itself when it is opened."""

import os
import signal
import sys
import tempfile
import threading
from types import FrameType
from typing import Any, NoReturn

# Gradio reads it when it is imported: it reports nothing to anybody.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from ..about import program_name
from ..console import console, format_value
from ..errors import UserError
from . import drawing, panel
from .client import Model, Service, ServiceError
from .settings import UiSettings

# Gradio keeps each opened page's form, about half a megabyte, until there are more than these.
PAGES_KEPT = 200
# Fonts of the machine: the page asks no other host for anything.
FONTS = ["system-ui", "sans-serif"]
MONOSPACE = ["ui-monospace", "monospace"]
# What is uploaded is deleted when it was read; what nobody came to read, after so many seconds.
UPLOADS_KEPT_SECONDS = 60
LARGEST_UPLOAD = "25mb"


def build(service: Service) -> gr.Blocks:
    """Return the app; it asks the service anew for each person who opens it.

    Parameters
    ----------
    service : Service
        It need not run yet: the page says so, and offers to try again.
    """
    title = program_name().replace("-", " ").capitalize()
    swept = (UPLOADS_KEPT_SECONDS, UPLOADS_KEPT_SECONDS)
    app = gr.Blocks(title=title, analytics_enabled=False, delete_cache=swept)
    with app:
        gr.Markdown(f"# {title}")

        def page() -> None:
            try:
                model = service.model()
                example = model.metadata["example"]
                answer = service.predict(example)
            except ServiceError as error:
                gr.HTML(drawing.draw_failure(error))
                retry = gr.Button("Try again", variant="primary", elem_id="retry")
                retry.click(None, js="() => window.location.reload()")
                return
            _page(service, model, answer)

        gr.render(triggers=[app.load])(page)
    return app


def run(settings: UiSettings, *, open_browser: bool = False) -> NoReturn:
    """Show the app until Ctrl-C or SIGTERM.

    Parameters
    ----------
    settings : UiSettings
        Where to listen, and whom to ask.
    open_browser : bool
        Also open it in the browser of this machine.

    Raises
    ------
    UserError
        When the port cannot be used.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    # What people upload lies in a folder of this process alone, and is gone with it.
    with tempfile.TemporaryDirectory(prefix="app-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        _show(settings, open_browser)


def _show(settings: UiSettings, open_browser: bool) -> NoReturn:
    app = build(Service(settings.api_url, settings.api_key))
    try:
        address = _launch(app, settings, open_browser)
    except OSError as error:
        raise UserError(
            f"Port {settings.ui_port} of {settings.ui_host} cannot be used.",
            "Name another one with --port, or 0 for any that is free.",
        ) from error
    console.print(f"The app stands at {address}", markup=False, soft_wrap=True)
    console.print(f"It asks the service at {settings.api_url}. Ctrl-C stops it.", markup=False)
    try:
        while True:
            threading.Event().wait()
    finally:
        app.close(verbose=False)


def _launch(app: gr.Blocks, settings: UiSettings, open_browser: bool) -> str:
    _, address, _ = app.launch(
        server_name=settings.ui_host,
        server_port=settings.ui_port,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        state_session_capacity=PAGES_KEPT,
        footer_links=[],
        theme=_theme(),
        css=drawing.STYLE + panel.STYLE,
        max_file_size=LARGEST_UPLOAD,
    )
    return str(address)


def _theme() -> gr.themes.Base:
    theme = gr.themes.Soft(primary_hue="indigo", font=FONTS, font_mono=MONOSPACE)
    plain, text = "transparent", "*body_text_color"
    return theme.set(
        block_title_background_fill=plain,
        block_title_background_fill_dark=plain,
        block_title_padding="0",
        block_title_text_color=text,
        block_title_text_color_dark=text,
    )


def _page(service: Service, model: Model, first_answer: dict[str, Any]) -> None:
    with gr.Tab("Predict"):
        panel.build(service, model, first_answer)
    with gr.Tab("How good it is"):
        gr.Dataframe(
            _metrics(model.metadata),
            headers=["metric", "model", "95 % interval", "baseline"],
            interactive=False,
        )
    for title, card in (("Model card", model.card), ("Data card", model.data_card)):
        if card:
            with gr.Tab(title):
                gr.Markdown(card)


def _metrics(metadata: dict[str, Any]) -> list[list[str]]:
    intervals, baseline = metadata.get("metric_intervals", {}), metadata.get("baseline", {})
    return [
        [
            name.replace("_", " "),
            format_value(value),
            " to ".join(format_value(end) for end in intervals.get(name, ())),
            format_value(baseline.get(name)),
        ]
        for name, value in metadata["metrics"].items()
    ]
