"""Asks the running service, and turns whatever goes wrong into a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from ..about import command
from ..errors import UserError
from .drawing import words

TIMEOUT_SECONDS = 30.0


class ServiceError(UserError):
    """The service is away, too slow, or refuses."""


@dataclass(frozen=True)
class Model:
    """What the service tells about the model that it serves.

    Attributes
    ----------
    metadata : dict[str, Any]
        The model's own, as JSON.
    card, data_card : str
        In Markdown.
    document : dict[str, Any]
        The description of the API, as OpenAPI has it.
    """

    metadata: dict[str, Any]
    card: str
    data_card: str
    document: dict[str, Any]


class Service:
    """The running service.

    Parameters
    ----------
    url : str
        Its address, for instance `http://127.0.0.1:8000`.
    api_key : SecretStr | None
        Sent with each request, where there is one.
    timeout : float
        Seconds to wait for an answer.
    """

    def __init__(
        self, url: str, api_key: SecretStr | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._headers = {"X-API-Key": api_key.get_secret_value()} if api_key else {}

    def model(self) -> Model:
        """Ask for the model's metadata, cards and API; ServiceError when it does not answer."""
        try:
            known = self._ask("GET", "/v1/model")
            document = self._ask("GET", "/openapi.json")
            return Model(
                metadata=dict(known["metadata"]),
                card=known.get("card") or "",
                data_card=known.get("data_card") or "",
                document=dict(document),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._stranger() from error

    def predict(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one request with its reasons; ServiceError when it is refused."""
        return self._predict({"json": dict(request)}, explain=True)

    def predict_upload(self, content: bytes, media_type: str, *, explain: bool) -> dict[str, Any]:
        """Return the answer to a file that is a request as it stands.

        Parameters
        ----------
        content : bytes
            The file.
        media_type : str
            What it is, for instance `image/jpeg`.
        explain : bool
            Ask for the reasons too, which takes longer.

        Raises
        ------
        ServiceError
            When it is refused: it is too large, of a kind that is not taken, or broken.
        """
        body = {"content": content, "headers": {"Content-Type": media_type}}
        return self._predict(body, explain=explain)

    def _predict(self, body: Mapping[str, Any], *, explain: bool) -> dict[str, Any]:
        asked = {"explain": "true"} if explain else {}
        answer = self._ask("POST", "/v1/predict", params=asked, **body)
        if not isinstance(answer, dict):
            raise self._stranger()
        return answer

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        try:
            # A proxy of the environment would be asked for 127.0.0.1 too.
            with httpx.Client(
                headers=self._headers, timeout=self.timeout, trust_env=False
            ) as client:
                response = client.request(method, self.url + path, **content)
            if response.status_code != 200:
                raise _refusal(response)
            return response.json()
        except httpx.TimeoutException as error:
            raise ServiceError(
                f"The service did not answer within {self.timeout:g} seconds.",
                "It may be busy: try again.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceError(
                f"No service answers at {self.url}.",
                f"Start it with {command('serve')}, or name another address in APP_API_URL.",
            ) from error
        except ValueError as error:
            raise self._stranger() from error

    def _stranger(self) -> ServiceError:
        return ServiceError(
            f"What answers at {self.url} is not this project's service.",
            "Look at APP_API_URL.",
        )


def _refusal(response: httpx.Response) -> ServiceError:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"The service answered {response.status_code}."
    if response.status_code == 401:
        return ServiceError(
            "The service asks for an API key.", "Set APP_API_KEY for this app, then start it again."
        )
    if isinstance(detail, list):
        return ServiceError(
            "\n".join(_field_problem(each) for each in detail), "Mend it and ask again."
        )
    return ServiceError(str(detail))


def _field_problem(problem: Mapping[str, Any]) -> str:
    names = [words(str(part)) for part in problem.get("loc", ()) if part != "body"]
    said = str(problem.get("msg", "is wrong")).rstrip(".")
    return f"{', '.join(names) or 'The request'}: {said}."
