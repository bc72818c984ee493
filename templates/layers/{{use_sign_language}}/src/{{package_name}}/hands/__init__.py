"""Pictures of hands that make signs, drawn by numpy: practice material of any amount.

A sign is a row of a table (`signs`), a hand a skeleton of random proportions that takes that pose
(`skeleton`), a picture its tubes under random light before a random background (`drawing`). These
are drawings: a score on them says little about photographs of people.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .drawing import frame, paint, photograph, see
from .signs import DIGITS, LETTERS, Sign
from .skeleton import pose

SIGNS_DIGITS: tuple[str, ...] = tuple(DIGITS)
SIGNS_LETTERS: tuple[str, ...] = tuple(LETTERS)

_SIGNS: dict[str, Sign] = DIGITS | LETTERS
# The canvas is larger than the picture, so that edges are smooth.
_CANVAS = 1.6
# ITU-R BT.601: how bright red, green and blue are.
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_LEFT_HANDED = 0.1


def draw(
    signs: Sequence[str],
    size: int,
    channels: int,
    seed: int,
    advance: Callable[[], None] | None = None,
) -> NDArray[np.uint8]:
    """Draw one picture of each sign.

    A picture depends on the seed, its place and its sign alone: a longer list begins with the same
    pictures.

    Parameters
    ----------
    signs : sequence of str
        Digits and capital letters, as in `SIGNS_DIGITS` and `SIGNS_LETTERS`.
    size : int
        The side of each picture in pixels.
    channels : int
        1 for grey, 3 for colour: of the same seed the same pictures.
    seed : int
        Of everything random.
    advance : Callable, optional
        Called after each picture.

    Returns
    -------
    array of shape (signs, channels, size, size)
        0 is black, 255 white.

    Raises
    ------
    ValueError
        A sign is unknown.
    """
    unknown = sorted(set(signs) - set(_SIGNS))
    if unknown:
        raise ValueError(
            f"cannot draw {', '.join(unknown)}; there are the digits 0 to 9 and the letters A to Y "
            "without J (Z and J are movements)"
        )
    pictures = np.empty((len(signs), channels, size, size), np.uint8)
    names = list(_SIGNS)
    for place, name in enumerate(signs):
        random = np.random.default_rng((seed, place, names.index(name)))
        picture = _draw_one(_SIGNS[name], size, random)
        if channels == 1:
            pictures[place, 0] = np.rint(np.tensordot(_GREY, picture.astype(np.float32), 1))
        else:
            pictures[place] = picture
        if advance:
            advance()
    return pictures


def _draw_one(sign: Sign, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return one picture in colour; shape (3, size, size)."""
    tubes = pose(sign, random)
    canvas = round(size * _CANVAS)
    palm, origin = frame(tubes, canvas, random)
    picture = paint(see(tubes, canvas, palm, origin), palm, random)
    if random.random() < _LEFT_HANDED:
        picture = picture[:, :, ::-1]
    return photograph(picture, size, random)
