"""What an orchestrator and a monitoring system ask: `/healthz`, `/readyz` and `/metrics`."""

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from .champion import ChampionHolder
from .metrics import Metrics


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether requests are welcome, and the id of the model that would answer them."""

    status: Literal["ready", "not ready"]
    model: str | None


def add_routes(app: FastAPI, champion: ChampionHolder[Any], metrics: Metrics) -> None:
    """Add the three routes; none of them asks for the API key."""

    @app.get("/healthz", tags=["operations"])
    async def healthz() -> Health:
        """Say that the process runs: restart it when this fails."""
        return Health()

    @app.get(
        "/readyz",
        tags=["operations"],
        response_model=Readiness,
        responses={503: {"model": Readiness, "description": "Starting or stopping"}},
    )
    async def readyz() -> Response:
        """Say whether a model is loaded: send requests only while this succeeds."""
        model = champion.current.artifact.metadata.id if champion.loaded else None
        ready = champion.ready and champion.loaded
        answer = Readiness(status="ready" if ready else "not ready", model=model)
        return JSONResponse(answer.model_dump(), status_code=200 if ready else 503)

    @app.get(
        "/metrics",
        tags=["operations"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def read_metrics() -> Response:
        """Give the counters in the text format of Prometheus."""
        return Response(metrics.render(), media_type=metrics.content_type)
