"""The figures of an evaluation; black follows the colours of the page that shows them."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from .calibration import Bin, Labels

# A name of a sign may come from a folder, and be longer than its place.
MAX_NAME = 16
# Stronger, and the numbers in the cells could not be read.
STRONGEST = 0.75
# How much of the picture the heat may hide.
HEAT = 0.6
GAP = 0.06
# Of more signs not every name is written, and no number would fit into its cell.
MAX_SIGNS = 60
SHEET_COLUMNS = 3


@dataclass(frozen=True)
class WorstError:
    """A held-out picture that was answered wrongly, and surely.

    Attributes
    ----------
    image : str
        A PNG in base64: the picture, and beside it the same under what the network looked at.
    said, actual : str
        The answer, and the true sign.
    confidence : float
        The probability of the answer, 0 to 1.
    name : str
        The picture's name in the data.
    """

    image: str
    said: str
    actual: str
    confidence: float
    name: str


def learning_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw the losses and the accuracy of each epoch."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = [epoch["number"] for epoch in history]
    for key, label, colour in (
        ("train_loss", "training", "gray"),
        ("validation_loss", "validation", "tab:blue"),
    ):
        losses.plot(epochs, [e[key] for e in history], ".-", color=colour, label=label)
    losses.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    losses.legend()
    accuracies.plot(epochs, [e["validation_accuracy"] for e in history], ".-", color="tab:blue")
    accuracies.set(xlabel="epoch", ylabel="accuracy on validation", ylim=(None, 1.005))
    for axes in (losses, accuracies):
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def confusion_matrix(counts: Labels, classes: Sequence[str]) -> Figure:
    """Draw the counts, shape (k, k), of true signs (rows) and answers (columns)."""
    step = ceil(len(classes) / MAX_SIGNS)
    side = max(3.5, 0.3 * len(classes) / step)
    figure = Figure(figsize=(side + 1, side + 1), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = ~np.eye(len(classes), dtype=np.bool_)
    cells = np.empty((*shares.shape, 4))
    cells[..., :3] = np.where(wrong[..., None], to_rgb("tab:orange"), to_rgb("tab:blue"))
    # Errors are rare, and yet what one looks for: the root makes small shares visible.
    cells[..., 3] = STRONGEST * np.where(wrong, np.sqrt(shares), shares)
    axes.imshow(cells, interpolation="none")
    for row, column in np.argwhere(counts) if step == 1 else ():
        number = str(counts[row, column])
        size = 8 if len(number) < 4 else 6
        axes.text(column, row, number, ha="center", va="center", color="black", fontsize=size)
    places, names = range(0, len(classes), step), [_short(name) for name in classes[::step]]
    rotation = 90 if max(map(len, names)) > 2 else 0
    axes.set_xticks(places, names, rotation=rotation, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    axes.set(xlabel="answer", ylabel="true sign")
    axes.tick_params(length=0)
    return figure


def reliability_diagram(
    before: Sequence[Bin], after: Sequence[Bin], errors: tuple[float, float], temperature: float
) -> Figure:
    """Draw confidence and accuracy, and how sure the answers are.

    Parameters
    ----------
    before, after : Sequence[Bin]
        At temperature 1, and at the one that was fitted.
    errors : tuple[float, float]
        The expected calibration error of each.
    temperature : float
        The one that was fitted.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes, below = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1)
    for bins, label, colour, line in (
        (before, f"as trained, error {errors[0]:.3f}", "gray", "s--"),
        (after, f"at temperature {temperature:.2f}, error {errors[1]:.3f}", "tab:blue", "o-"),
    ):
        points = [part.confidence for part in bins], [part.accuracy for part in bins]
        axes.plot(*points, line, color=colour, label=label)
    axes.set(ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    figure.legend(loc="outside upper center", ncols=2)
    below.bar(
        [part.confidence for part in after],
        [part.pictures for part in after],
        width=0.04,
        color="tab:blue",
    )
    below.set(xlabel="probability of the answer", ylabel="pictures")
    return figure


def error_sheet(errors: Sequence[WorstError]) -> Figure:
    """Draw the errors in the order given, three in a row."""
    rows = ceil(len(errors) / SHEET_COLUMNS)
    figure = Figure(figsize=(9, 1.8 * rows), layout="constrained")
    for place, axes in enumerate(figure.subplots(rows, SHEET_COLUMNS, squeeze=False).flat):
        axes.axis("off")
        if place < len(errors):
            error = errors[place]
            said = f"said {_short(error.said)} {error.confidence:.2f}, is {_short(error.actual)}"
            axes.imshow(_decode(error.image), interpolation="none")
            axes.set_title(said, fontsize=9, parse_math=False)
    return figure


def with_attention(picture: NDArray[np.uint8], attention: NDArray[np.float32]) -> str:
    """Return a PNG in base64: a picture, and beside it the same under a heat map.

    Parameters
    ----------
    picture : ndarray of uint8, shape (c, s, s)
        Grey or in colour.
    attention : ndarray of float32, shape (s, s)
        0 where the network did not look, 1 where it looked most.
    """
    colours = np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0)
    hidden = HEAT * attention[..., None]
    heat = 255 * colormaps["inferno"](attention)[..., :3]
    mixed = (1 - hidden) * colours + hidden * heat
    between = np.zeros((len(colours), max(1, round(GAP * len(colours))), 4))
    opaque = np.full((*colours.shape[:2], 1), 255)
    sheet = np.hstack(
        [np.dstack([colours, opaque]), between, np.dstack([mixed.round(), opaque])]
    ).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(sheet).save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


def _decode(image: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image))))


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
