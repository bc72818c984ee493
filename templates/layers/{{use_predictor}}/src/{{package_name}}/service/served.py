"""A predictor made ready for HTTP: bytes in, bytes out, and mistakes named by their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, FailFast, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from ..artifact import Artifact, ArtifactError
from ..prediction import Predictor

# A client that sends thousands of mistakes learns enough from the first ones.
MAX_PROBLEMS = 100
MAX_SUGGESTIONS = 10
MAX_NAME_LENGTH = 64


@dataclass(frozen=True)
class Answer:
    """The body of an answer, and what it answers."""

    body: bytes
    requests: Sequence[BaseModel] = ()
    answers: Sequence[BaseModel] = ()

    @property
    def rows(self) -> int:
        """How many predictions it holds."""
        return len(self.answers)


class TooManyRowsError(Exception):
    """The batch is longer than the service takes."""


class InvalidRequestError(Exception):
    """The body is not a request; `problems` says where and why, without what was sent."""

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class ServedPredictor:
    """Validates, predicts and serialises, for one request or a batch.

    Parameters
    ----------
    predictor : Predictor
        The loaded model.
    artifact : Artifact
        Where it came from.
    max_batch : int
        How many requests one body may hold.

    Raises
    ------
    ArtifactError
        When the model does not answer its own example.
    """

    def __init__(self, predictor: Predictor, artifact: Artifact, max_batch: int) -> None:
        self.predictor = predictor
        self.artifact = artifact
        self.max_batch = max_batch
        model = predictor.request_model
        self.request_schema = model.model_json_schema()
        self._field_names = list(self.request_schema["properties"])
        self._request: TypeAdapter[BaseModel] = TypeAdapter(model)
        # After the first wrong row the rest is not looked at: a small body could cost much.
        self._requests: TypeAdapter[list[BaseModel]] = TypeAdapter(
            Annotated[list[model], FailFast()]  # type: ignore[valid-type, arg-type]
        )
        self._response: TypeAdapter[BaseModel] = TypeAdapter(predictor.response_model)
        self._responses: TypeAdapter[Sequence[BaseModel]] = TypeAdapter(
            list[predictor.response_model]  # type: ignore[name-defined]
        )
        self.example_answer = self._answer_example()

    def answer(self, body: bytes, *, explain: bool) -> Answer:
        """Answer a body of JSON: an object with an object, a list with a list.

        Raises
        ------
        InvalidRequestError
            When the body is not JSON, or a field is wrong; it names the field.
        TooManyRowsError
            When the list is longer than `max_batch`.
        """
        # Parsed first and then validated: `validate_json` is a little faster, but copies the whole
        # body into the error of each missing field, so that a hostile megabyte would take seconds.
        try:
            parsed = from_json(body)
        except ValueError as error:
            problem = {"loc": ["body"], "msg": f"Invalid JSON: {error}", "type": "json_invalid"}
            raise InvalidRequestError([problem]) from None
        batch = isinstance(parsed, list)
        if batch and len(parsed) > self.max_batch:
            raise TooManyRowsError(f"{len(parsed):,} rows")
        try:
            requests = (
                self._requests.validate_python(parsed)
                if batch
                else [self._request.validate_python(parsed)]
            )
        except ValidationError as error:
            raise self._mistake(error) from None  # The original error shows what was sent.
        if not batch:
            return self._answer_one(requests[0], explain=explain)
        if not requests:
            return Answer(b"[]")
        answers = self.predictor.predict(requests, explain=explain)
        return Answer(self._responses.dump_json(answers), requests, answers)

    def answer_upload(self, body: bytes, media_type: str, *, explain: bool) -> Answer:
        """Answer a body that is one request as it stands, such as the bytes of a picture.

        Parameters
        ----------
        body : bytes
            The whole file.
        media_type : str
            One of the predictor's `uploads`.
        explain : bool
            Also say what each part contributed.

        Raises
        ------
        InvalidRequestError
            When the body is not what the media type says.
        """
        try:
            request = self.predictor.uploads[media_type](body)
        except ValueError as error:
            problem = {"loc": ["body"], "msg": str(error), "type": "upload_invalid"}
            raise InvalidRequestError([problem]) from None
        return self._answer_one(request, explain=explain)

    def _answer_one(self, request: BaseModel, *, explain: bool) -> Answer:
        [answer] = answers = self.predictor.predict([request], explain=explain)
        return Answer(self._response.dump_json(answer), [request], answers)

    def _answer_example(self) -> Any:
        try:
            request = self._request.validate_python(self.predictor.example)
            [answer] = self.predictor.predict([request], explain=True)
        except (ValidationError, ValueError) as error:
            raise ArtifactError(
                f"The model in {self.artifact.path} does not answer its own example.",
                "It may come from another version of this project: train it again.",
            ) from error
        return answer.model_dump(mode="json")

    def _mistake(self, error: ValidationError) -> InvalidRequestError:
        count = error.error_count()
        if count > len(self._field_names) + MAX_PROBLEMS:
            # To list them would hold up all other requests for a second.
            return InvalidRequestError(
                [_more(f"There are {count:,} problems: this is no request.")]
            )
        details = error.errors(include_url=False, include_context=False, include_input=False)
        problems = [
            self._problem(detail, suggest=number < MAX_SUGGESTIONS)
            for number, detail in enumerate(details[:MAX_PROBLEMS])
        ]
        if len(details) > MAX_PROBLEMS:
            problems.append(_more(f"There are {len(details) - MAX_PROBLEMS} more problems."))
        return InvalidRequestError(problems)

    def _problem(self, detail: ErrorDetails, *, suggest: bool) -> dict[str, Any]:
        place = [part if isinstance(part, int) else _cut(part) for part in detail["loc"]]
        message = detail["msg"]
        if detail["type"] == "model_type":
            message = "Input should be an object"  # pydantic's text names a Python class.
        elif detail["type"] == "value_error":
            message = message.removeprefix("Value error, ")  # A request's own words.
        elif detail["type"] == "extra_forbidden":
            message = f"There is no field {place[-1]!r}."
            near = self._nearest(str(place[-1])) if suggest else []
            message += f" Did you mean {near[0]!r}?" if near else ""
        return {"loc": ["body", *place], "msg": message, "type": detail["type"]}

    def _nearest(self, name: str) -> list[str]:
        same = [known for known in self._field_names if _plain(known) == _plain(name)]
        return same or get_close_matches(name, self._field_names, n=1, cutoff=0.6)


def _more(message: str) -> dict[str, Any]:
    return {"loc": ["body"], "msg": message, "type": "too_many_problems"}


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH] + "…"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
