"""What the template offers: capstones, questions and sizes, read from the template's own files.

Copier is not imported: it takes half a second, and a list of names needs none of it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from capstoner.errors import CapstonerError, RefusedError

QUESTIONS = "copier.yml"
SIZES = "templates/sizes.toml"

Read = Callable[[str], str]  # path inside the template -> text; FileNotFoundError if it is absent


@dataclass(frozen=True)
class Choice:
    """One answer that a question offers."""

    value: str
    label: str

    @property
    def title(self) -> str:
        """The label before its first colon."""
        return self.label.partition(": ")[0]

    @property
    def summary(self) -> str:
        """The label after its first colon; the whole label where it has none."""
        return self.label.partition(": ")[2] or self.label


@dataclass(frozen=True)
class Question:
    """One question of the template, as its YAML says."""

    name: str
    help: str = ""
    type: str = "str"
    choices: tuple[Choice, ...] = ()
    multiple: bool = False
    secret: bool = False
    default: Any = None
    when: Any = True

    @property
    def gist(self) -> str:
        """The first sentence of the help text."""
        return re.split(r"(?<=[?.])\s", self.help, maxsplit=1)[0]

    @property
    def hidden(self) -> bool:
        """Whether nobody is ever asked: the answer is computed."""
        return self.when is False


@dataclass(frozen=True)
class Size:
    """What the environment of one stack weighs, as measured."""

    capstone: str
    answers: Mapping[str, Any]
    packages: int
    download_megabytes: int
    disk_megabytes: int


@dataclass(frozen=True)
class Sizes:
    """The measured environments, and where and when they were measured."""

    measured_on: str = ""
    measured_with: str = ""
    environments: tuple[Size, ...] = ()

    def find(self, capstone: str, answers: Mapping[str, Any]) -> Size | None:
        """Return the size of the first stack that agrees with all that is known of the answers."""
        return next(
            (
                size
                for size in self.of(capstone)
                if all(answers.get(name) == value for name, value in size.answers.items())
            ),
            None,
        )

    def of(self, capstone: str) -> list[Size]:
        """Return all measured stacks of a capstone."""
        return [size for size in self.environments if size.capstone == capstone]


@dataclass(frozen=True)
class Catalog:
    """All that a template offers."""

    questions: tuple[Question, ...]
    sizes: Sizes = field(default_factory=Sizes)

    @property
    def capstones(self) -> tuple[Choice, ...]:
        """The capstones, as the choices of the question `capstone`."""
        return self.question("capstone").choices

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that a person may be asked, without `capstone` itself."""
        return tuple(q for q in self.questions if not q.hidden and q.name != "capstone")

    @property
    def options(self) -> tuple[Question, ...]:
        """The questions with a choice: the stack."""
        return tuple(question for question in self.asked if question.choices)

    def question(self, name: str) -> Question:
        """Return the question of this name.

        Raises
        ------
        RefusedError
            If there is none; the message names the nearest one.
        """
        for question in self.questions:
            if question.name == name:
                return question
        raise unknown("question", name, [question.name for question in self.asked])

    def capstone(self, name: str) -> Choice:
        """Return the capstone of this name, or refuse with the nearest one."""
        return _choice("capstone", name, self.capstones)

    def answer(self, name: str, text: str) -> Any:
        """Turn the text of `--set NAME=TEXT` into the answer that Copier expects.

        A question with several answers takes them separated by commas; nothing means none.

        Raises
        ------
        RefusedError
            If there is no such question or choice, or if the answer is computed.
        """
        question = self.question(name)
        if name == "capstone":
            raise RefusedError(
                "The capstone is the first argument and cannot be set as well.",
                "For instance: capstoner new house-prices my-house-prices",
            )
        if question.hidden:
            raise RefusedError(
                f"“{name}” is computed from other answers and cannot be set.",
                f"You can set: {', '.join(q.name for q in self.asked)}.",
            )
        if question.multiple:
            texts = [part.strip() for part in text.strip("[] ").split(",") if part.strip()]
            return [_choice(name, part, question.choices).value for part in texts]
        if question.choices:
            return _choice(name, text, question.choices).value
        return text


def load(read: Read) -> Catalog:
    """Read the catalogue of a template.

    Parameters
    ----------
    read
        Gives the text of a file of the template, by its path with forward slashes.

    Raises
    ------
    CapstonerError
        If it is no Capstoner template, or a file of it is damaged.
    """
    try:
        sections = list(_sections(read, QUESTIONS))
    except FileNotFoundError as error:
        raise CapstonerError(
            f"This is no Capstoner template: {error}.",
            "Give --source the address of a Capstoner repository, or a clone of it.",
        ) from error
    merged = {name: value for section in sections for name, value in section.items()}
    questions = tuple(
        _question(name, value) for name, value in merged.items() if not name.startswith("_")
    )
    if not any(question.name == "capstone" and question.choices for question in questions):
        raise CapstonerError(
            "This is no Capstoner template: copier.yml asks for no capstone.",
            "For other Copier templates use `uvx copier copy`.",
        )
    return Catalog(questions, _sizes(read))


def nearest(name: str, names: list[str]) -> str | None:
    """Return the name that looks most like the given one, or None if none does."""
    folded = {candidate.lower(): candidate for candidate in names}
    found = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def unknown(kind: str, name: str, names: list[str]) -> RefusedError:
    """Return the refusal of a name, with the nearest one and all that there are."""
    near = nearest(name, names)
    question = f" Did you mean “{near}”?" if near else ""
    return RefusedError(
        f"There is no {kind} “{name}”.{question}", f"Choose from: {', '.join(names)}."
    )


def _choice(kind: str, name: str, choices: tuple[Choice, ...]) -> Choice:
    for choice in choices:
        if choice.value == name:
            return choice
    raise unknown(
        kind if kind == "capstone" else f"answer to {kind}:",
        name,
        [choice.value for choice in choices],
    )


class _Include(str):
    """The path behind an `!include` tag."""


class _Loader(yaml.SafeLoader):
    """Safe loading that leaves `!include` for us and passes over other tags."""


_Loader.add_constructor("!include", lambda loader, node: _Include(node.value))


def _sections(read: Read, path: str) -> Iterator[dict[str, Any]]:
    """Yield the YAML sections of a file, those of included files in their place."""
    try:
        documents = list(yaml.load_all(read(path), Loader=_Loader))
    except yaml.YAMLError as error:
        raise CapstonerError(f"{path} of the template is no valid YAML: {error}") from error
    for document in documents:
        if isinstance(document, _Include):
            yield from _sections(read, str(document))
        elif isinstance(document, dict):
            yield document


def _question(name: str, value: Any) -> Question:
    if not isinstance(value, dict):  # Copier's short form: `name: default`
        return Question(name, default=value)
    return Question(
        name=name,
        help=" ".join(str(value.get("help", "")).split()),
        type=str(value.get("type", "str")),
        choices=tuple(_choices(value.get("choices") or ())),
        multiple=bool(value.get("multiselect", False)),
        secret=bool(value.get("secret", False)),
        default=value.get("default"),
        when=value.get("when", True),
    )


def _choices(choices: Any) -> Iterator[Choice]:
    """Read the forms that Copier knows: values, pairs, or a mapping of labels to values."""
    if isinstance(choices, str):  # a template that makes the list; only Copier can run it
        return
    pairs = choices.items() if isinstance(choices, dict) else choices
    for pair in pairs:
        label, value = pair if isinstance(pair, (list, tuple)) else (pair, pair)
        if isinstance(value, dict):  # the long form carries a validator
            value = value.get("value")
        yield Choice(value=str(value), label=str(label))


def _sizes(read: Read) -> Sizes:
    try:
        table = tomllib.loads(read(SIZES))
        return Sizes(
            measured_on=str(table["measured_on"]),
            measured_with=str(table["measured_with"]),
            environments=tuple(Size(**row) for row in table["environment"]),
        )
    except FileNotFoundError:
        return Sizes()
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CapstonerError(f"{SIZES} of the template cannot be read: {error}.") from error


@dataclass(frozen=True)
class Proposal:
    """A question as one capstone asks it.

    Parameters
    ----------
    question
        The question.
    answer
        Its default; None where only Copier can compute it.
    help
        Its help text.
    """

    question: Question
    answer: Any
    help: str


def propose(catalog: Catalog, known: Mapping[str, Any]) -> list[Proposal]:
    """Go through the questions as Copier would with `--defaults`.

    Parameters
    ----------
    catalog
        The questions.
    known
        Answers that are already given; `capstone` at least.

    Returns
    -------
    list of Proposal
        In the order of asking, without the questions that do not fit and those never asked.
    """
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    jinja = SandboxedEnvironment(
        # The filters that Copier offers to a template; Copier depends on their package.
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=jinja2.StrictUndefined,
    )
    answers: dict[str, Any] = dict(known)

    def render(value: Any) -> Any:
        if not isinstance(value, str) or "{" not in value:
            return value
        try:
            return jinja.from_string(value).render(answers)
        except (jinja2.TemplateError, TypeError, LookupError):
            return None

    proposals = []
    for question in catalog.questions:
        answers.setdefault(question.name, render(question.default))
        fits = str(render(question.when)).strip().lower() not in {"", "false", "no", "0"}
        if fits and question in catalog.asked:
            text = render(question.help) or question.help
            proposals.append(Proposal(question, answers[question.name], text))
    return proposals
