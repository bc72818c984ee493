"""The tab "Predict": a form that is built from the service's schema."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from .answer import STYLE as ANSWER_STYLE
from .answer import draw_answer
from .client import Model, Service, ServiceError
from .drawing import draw_failure
from .fields import Field, order_by_effect, read_fields, request_of

STYLE = ANSWER_STYLE
MOST_IMPORTANT = 8  # fields that stand in sight; the rest waits in a drawer
WIDTH = 150  # pixels: two fields beside each other on a telephone
# On a telephone the answer stands below the form.
SHOW_ANSWER = """() => { if (window.innerWidth < 800)
  document.getElementById('answer').scrollIntoView({behavior: 'smooth'}); }"""


def build(service: Service, model: Model, first_answer: dict[str, Any]) -> None:
    """Draw the form with the example in it, and the answer beside it.

    Parameters
    ----------
    service : Service
        It is asked.
    model : Model
        What the service told about its model.
    first_answer : dict[str, Any]
        Its answer to the model's example.
    """
    example: dict[str, Any] = model.metadata["example"]
    contributions = first_answer.get("contributions") or ()
    fields = order_by_effect(read_fields(model.document), contributions)
    target, version = model.metadata["data"]["target"], model.metadata["id"]
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            inputs, predict, reset = _form(fields, example)
        with gr.Column(scale=2, min_width=320, elem_id="answer"):
            shown = gr.HTML(draw_answer(first_answer, target, version))

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
