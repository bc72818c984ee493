"""Draws a number with its interval and reasons as HTML; what comes from outside is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, TypeGuard

from ..console import format_value, is_number
from .drawing import box, draw_notes, draw_rest, draw_version, words

REASONS_SHOWN = 10
KNOWN = ("prediction", "lower", "upper", "coverage", "warnings", "contributions", "model")
MARGIN = 0.3  # beside the interval, as a part of its width

STYLE = """
.gradio-container input[role="combobox"] { text-overflow: ellipsis;
  padding-right: 1.6rem !important; }
.answer .interval { position: relative; height: 3.2rem; margin: .8rem 0 .2rem; font-size: .82rem;
  font-variant-numeric: tabular-nums; }
.answer .interval span { position: absolute; }
.answer .axis, .answer .band { top: .5rem; height: .8rem; border-radius: .4rem; }
.answer .axis { left: 0; right: 0; background: var(--border-color-primary); opacity: .6; }
.answer .band { background: var(--color-accent); opacity: .55; }
.answer .mark { top: .15rem; width: 4px; height: 1.5rem; margin-left: -2px; border-radius: 2px;
  background: var(--body-text-color); }
.answer .end { top: 1.75rem; transform: translateX(-50%); }
.answer .reason { margin-bottom: .6rem; font-size: .87rem; }
.answer .effect { font-variant-numeric: tabular-nums; white-space: nowrap; font-weight: 600; }
.answer .plus { left: 50%; background: #0d9488; }
.answer .minus { right: 50%; background: #e11d48; }
.answer .up { color: #0f766e; } .answer .down { color: #be123c; }
.dark .answer .up { color: #2dd4bf; } .dark .answer .down { color: #fb7185; }
"""


def draw_answer(answer: Mapping[str, Any], target: str, version: str) -> str:
    """Return a prediction with its interval, warnings and reasons as HTML.

    Parameters
    ----------
    answer : Mapping[str, Any]
        What `/v1/predict` answered.
    target : str
        What is predicted.
    version : str
        The model that the form was built for.
    """
    return box(
        f'<div class="quiet">{escape(words(target))}</div>'
        f'<div class="number">{escape(format_value(answer.get("prediction")))}</div>'
        + _interval(answer)
        + draw_notes(answer, version)
        + draw_rest(answer, KNOWN)
        + _reasons(answer.get("contributions") or ())
        + draw_version(answer, version)
    )


def _interval(answer: Mapping[str, Any]) -> str:
    prediction, lower, upper = (answer.get(name) for name in ("prediction", "lower", "upper"))
    if not (_is_there(prediction) and _is_there(lower) and _is_there(upper)):
        return ""
    coverage = answer.get("coverage")
    sure = f"{coverage:.0%} of such cases lie" if _is_there(coverage) else "It lies probably"
    return (
        f'<div class="quiet">{sure} between {escape(format_value(lower))} and '
        f"{escape(format_value(upper))}.</div>{_bar(prediction, lower, upper)}"
    )


def _is_there(value: object) -> TypeGuard[float]:
    return value is not None and is_number(value)


def _bar(prediction: float, lower: float, upper: float) -> str:
    margin = MARGIN * (upper - lower) or 1.0

    def place(value: float) -> str:
        return f"{100 * (value - lower + margin) / (upper - lower + 2 * margin):.2f}%"

    ends = "".join(
        f'<span class="end" style="left: {place(end)}">{escape(format_value(end))}</span>'
        for end in (lower, upper)
    )
    return (
        '<div class="interval" aria-hidden="true"><span class="axis"></span>'
        f'<span class="band" style="left: {place(lower)}; '
        f'right: calc(100% - {place(upper)})"></span>'
        f'<span class="mark" style="left: {place(prediction)}"></span>{ends}</div>'
    )


def _reasons(contributions: Sequence[Mapping[str, Any]]) -> str:
    moving = [each for each in contributions if each["effect"] != 0]
    largest = sorted(moving, key=lambda each: -abs(each["effect"]))[:REASONS_SHOWN]
    if not largest:
        return ""
    longest = abs(largest[0]["effect"])
    rows = "".join(_reason(each, 50 * abs(each["effect"]) / longest) for each in largest)
    return f"<h3>Why? What each field adds, against a typical value</h3>{rows}"


def _reason(contribution: Mapping[str, Any], percent: float) -> str:
    effect = contribution["effect"]
    colour, side = ("up", "plus") if effect > 0 else ("down", "minus")
    sign = "+" if effect > 0 else "−"  # noqa: RUF001 (a minus that is as wide as a plus)
    compared = _plain(contribution.get("value"))
    if "typical" in contribution:
        compared += f", typical {_plain(contribution['typical'])}"
    return (
        f'<div class="reason"><div class="row"><span>{escape(words(contribution["field"]))} '
        f'<span class="quiet">{escape(compared)}</span></span>'
        f'<span class="effect {colour}">{sign}{escape(format_value(abs(effect)))}</span></div>'
        f'<div class="bar" aria-hidden="true"><span class="{side}" style="width: {percent:.1f}%">'
        "</span></div></div>"
    )


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.7g}"  # A year is no sum of money: no separator.
    return "none" if value is None else str(value).replace("_", " ")
