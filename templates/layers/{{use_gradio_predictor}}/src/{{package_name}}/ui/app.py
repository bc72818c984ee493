"""The app: a form that is built from the service's schema when the page is opened."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

# Gradio reads it when it is imported: it reports nothing to anybody.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from gradio.components import Component

from ..about import program_name
from ..console import console, format_value
from ..errors import UserError
from .client import Model, Service, ServiceError
from .fields import Field, order_by_effect, request_of
from .picture import STYLE, draw_answer, draw_failure
from .settings import UiSettings

MOST_IMPORTANT = 8  # fields that stand in sight; the rest waits in a drawer
WIDTH = 150  # pixels: two fields beside each other on a telephone
# Gradio keeps each opened page's form, about half a megabyte, until there are more than these.
PAGES_KEPT = 200
# Fonts of the machine: the page asks no other host for anything.
FONTS = ["system-ui", "sans-serif"]
MONOSPACE = ["ui-monospace", "monospace"]
# On a telephone the answer stands below the form.
SHOW_ANSWER = """() => { if (window.innerWidth < 800)
  document.getElementById('answer').scrollIntoView({behavior: 'smooth'}); }"""


def build(service: Service) -> gr.Blocks:
    """Return the app; it asks the service anew for each person who opens it.

    Parameters
    ----------
    service : Service
        It need not run yet: the page says so, and offers to try again.
    """
    title = program_name().replace("-", " ").capitalize()
    app = gr.Blocks(title=title, analytics_enabled=False)
    with app:
        gr.Markdown(f"# {title}")

        def page() -> None:
            try:
                model = service.model()
                example = model.metadata["example"]
                answer = service.predict(example)
            except ServiceError as error:
                gr.HTML(draw_failure(error))
                retry = gr.Button("Try again", variant="primary", elem_id="retry")
                retry.click(None, js="() => window.location.reload()")
                return
            _page(service, model, answer)

        gr.render(triggers=[app.load])(page)
    return app


def component(field: Field, value: Any) -> Component:
    """Return the input of a field, filled with a value."""
    common: dict[str, Any] = {
        "label": field.label,
        "info": field.hint or None,
        "min_width": WIDTH,
        "interactive": True,
    }
    match field.kind:
        case "number":
            return gr.Number(value, **common)
        case "integer":
            return gr.Number(value, precision=0, **common)
        case "choice":
            choices = list(field.choices)
            return gr.Dropdown(choices, value=value, allow_custom_value=not field.closed, **common)
        case "boolean":
            chosen = None if value is None else "yes" if value else "no"
            return gr.Dropdown(["yes", "no"], value=chosen, **common)
        case "date":
            return gr.Textbox(value or "", placeholder="2026-11-22", **common)
        case "text":
            return gr.Textbox(value or "", lines=4 if field.long else 1, **common)


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
        css=STYLE,
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
    example: dict[str, Any] = model.metadata["example"]
    fields = order_by_effect(model.fields, first_answer.get("contributions") or ())
    target, version = model.metadata["data"]["target"], model.metadata["id"]
    with gr.Tab("Predict"), gr.Row():
        with gr.Column(scale=3, min_width=320):
            inputs, predict, reset = _form(fields, example)
        with gr.Column(scale=2, min_width=320, elem_id="answer"):
            shown = gr.HTML(draw_answer(first_answer, target, version))
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

    def answer(*values: Any) -> str:
        try:
            answered = service.predict(request_of(fields, values))
        except ServiceError as error:
            return draw_failure(error)
        return draw_answer(answered, target, version)

    asked = predict.click(answer, inputs, shown, api_visibility="private")
    asked.then(None, js=SHOW_ANSWER)
    reset.click(
        lambda: [component(field, example.get(field.name)) for field in fields],
        None,
        inputs,
        api_visibility="private",
    ).then(answer, inputs, shown, api_visibility="private")


def _form(
    fields: Sequence[Field], example: dict[str, Any]
) -> tuple[list[Component], gr.Button, gr.Button]:
    few = len(fields) <= 2 * MOST_IMPORTANT
    first = list(fields) if few else list(fields[:MOST_IMPORTANT])
    rest = [] if few else list(fields[MOST_IMPORTANT:])
    made: dict[str, Component] = {}

    def show(some: Sequence[Field]) -> None:
        with gr.Row():
            for field in some:
                made[field.name] = component(field, example.get(field.name))

    gr.Markdown("What matters most here" if rest else "One request")
    show(first)
    with gr.Row():
        predict = gr.Button("Predict", variant="primary", elem_id="predict")
        reset = gr.Button("Back to the example", elem_id="reset")
    numbers = [field for field in rest if field.kind in ("number", "integer")]
    others = [field for field in rest if field not in numbers]
    for title, group in (("More numbers", numbers), ("More choices", others)):
        if group:
            with gr.Accordion(f"{title} ({len(group)})", open=False):
                show(group)
    return [made[field.name] for field in fields], predict, reset


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
