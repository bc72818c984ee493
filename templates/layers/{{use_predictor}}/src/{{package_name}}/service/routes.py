"""The routes of a project that predicts: `/v1/predict`, `/v1/model`, and a page to try them."""

import asyncio
import base64
import hashlib
import re
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI
from prometheus_client import Counter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ..artifact import Artifact, Metadata
from ..predictor import Predictor
from ..settings import Settings
from .champion import ChampionHolder
from .openapi import describe
from .problems import problem
from .served import InvalidRequestError, ServedPredictor, TooManyRowsError

# Up to this size a row of fields is answered on the event loop: handing it to a thread would take
# longer than the prediction. A larger body would hold up the other requests, and so would a picture
# of any size: some bytes unpack to millions of pixels.
INLINE_BODY_BYTES = 16_384
PAGE = Path(__file__).with_name("page.html")


class ModelInformation(BaseModel):
    """What is known about the served model; `card` and `data_card` are Markdown."""

    metadata: Metadata
    card: str | None
    data_card: str | None
    loaded_at: datetime


def load(artifact: Artifact, settings: Settings) -> ServedPredictor:
    """Make an artefact ready to answer; UserError when it cannot."""
    return ServedPredictor(Predictor.load(artifact.path), artifact, settings.max_batch)


def add_routes(app: FastAPI, champion: ChampionHolder[ServedPredictor]) -> None:
    """Add the family's routes.

    Parameters
    ----------
    app : FastAPI
        With `settings`, `metrics`, `recorder` and, once started, `workers` in its state.
    champion : ChampionHolder[ServedPredictor]
        Each request asks it for the model of that moment.
    """
    predictions = Counter("predictions", "Answered rows.", registry=app.state.metrics.registry)

    # A plain Starlette route: FastAPI's own would parse each body twice, and would keep the request
    # model of the first champion. `describe` puts it into the OpenAPI document.
    async def predict(request: Request) -> Response:
        served = champion.current.model
        explain = _explain(request)
        if explain is None:
            return _invalid([_WRONG_EXPLAIN])
        media_type = _media_type(request)
        body = await request.body()
        if media_type in served.predictor.uploads:
            work = partial(served.answer_upload, body, media_type, explain=explain)
        elif _is_json(media_type):
            work = partial(served.answer, body, explain=explain)
        else:
            return problem(415, _taken(served))
        try:
            if explain or served.predictor.uploads or len(body) > INLINE_BODY_BYTES:
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(request.app.state.workers, work)
            else:
                answer = work()
        except InvalidRequestError as error:
            return _invalid(error.problems)
        except TooManyRowsError:
            return problem(413, f"Send at most {served.max_batch:,} rows at once.")
        predictions.inc(answer.rows)
        watched = partial(served.predictor.watched, answer.requests, answer.answers)
        request.app.state.recorder.record(served.artifact, answer.rows, watched)
        request.scope["state"].update(rows=answer.rows, model=served.predictor.version)
        return Response(answer.body, media_type="application/json")

    app.router.add_route("/v1/predict", predict, methods=["POST"])

    @app.get("/v1/model", tags=["model"])
    async def read_model() -> ModelInformation:
        """Give the served model's metadata, metrics and cards."""
        now = champion.current
        return ModelInformation(
            metadata=now.artifact.metadata,
            card=_text(now.artifact, "card.md"),
            data_card=_text(now.artifact, "data_card.md"),
            loaded_at=now.loaded_at,
        )

    page = PAGE.read_text(encoding="utf-8")
    page_headers = {"Content-Security-Policy": _page_policy(page)}

    @app.get("/", include_in_schema=False)
    async def read_page() -> HTMLResponse:
        return HTMLResponse(page, headers=page_headers)

    app.openapi = partial(describe, app, champion)  # type: ignore[method-assign]


_WRONG_EXPLAIN: dict[str, Any] = {
    "loc": ["query", "explain"],
    "msg": "Input should be true or false",
    "type": "bool_parsing",
}


def _explain(request: Request) -> bool | None:
    """Return the query parameter `explain`, or None when it is neither true nor false."""
    query = request.scope["query_string"]
    if not query:
        return False
    value = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("explain", ["false"])[-1]
    return {"true": True, "1": True, "false": False, "0": False}.get(value.lower())


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _taken(served: ServedPredictor) -> str:
    said = "Send JSON, with the header Content-Type: application/json"
    if uploads := served.predictor.uploads:
        said += f"; or the bytes of a file, with {' or '.join(uploads)}"
    return said + "."


def _invalid(problems: list[dict[str, Any]]) -> JSONResponse:
    return JSONResponse({"detail": problems}, status_code=422)


def _text(artifact: Artifact, name: str) -> str | None:
    return artifact.read_text(name) if name in artifact.metadata.files else None


def _page_policy(page: str) -> str:
    """Allow the page its own script and style, by their hashes, and requests to this service."""

    def hashes(tag: str) -> str:
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in texts)
        return " ".join(f"'sha256-{digest.decode()}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
