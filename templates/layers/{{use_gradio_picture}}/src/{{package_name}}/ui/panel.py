"""The tab "Predict": a picture of a file, or the camera, and a word that is spelled before it."""

import base64
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from .answer import STYLE as ANSWER_STYLE
from .answer import draw_answer, draw_picture
from .client import Model, Service, ServiceError
from .drawing import draw_failure
from .spelling import Held
from .uploads import FRAME_SIDE, JPEG, as_jpeg, as_sent, data_url, take

# As in a mirror; Gradio's own would mirror what is sent, and a mirrored hand is another hand.
STYLE = ANSWER_STYLE + "#camera video { transform: scaleX(-1); }\n"
FRAME_SECONDS = 0.5
CAMERAS = 8  # that are read at once; who comes later waits until one is stopped
CAMERA_SECONDS = 300  # until a camera is let go, so that nobody waits for ever


def build(service: Service, model: Model, first_answer: dict[str, Any]) -> None:
    """Draw the picture or the camera, and the answer beside it.

    Parameters
    ----------
    service : Service
        It is asked.
    model : Model
        What the service told about its model.
    first_answer : dict[str, Any]
        Its answer to the model's example.
    """
    target, version = model.metadata["data"]["target"], model.metadata["id"]
    [encoded] = model.metadata["example"].values()
    example = base64.b64decode(encoded)

    def read(content: bytes) -> tuple[str, str]:
        sent, media_type = as_sent(content)
        answer = service.predict_upload(sent, media_type, explain=True)
        drawn = draw_picture(data_url(sent, media_type), answer)
        return drawn, draw_answer(answer, target, version)

    def read_upload(upload: dict[str, Any] | None) -> tuple[Any, Any, None]:
        if upload is None:
            return gr.skip(), gr.skip(), None
        try:
            return *read(take(Path(upload["path"]))), None
        except ServiceError as error:
            return "", draw_failure(error), None

    def read_example() -> tuple[Any, str]:
        try:
            return read(example)
        except ServiceError as error:
            return gr.skip(), draw_failure(error)

    def read_frame(
        frame: Image.Image | None, spells: bool, held: Held, word: str
    ) -> tuple[Any, Held, Any, Any]:
        if frame is None:
            return gr.skip(), held, gr.skip(), gr.skip()
        try:
            picture = as_jpeg(frame, FRAME_SIDE)
            answer = service.predict_upload(picture, JPEG, explain=False)
        except ServiceError as error:
            return draw_failure(error), Held(), gr.skip(), gr.skip()
        drawn = draw_answer(answer, target, version)
        if not spells:
            return drawn, Held(), "", gr.skip()
        held = held.then(answer["prediction"] if answer["sure"] else None)
        return drawn, held, str(held), word + str(held.sign) if held.is_taken_now else gr.skip()

    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            with gr.Tab("Picture"):
                shown = gr.HTML(draw_picture(_address(example), first_answer))
                gr.Markdown("Another picture: PNG, JPEG or WebP")
                chosen = gr.File(label="Another picture", show_label=False, height=120)
                reset = gr.Button("Back to the example", elem_id="reset")
            with gr.Tab("Camera"):
                camera = gr.Image(
                    sources=["webcam"],
                    streaming=True,
                    type="pil",
                    label="Camera, as in a mirror",
                    webcam_options=gr.WebcamOptions(mirror=False),
                    elem_id="camera",
                    height=380,
                )
                spells, word, progress = _speller()
            gr.Markdown("Only the square in the middle is read. No picture is stored.")
        with gr.Column(scale=2, min_width=320, elem_id="answer"):
            answered = gr.HTML(draw_answer(first_answer, target, version))

    # Unprocessed: Gradio would refuse what is no picture without a sentence, and keep the rest.
    chosen.upload(
        read_upload,
        chosen,
        [shown, answered, chosen],
        preprocess=False,
        api_visibility="private",
    )
    reset.click(read_example, None, [shown, answered], api_visibility="private")
    held = gr.State(Held())
    camera.stream(
        read_frame,
        [camera, spells, held, word],
        [answered, held, progress, word],
        stream_every=FRAME_SECONDS,
        time_limit=CAMERA_SECONDS,
        concurrency_limit=CAMERAS,
        show_progress="hidden",
        api_visibility="private",
    )


def _address(picture: bytes) -> str:
    return data_url(*as_sent(picture))


def _speller() -> tuple[gr.Checkbox, gr.Textbox, gr.Markdown]:
    spells = gr.Checkbox(label="Spell a word: a sign that is held is added to it", elem_id="spell")
    progress = gr.Markdown(elem_id="held")
    word = gr.Textbox(label="Word", elem_id="word")
    with gr.Row():
        for name, change in (
            ("Space", lambda word: f"{word} "),
            ("Delete", lambda word: word[:-1]),
            ("Clear", lambda word: ""),
        ):
            button = gr.Button(name, elem_id=name.lower(), min_width=80)
            button.click(change, word, word, api_visibility="private")
    return spells, word, progress
