"""What every panel draws as HTML. Everything that comes from outside is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..console import format_value
from ..errors import UserError

STYLE = """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
#answer { position: sticky; top: 1rem; }
#answer .html-container { padding: 0; }
.answer { padding: .25rem; }
.answer .quiet { opacity: .75; font-size: .9rem; }
.answer .number { font-size: 2.6rem; font-weight: 700; letter-spacing: -.03em; line-height: 1.15;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.answer .notes, .answer .failure { margin: 1rem 0 0; padding: .65rem .8rem; border-radius: 8px;
  font-size: .9rem; border-left: 4px solid #d97706; background: var(--background-fill-secondary); }
.answer .failure { border-left-color: #dc2626; }
.answer .failure p, .answer .notes p { margin: 0 0 .2rem; overflow-wrap: anywhere; }
.answer h3 { margin: 1.3rem 0 .6rem; font-size: .95rem; }
.answer .row { display: flex; justify-content: space-between; gap: .75rem; }
.answer .row > :first-child { overflow-wrap: anywhere; }
.answer .bar { position: relative; height: .4rem; margin-top: .15rem; border-radius: .25rem;
  background: var(--border-color-primary); }
.answer .bar span { position: absolute; top: 0; bottom: 0; border-radius: .25rem; }
"""


def words(name: str) -> str:
    """Return a name with spaces in place of underscores and dots."""
    return " ".join(name.replace("_", " ").replace(".", " ").split())


def draw_failure(error: UserError) -> str:
    """Return what went wrong and what to do, as HTML."""
    lines = [*str(error).splitlines(), error.hint]
    return box(f'<div class="failure" role="alert">{_paragraphs(lines)}</div>')


def box(content: str) -> str:
    """Return the frame of an answer around HTML."""
    return f'<div class="answer">{content}</div>'


def draw_notes(answer: Mapping[str, Any], version: str) -> str:
    """Return an answer's warnings, and whether another model answered, as HTML.

    Parameters
    ----------
    answer : Mapping[str, Any]
        What `/v1/predict` answered.
    version : str
        The model that the page was built for.
    """
    notes = [str(note) for note in answer.get("warnings") or ()]
    if answer.get("model", version) != version:
        notes.append("A newer model answered than the one of this form: reload the page.")
    return f'<div class="notes">{_paragraphs(notes)}</div>' if notes else ""


def draw_rest(answer: Mapping[str, Any], known: Sequence[str]) -> str:
    """Return as rows of HTML what an answer says beside what a panel knows."""
    return "".join(
        f'<div class="row"><span>{escape(words(name))}</span>'
        f"<span>{escape(format_value(value))}</span></div>"
        for name, value in answer.items()
        if name not in known
    )


def draw_version(answer: Mapping[str, Any], version: str) -> str:
    """Return which model answered, as HTML."""
    return f'<div class="quiet">Model {escape(str(answer.get("model", version)))}</div>'


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines if line)
