"""Reads picture files and answers each with a trained model."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .artifact import replace_text
from .errors import UserError
from .predictor import Predictor
from .schemas import Response

# Pictures that are read at once: more would only take memory.
AT_ONCE = 64


@dataclass(frozen=True)
class Answer:
    """The answer to one file; `problem` says why there is none."""

    file: Path
    sign: str = ""
    probability: float | None = None
    rest: str = ""
    problem: str = ""


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and those with the name of a picture in named folders.

    Raises
    ------
    UserError
        When a path does not exist, or there is no picture.
    """
    suffixes = {".png", ".jpg", ".jpeg", ".webp"}
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                each
                for each in path.rglob("*")
                if each.is_file() and each.suffix.lower() in suffixes
            )
        elif path.exists():
            found.append(path)
        else:
            raise UserError(f"There is no file {path}.", "Look at the name, or name a folder.")
    if not found:
        raise UserError(
            "There is no picture in what you named.", "Pictures end with .png, .jpg or .webp."
        )
    return found


def predict(predictor: Predictor, files: Sequence[Path]) -> list[Answer]:
    """Answer each file, in their order; a file that cannot be read has a problem instead."""
    answers: list[Answer] = []
    for start in range(0, len(files), AT_ONCE):
        answers += _predict_some(predictor, files[start : start + AT_ONCE])
    return answers


def write_csv(answers: Sequence[Answer], path: Path) -> None:
    """Write the answers as CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["picture", "sign", "probability", "problem"])
    for each in answers:
        writer.writerow([each.file, each.sign, each.probability, each.problem])
    replace_text(path, text.getvalue())


def _predict_some(predictor: Predictor, files: Sequence[Path]) -> list[Answer]:
    requests, problems = {}, {}
    for file in files:
        try:
            requests[file] = predictor.read(file.read_bytes())
        except (OSError, ValueError) as error:
            problems[file] = str(getattr(error, "strerror", None) or error)
    found: dict[Path, Response] = {}
    if requests:
        found = dict(zip(requests, predictor.predict(list(requests.values())), strict=True))
    return [
        Answer(file, problem=problems[file]) if file in problems else _answer(file, found[file])
        for file in files
    ]


def _answer(file: Path, response: Response) -> Answer:
    rest = ", ".join(f"{each.sign} {each.probability:.2f}" for each in response.candidates[1:])
    return Answer(file, response.prediction, response.probability, rest)
