"""Draws a picture and what it shows as HTML. Everything that comes from outside is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..console import format_value
from .drawing import box, draw_notes, draw_rest, draw_version, words

KNOWN = (
    "prediction",
    "sure",
    "probability",
    "candidates",
    "warnings",
    "contributions",
    "heat",
    "model",
)
PLACES_SHOWN = 3
SMALLEST_EFFECT = 0.005  # that is told; a smaller one would be written as 0.00

STYLE = """
.answer .number { font-size: 5rem; }
.answer .number.unsure { font-size: 2.6rem; opacity: .75; }
.answer .candidates { list-style: none; margin: 1rem 0 0; padding: 0; }
.answer .candidates li { margin: 0 0 .6rem; }
.answer .share { left: 0; background: var(--color-accent); }
.stage { position: relative; width: 100%; max-width: 22rem; margin: 0 auto; aspect-ratio: 1;
  overflow: hidden; border-radius: 12px; background: var(--background-fill-secondary); }
.stage img, .stage svg { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0;
  object-fit: cover; }
.stage svg { opacity: .65; display: none; }
.look { display: block; max-width: 22rem; margin: .6rem auto 0; }
.look input { margin-right: .4rem; }
.look .quiet { display: none; font-size: .9rem; opacity: .75; }
.shown:has(input:checked) svg, .shown:has(input:checked) .quiet { display: block; }
.answer .notes { margin-bottom: 1rem; }
#held [data-testid="status-tracker"] { display: none; }
#word textarea, #word input { font-size: 2rem; font-weight: 650; letter-spacing: .08em; }
"""


def draw_answer(answer: Mapping[str, Any], target: str, version: str) -> str:
    """Return what a picture shows, the likeliest answers and the warnings as HTML.

    Parameters
    ----------
    answer : Mapping[str, Any]
        What `/v1/predict` answered.
    target : str
        What is predicted.
    version : str
        The model that the page was built for.
    """
    sure, probability = bool(answer.get("sure")), _share(answer.get("probability"))
    said = "with a probability of" if sure else "the likeliest answer has a probability of"
    return box(
        f'<div class="quiet">{escape(words(target))}</div>'
        f'<div class="number{"" if sure else " unsure"}">'
        f"{escape(format_value(answer.get('prediction')))}</div>"
        f'<div class="quiet">{said} {probability}</div>'
        f'<ol class="candidates">{"".join(map(_candidate, answer.get("candidates") or ()))}</ol>'
        + draw_notes(answer, version)
        + draw_rest(answer, KNOWN)
        + draw_version(answer, version)
    )


def draw_picture(address: str, answer: Mapping[str, Any]) -> str:
    """Return the square of a picture that is read, with a heat map that a box switches on.

    Parameters
    ----------
    address : str
        Of the picture, for instance a data URL.
    answer : Mapping[str, Any]
        What `/v1/predict` answered, with its reasons.
    """
    heat = answer.get("heat") or ()
    most = max((value for row in heat for value in row), default=0.0)
    switch = (
        '<label class="look"><input type="checkbox" id="look">Show where it looks'
        f'<span class="quiet">{escape(_places(answer))}</span></label>'
        if most > 0
        else ""
    )
    return (
        f'<div class="shown"><div class="stage"><img src="{escape(address)}" '
        f'alt="The square of the picture that is read">{_map(heat, most)}</div>{switch}</div>'
    )


def _candidate(candidate: Mapping[str, Any]) -> str:
    share = _share(candidate["probability"])
    return (
        f'<li><div class="row"><span>{escape(str(candidate["sign"]))}</span>'
        f'<span>{share}</span></div><div class="bar" aria-hidden="true">'
        f'<span class="share" style="width: {share}"></span></div></li>'
    )


def _share(probability: object) -> str:
    return f"{probability:.1%}" if isinstance(probability, int | float) else "–"  # noqa: RUF001


def _map(heat: Sequence[Sequence[float]], most: float) -> str:
    if most <= 0:
        return ""
    # The more a part adds, the redder it is; what takes away stays as it is.
    cells = "".join(
        f'<rect x="{column}" y="{row}" width="1" height="1" '
        f'fill="rgb(255 {190 - 160 * share:.0f} 40)" fill-opacity="{share:.3f}"/>'
        for row, values in enumerate(heat)
        for column, value in enumerate(values)
        if (share := max(0.0, value / most)) > 0
    )
    return (
        f'<svg viewBox="0 0 {len(heat[0])} {len(heat)}" preserveAspectRatio="none" '
        f'shape-rendering="crispEdges" aria-hidden="true">{cells}</svg>'
    )


def _places(answer: Mapping[str, Any]) -> str:
    parts = answer.get("contributions") or ()
    adding = [part for part in parts if part["effect"] >= SMALLEST_EFFECT]
    largest = sorted(adding, key=lambda each: -each["effect"])[:PLACES_SHOWN]
    listed = "; ".join(f"{each['field']} (+{each['effect']:.2f})" for each in largest)
    told = "Where the picture is red, the answer hangs on it."
    return f"{told} What adds most to the probability: {listed}." if listed else told
