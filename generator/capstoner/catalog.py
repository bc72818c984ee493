"""What the template offers: capstones, questions, presets and sizes, read from its own files.

Copier is not imported: it takes half a second, and a list of names needs none of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from capstoner import presets, sizes
from capstoner.errors import CapstonerError, RefusedError
from capstoner.presets import Preset, Presets
from capstoner.sizes import Sizes

QUESTIONS = "copier.yml"

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

Table = TypeVar("Table")
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
class Catalog:
    """All that a template offers."""

    questions: tuple[Question, ...]
    sizes: Sizes = field(default_factory=Sizes)
    offered: Presets = field(default_factory=Presets)

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
        """The questions with a choice."""
        return tuple(question for question in self.asked if question.choices)

    @property
    def stack(self) -> tuple[Question, ...]:
        """The options that a preset answers: all but those about the person."""
        return tuple(q for q in self.options if q.name not in self.offered.personal)

    @property
    def presets(self) -> tuple[Preset, ...]:
        """The presets, the lightest first."""
        return self.offered.presets

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

    def preset(self, name: str) -> Preset:
        """Return the preset of this name, or refuse with the nearest one."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        if not self.presets:
            raise RefusedError("This template has no presets.", "Answer its questions by --set.")
        raise unknown("preset", name, [preset.name for preset in self.presets])

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
    return Catalog(
        questions,
        sizes=_optional(read, sizes.SIZES, sizes.parse, Sizes()),
        offered=_optional(read, presets.PRESETS, presets.parse, Presets()),
    )


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


def _optional(read: Read, path: str, parse: Callable[[str], Table], none: Table) -> Table:
    """Parse a file that a template may lack."""
    try:
        return parse(read(path))
    except FileNotFoundError:
        return none


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


def propose(
    catalog: Catalog, known: Mapping[str, Any], preset: Preset | None = None
) -> list[Proposal]:
    """Go through the questions as Copier would with `--defaults`.

    Parameters
    ----------
    catalog
        The questions.
    known
        Answers that are already given; `capstone` at least.
    preset
        What answers the questions of the stack that are not known.

    Returns
    -------
    list of Proposal
        In the order of asking, without the questions that do not fit and those never asked.
    """
    return _walk(catalog, known, preset)[0]


def answers(
    catalog: Catalog, known: Mapping[str, Any], preset: Preset | None = None
) -> dict[str, Any]:
    """Return the answer to every question as `propose` goes through them, computed ones too."""
    return _walk(catalog, known, preset)[1]


def jinja_environment() -> SandboxedEnvironment:
    """Return Jinja with the filters that Copier offers to a template."""
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        # Copier depends on the package of these filters.
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def _walk(
    catalog: Catalog, known: Mapping[str, Any], preset: Preset | None
) -> tuple[list[Proposal], dict[str, Any]]:
    import jinja2

    jinja = jinja_environment()
    given: dict[str, Any] = dict(known)
    stack = catalog.stack

    def render(value: Any) -> Any:
        if not isinstance(value, str) or "{" not in value:
            return value
        try:
            return jinja.from_string(value).render(given)
        except (jinja2.TemplateError, TypeError, LookupError):
            return None

    proposals = []
    for question in catalog.questions:
        default = render(question.default)
        fits = str(render(question.when)).strip().lower() not in {"", "false", "no", "0"}
        if preset and fits and question in stack:
            default = preset.answer(question, default)
        given.setdefault(question.name, default)
        if fits and question in catalog.asked:
            text = render(question.help) or question.help
            proposals.append(Proposal(question, given[question.name], text))
    return proposals, given
