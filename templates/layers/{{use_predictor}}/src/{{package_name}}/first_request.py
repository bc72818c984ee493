"""One real request to a running service, as any client would send it."""

import json
import urllib.error
import urllib.request
from typing import Any

from .errors import UserError
from .schemas import Response
from .settings import Settings

TIMEOUT_SECONDS = 30
SHOWN = 4  # fields, of what may be hundreds
# Of a text that is no word but a whole file, so much is shown.
LONG_TEXT, BEGINNING = 60, 8
# A proxy of the environment would be asked for the address of this machine, and know nothing of it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(base_url: str) -> str:
    """Ask the service about its model's own example, and why it answers so.

    Parameters
    ----------
    base_url : str
        For instance `http://127.0.0.1:8000`.

    Returns
    -------
    str
        What was asked, the answer in a sentence, and what moved it most: a line each.

    Raises
    ------
    UserError
        When the service is not there or refuses.
    """
    base_url = base_url.rstrip("/")
    example = json.loads(_ask(f"{base_url}/v1/model"))["metadata"]["example"]
    body = _ask(f"{base_url}/v1/predict?explain=true", body=json.dumps(example).encode())
    lines = [
        f"Asked:    {_summary(example)}",
        f"Answered: {Response.model_validate_json(body).headline()}",
    ]
    if contributions := json.loads(body).get("contributions"):
        lines.append(f"Because:  {_reasons(example, contributions)}")
    return "\n".join(lines)


def _summary(example: dict[str, Any]) -> str:
    given = [f"{name} {_cut(value)}" for name, value in example.items() if value is not None]
    rest = f", and {len(given) - SHOWN} more fields" if len(given) > SHOWN else ""
    return ", ".join(given[:SHOWN]) + rest


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return f"{value[:BEGINNING]}… ({len(value) / 1_000:.1f} kB)"
    return value


def _reasons(example: dict[str, Any], contributions: list[dict[str, Any]]) -> str:
    largest = sorted(contributions, key=lambda each: -abs(each["effect"]))[:SHOWN]
    reasons = ", ".join(f"{_part(example, each)} ({each['effect']:+,.6g})" for each in largest)
    compared = any(each.get("typical") is not None for each in largest)
    return reasons + (", each against a typical value" if compared else "")


def _part(example: dict[str, Any], contribution: dict[str, Any]) -> str:
    """Return a field with what was sent in it; the part of a picture has a name alone."""
    field = str(contribution["field"])
    return f"{field} {_cut(example[field])}" if field in example else field


def _ask(url: str, body: bytes | None = None) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url} is not the address of a service.", "It begins with http://.")
    headers = {"Content-Type": "application/json"}
    api_key = Settings().api_key
    if api_key is not None:
        headers["X-API-Key"] = api_key.get_secret_value()
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 (checked above)
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            answer: bytes = response.read()
            return answer
    except urllib.error.HTTPError as error:
        said = error.read(500).decode(errors="replace")
        raise UserError(
            f"The service answered {error.code} to {url}: {said}", "Its log says more."
        ) from error
    except OSError as error:
        raise UserError(
            f"No service answers at {url}: {getattr(error, 'reason', error)}.",
            "Start it with the verb `serve`, and look at what it prints.",
        ) from error
