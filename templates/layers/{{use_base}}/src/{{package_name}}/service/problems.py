"""Answers that say what is wrong and what to do, in the shape that FastAPI's errors have."""

from collections.abc import Mapping

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse


class Problem(BaseModel):
    """What is wrong, in a sentence."""

    detail: str


class FieldProblem(BaseModel):
    """One wrong field: where it is, what is wrong with it, and a name for the kind of mistake."""

    loc: list[str | int]
    msg: str
    type: str


class ValidationProblem(BaseModel):
    """The wrong fields of a request. Their values are left out: they may be personal data."""

    detail: list[FieldProblem]


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an answer with a sentence for a person."""
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def add_handlers(app: FastAPI) -> None:
    """Answer unknown paths and methods with a way on."""

    @app.exception_handler(HTTPException)
    async def explain(request: Request, error: HTTPException) -> JSONResponse:
        detail = error.detail
        if error.status_code == 404:
            detail = "There is nothing here. /openapi.json describes what there is."
        elif error.status_code == 405 and error.headers:
            detail = f"This path takes {error.headers.get('Allow', 'another method')}."
        return problem(error.status_code, detail, error.headers)
