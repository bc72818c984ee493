"""The OpenAPI document, with the request model and a real example of the present champion."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from .champion import ChampionHolder
from .problems import Problem, ValidationProblem
from .served import ServedPredictor

REF_TEMPLATE = "#/components/schemas/{model}"

PROBLEMS = {
    408: "The body arrived too slowly.",
    413: "The body or the batch is too large.",
    415: "The body is declared as nothing that is taken here.",
    503: "Too many requests are in work; the header Retry-After says when to try again.",
    504: "The answer took too long.",
}


def describe(app: FastAPI, champion: ChampionHolder[ServedPredictor]) -> dict[str, Any]:
    """Return the document; it changes when another champion is loaded."""
    served = champion.current.model
    if app.openapi_schema is not None and app.state.described is served:
        return app.openapi_schema
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=f"The model {served.predictor.version} behind HTTP.",
        routes=app.routes,
    )
    predictor = served.predictor
    models, definitions = models_json_schema(
        [
            (predictor.request_model, "validation"),
            (predictor.response_model, "serialization"),
            (Problem, "serialization"),
            (ValidationProblem, "serialization"),
        ],
        ref_template=REF_TEMPLATE,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    document["paths"]["/v1/predict"] = {
        "post": _predict_operation(
            served,
            models[(predictor.request_model, "validation")],
            models[(predictor.response_model, "serialization")],
            models[(Problem, "serialization")],
            models[(ValidationProblem, "serialization")],
        )
    }
    if app.state.settings.api_key is not None:
        _require_key(document, models[(Problem, "serialization")])
    app.state.described, app.openapi_schema = served, document
    return document


def _predict_operation(
    served: ServedPredictor,
    request: dict[str, Any],
    response: dict[str, Any],
    problem: dict[str, Any],
    validation_problem: dict[str, Any],
) -> dict[str, Any]:
    example, answer = served.predictor.example, served.example_answer
    batch = {"type": "array", "maxItems": served.max_batch}
    uploads = {
        media_type: {"schema": {"type": "string", "format": "binary"}}
        for media_type in served.predictor.uploads
    }
    return {
        "tags": ["model"],
        "summary": "Predict",
        "description": f"Takes one object, or a list of up to {served.max_batch:,}; the answer has "
        "the same shape." + (" The bytes of a file are one request." if uploads else ""),
        "operationId": "predict",
        "parameters": [
            {
                "name": "explain",
                "in": "query",
                "description": "Also say what each part of the request contributed.",
                "schema": {"type": "boolean", "default": False},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [request, {**batch, "items": request}]},
                    "examples": {
                        "one": {"summary": "One", "value": example},
                        "batch": {"summary": "A batch of one", "value": [example]},
                    },
                },
                **uploads,
            },
        },
        "responses": {
            "200": {
                "description": "The prediction, or the list of predictions.",
                "content": {
                    "application/json": {
                        "schema": {"anyOf": [response, {"type": "array", "items": response}]},
                        "examples": {"explained": {"summary": "With explain", "value": answer}},
                    }
                },
            },
            "422": {
                "description": "A part of the request is missing, unknown or wrong.",
                "content": {"application/json": {"schema": validation_problem}},
            },
            **{str(status): _response(text, problem) for status, text in PROBLEMS.items()},
        },
    }


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _require_key(document: dict[str, Any], problem: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = {
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):
            for operation in operations.values():
                operation["security"] = [{"header": []}, {"bearer": []}]
                operation["responses"]["401"] = _response("The API key is missing.", problem)
