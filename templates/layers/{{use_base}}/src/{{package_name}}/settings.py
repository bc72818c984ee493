"""Settings of the machine from `APP_*` variables, and parameters of the model from params.toml."""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import UserError

PREFIX = "APP_"
DOTENV_FILE = Path(".env")
PARAMS_FILE = Path("params.toml")
PROFILES = "profiles"

P = TypeVar("P", bound=BaseModel)


class Settings(BaseSettings):
    """What depends on the machine, from the environment (`APP_PORT` for `port`) or the file `.env`.

    Raises
    ------
    UserError
        When a value is wrong or a variable is a misspelled setting; it names the variable.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=DOTENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    artifacts_dir: Path = Path("artifacts")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    api_key: SecretStr | None = None
    max_body_bytes: int = Field(default=1_000_000, gt=0)
    max_batch: int = Field(default=1_000, gt=0)
    max_in_flight: int = Field(default=64, gt=0)
    timeout_seconds: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    reload_seconds: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    graceful_seconds: int = Field(default=10, ge=0)
    monitoring_dir: Path | None = None
    monitoring_max_bytes: int = Field(default=10_000_000, ge=100_000)

    def __init__(self, **values: Any) -> None:
        _refuse_misspelled_variables([name.upper() for name in type(self).model_fields])
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise UserError(
                "\n".join(_setting_problem(detail, type(self)) for detail in error.errors()),
                "Set it in the environment or in the file .env; .env.example lists every setting.",
            ) from None  # The original error shows the value, which may be a secret.

    @property
    def monitoring_folder(self) -> Path:
        """Where the service writes the bins of answered rows, in a project with monitoring."""
        return self.monitoring_dir or self.artifacts_dir / "monitoring"

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("api_key")
    @classmethod
    def _not_blank(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("must not be blank; leave it away to ask nobody for a key")
        return value


def read_dotenv() -> dict[str, str]:
    """Return the variables of `.env`, which need not exist; UserError when it is not text."""
    try:
        found = dotenv_values(DOTENV_FILE, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{DOTENV_FILE.absolute()} cannot be read.",
            "It must be a text file in UTF-8 with lines like APP_PORT=8000.",
        ) from error
    return {name: value for name, value in found.items() if value is not None}


def load_params(
    kind: type[P],
    profile: str = "default",
    overrides: Sequence[str] = (),
    path: Path = PARAMS_FILE,
) -> P:
    """Read the parameters of a profile, with what the command line overrides.

    Parameters
    ----------
    kind : type[P]
        The pydantic model of the whole file; each table is a nested model. With `extra="forbid"`,
        an unknown key is refused.
    profile : str
        `default`, the top-level tables; or `smoke`, `full` …, whose tables
        `[profiles.<name>.<table>]` are laid over them.
    overrides : Sequence[str]
        Each `table.key=value`; the value as in TOML, quotes around text may be left away.
    path : Path
        The file.

    Returns
    -------
    P
        The checked parameters.

    Raises
    ------
    UserError
        When the file is missing or not TOML, or a profile, key or value is wrong; it names the
        place and the nearest name.
    """
    tables = _read_toml(path)
    profiles = tables.pop(PROFILES, {})
    if not isinstance(profiles, dict):
        raise UserError(
            f"{path}: `{PROFILES}` must be a table.", f"Write [{PROFILES}.smoke.<table>] below it."
        )
    chosen: Any = {}
    if profile != "default":
        if profile not in profiles:
            names = ["default", *profiles]
            raise UserError(
                f"There is no profile {profile!r} in {path}.{_nearest(profile, names)}",
                f"Choose one of: {', '.join(names)}.",
            )
        chosen = profiles[profile]
        if not isinstance(chosen, dict):
            raise UserError(f"{path}: `{PROFILES}.{profile}` must be a table.")
    merged = _merged(tables, chosen)
    given = [_parse_override(text) for text in overrides]
    for keys, value in given:
        _assign(merged, keys, value)
    try:
        return kind.model_validate(merged)
    except ValidationError as error:
        places = _Places(path, profile, chosen, [keys for keys, _ in given])
        details = error.errors(include_url=False)
        names = list(_dotted_names(kind))
        raise UserError(
            "\n".join(_param_problem(detail, places, names) for detail in details),
            _param_hint(details),
        ) from error


class _Places:
    """Tells where the value of a key was written."""

    def __init__(
        self, path: Path, profile: str, chosen: Mapping[str, Any], given: Sequence[list[str]]
    ) -> None:
        self._path, self._profile, self._chosen, self._given = path, profile, chosen, given

    def of(self, keys: list[str]) -> tuple[str, str]:
        """Return the place, and the dotted key as it is written there."""
        for override in self._given:
            shared = min(len(keys), len(override))
            if keys[:shared] == override[:shared]:
                return "--set", ".".join(override if len(override) > len(keys) else keys)
        dotted = ".".join(keys)
        inner: Any = self._chosen
        for key in keys:
            if not isinstance(inner, dict) or key not in inner:
                return str(self._path), dotted
            inner = inner[key]
        return f"{self._path}, profile {self._profile}", dotted


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise UserError(
            f"{path.name} was looked for in {path.absolute().parent} and is not there.",
            "Run the command in the project's folder.",
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UserError(f"{path}, line {line}: this is not UTF-8.", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        what, line_number = (found[1], found[2]) if found else (str(error), None)
        number = int(line_number) if line_number else len(text.splitlines())
        line_text = text.splitlines()[number - 1].strip() if text.strip() else ""
        raise UserError(
            f"{path}, line {number}: {what}: `{line_text}`.",
            "It must be TOML, for instance `depth = 6`, and text stands in quotes.",
        ) from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            value = _merged(under, value)
        result[key] = value
    return result


def _parse_override(text: str) -> tuple[list[str], Any]:
    name, equals, written = text.partition("=")
    keys = [key.strip() for key in name.split(".")]
    if not equals or not all(keys):
        raise UserError(f"--set {text}: this is no key and value.", "Write --set table.key=value.")
    try:
        parsed = tomllib.loads(f"value = {written}")
    except tomllib.TOMLDecodeError:
        return keys, written.strip()
    return keys, parsed["value"] if parsed.keys() == {"value"} else written


def _assign(tables: dict[str, Any], keys: list[str], value: Any) -> None:
    inner = tables
    for depth, key in enumerate(keys[:-1], start=1):
        following = inner.get(key, {})
        if not isinstance(following, dict):
            raise UserError(
                f"--set {'.'.join(keys)}: {'.'.join(keys[:depth])} is a value, not a table.",
                f"Write --set {'.'.join(keys[:depth])}=value.",
            )
        # A copy: the table may be shared with the profile that it was merged from.
        inner[key] = inner = dict(following)
    inner[keys[-1]] = value


def _dotted_names(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        yield prefix + name
        for annotation in (field.annotation, *get_args(field.annotation)):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from _dotted_names(annotation, f"{prefix}{name}.")


def _param_problem(detail: ErrorDetails, places: _Places, names: Sequence[str]) -> str:
    where, key = places.of([str(part) for part in detail["loc"]])
    value = json.dumps(detail["input"], default=str, ensure_ascii=False)
    match detail["type"]:
        case "extra_forbidden":
            return f"{where}: there is no parameter {key}.{_nearest(key, names)}"
        case "missing":
            return f"{where}: the parameter {key} is missing."
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{where}: {key} is {value}, but should be a table."
        case _:
            return f"{where}: {key} is {value}, but {_expected(detail)}."


def _param_hint(details: Sequence[ErrorDetails]) -> str:
    types = {detail["type"] for detail in details}
    if types == {"extra_forbidden"}:
        return f"{PARAMS_FILE} holds every parameter."
    if types == {"string_type"}:
        key, value = ".".join(map(str, details[0]["loc"])), details[0]["input"]
        return f"""Text that reads like a number needs quotes: --set '{key}="{value}"'."""
    return ""


def _nearest(name: str, names: Sequence[str]) -> str:
    """Return ` Did you mean …?`, or nothing where no name is near."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    if not near:  # Somebody who leaves the table away has the last part nearly right.
        last_parts = {known.rpartition(".")[2]: known for known in names}
        last = difflib.get_close_matches(name.rpartition(".")[2], last_parts, n=1, cutoff=0.7)
        near = [known for known in names if last and known.rpartition(".")[2] == last[0]]
    return f" Did you mean {' or '.join(near[:3])}?" if near else ""


def _expected(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ").removeprefix("Input ")


def _setting_problem(detail: ErrorDetails, kind: type[Settings]) -> str:
    name = str(detail["loc"][0])
    secret = SecretStr in get_args(kind.model_fields[name].annotation)
    value = "" if secret else f" is {str(detail['input'])!r}, but"
    return f"{PREFIX}{name.upper()}{value} {_expected(detail)}."


def _refuse_misspelled_variables(known: Sequence[str]) -> None:
    for variable in {**os.environ, **read_dotenv()}:
        name = variable.upper().removeprefix(PREFIX)
        if not variable.upper().startswith(PREFIX) or name in known:
            continue
        # Platforms set APP_* variables of their own, so only what is nearly a setting is refused:
        # a service with a misspelled APP_API_KEY would stand open.
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        if near:
            raise UserError(
                f"There is no setting {variable}. Did you mean {PREFIX}{near[0]}?",
                f"Rename it in the environment or in the file {DOTENV_FILE}.",
            )
