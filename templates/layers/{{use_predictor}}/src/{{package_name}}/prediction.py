"""What this family of projects expects of a capstone's `predictor.Predictor`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import BaseModel


class Predictor(Protocol):
    """A trained model that answers requests."""

    @property
    def version(self) -> str:
        """The id of its artefact."""
        ...

    @property
    def request_model(self) -> type[BaseModel]:
        """One request, built from the artefact's own schema.

        It forbids unknown fields, takes neither NaN nor infinity, and validates what a JSON parser
        returns (a date is a string there).
        """
        ...

    @property
    def response_model(self) -> type[BaseModel]:
        """One answer."""
        ...

    @property
    def example(self) -> dict[str, Any]:
        """One real request."""
        ...

    @property
    def uploads(self) -> Mapping[str, Callable[[bytes], BaseModel]]:
        """What a body that is no JSON may be: its media type, and what makes a request of it.

        `{"image/png": …}` takes the bytes of a picture as they are. The function raises ValueError
        with a sentence for a person when they are none. Empty where a request is JSON alone.
        """
        ...

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load an artefact's folder and check its golden answers; ArtifactError when damaged."""
        ...

    def predict(
        self, requests: Sequence[BaseModel], *, explain: bool = False
    ) -> Sequence[BaseModel]:
        """Answer each request, in their order, with one call of the model.

        Parameters
        ----------
        requests : Sequence[BaseModel]
            Instances of `request_model`, at least one.
        explain : bool
            Also say what each field, or part of the picture, contributed; this takes longer.

        Returns
        -------
        Sequence[BaseModel]
            As many instances of `response_model`. Safe to call from several threads.
        """
        ...

    def watched(
        self, requests: Sequence[BaseModel], answers: Sequence[BaseModel]
    ) -> Sequence[Sequence[Any]]:
        """Return the rows that monitoring compares with the training data.

        Parameters
        ----------
        requests, answers : Sequence[BaseModel]
            What `predict` was given and what it returned.

        Returns
        -------
        Sequence[Sequence[Any]]
            As many rows, each with a value for each field of the artefact's `reference.json`, in
            its order: a number, a text, a date, or None where it is missing. Safe to call from
            several threads.
        """
        ...
