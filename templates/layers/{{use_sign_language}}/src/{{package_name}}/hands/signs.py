"""The table of signs: what every finger does in each of them.

Sources. The digits are those of the Sign Language Digits Dataset (Arda Mavi and Zeynep Dikle, 2017;
photographs by pupils of a high school in Ankara); they equal the digits of American Sign Language:
3 is thumb, index and middle finger; in 6 to 9 the thumb touches the little, ring, middle and index
finger. The letters follow the public chart of the American manual alphabet, as Wikipedia has it
under that name. J and Z are movements, which no single picture shows.

0 and O, 2 and V, 6 and W, 9 and F are the same hand: only what is talked about tells them apart.
"""

from dataclasses import dataclass

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Finger:
    """What one finger does.

    Attributes
    ----------
    flexion : tuple
        How far the knuckle, the middle and the last joint are bent, in degrees; 0 is straight.
    spread : float
        The angle towards the thumb within the palm's plane, in degrees.
    """

    flexion: tuple[float, float, float]
    spread: float = 0.0


@dataclass(frozen=True)
class Sign:
    """What a hand does.

    Lengths are in palms: from the wrist to the knuckle of the middle finger. x points to the
    thumb's side, y to the fingertips, z out of the palm; the wrist is the origin.

    Attributes
    ----------
    fingers : tuple of Finger
        Index, middle, ring and little finger.
    thumb : tuple
        Where the thumb's tip is; measured from the touched fingertips, if there are any.
    touching : tuple of int
        The fingers that the thumb touches: 0 for the index finger, 3 for the little one.
    turn : tuple
        How the hand is turned from "palm to the viewer, fingers up", in degrees: about the forearm
        (positive turns the palm to the viewer's right), then forward (the fingers to the viewer),
        then clockwise in the picture.
    freedom : float
        The standard deviation of the thumb's place.
    wrist : float
        The angle between the hand and the forearm in the picture, in degrees; clockwise.
    """

    fingers: tuple[Finger, Finger, Finger, Finger]
    thumb: Point
    touching: tuple[int, ...] = ()
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wrist: float = 0.0
    freedom: float = 0.035


STRAIGHT = (4.0, 6.0, 4.0)
FIST = (82.0, 100.0, 60.0)
# As in E: the fingertips rest on the thumb.
CLAWED = (48.0, 102.0, 55.0)
# As in X.
HOOKED = (12.0, 95.0, 55.0)
# As in M and N: over the thumb, the last two bones flat and pointing down.
DRAPED = (74.0, 82.0, 18.0)
# As in O: the fingertips meet the thumb.
ROUND = (42.0, 57.0, 38.0)
# As in C.
OPEN_ROUND = (28.0, 42.0, 28.0)
# As in 6 to 9, where the thumb meets one finger.
MEETING = (62.0, 62.0, 30.0)

OVER_FIST: Point = (-0.02, 0.80, 0.62)
ACROSS_PALM: Point = (-0.06, 0.73, 0.28)
SIDEWAYS: Point = (0.95, 0.88, 0.12)
# The thumb's tip lies on the nail of the finger that it meets.
ON_NAIL: Point = (0.02, 0.02, 0.10)


def _row(
    index: tuple[float, float, float],
    middle: tuple[float, float, float],
    ring: tuple[float, float, float],
    little: tuple[float, float, float],
    spread: tuple[float, float, float, float] = (2.0, 0.0, -2.0, -4.0),
) -> tuple[Finger, Finger, Finger, Finger]:
    """Return the four fingers by their flexions and their spreads."""
    return (
        Finger(index, spread[0]),
        Finger(middle, spread[1]),
        Finger(ring, spread[2]),
        Finger(little, spread[3]),
    )


APART = (9.0, 1.0, -8.0, -20.0)
FORKED = (15.0, -13.0, -6.0, -6.0)
PARALLEL = (0.0, 1.0, -2.0, -4.0)
# Palm inwards, the little finger's edge to the viewer.
INWARDS = (60.0, 0.0, -6.0)
# The back of the hand to the viewer, the fingers to the viewer's right.
ACROSS = (172.0, 0.0, 82.0)

_FIST = _row(FIST, FIST, FIST, FIST)
_OPEN = _row(STRAIGHT, STRAIGHT, STRAIGHT, STRAIGHT, APART)
_TWO = _row(STRAIGHT, STRAIGHT, FIST, FIST, FORKED)
_SIX = _row(STRAIGHT, STRAIGHT, STRAIGHT, MEETING, (9.0, 1.0, -7.0, 12.0))
_NINE = _row(MEETING, STRAIGHT, STRAIGHT, STRAIGHT, (0.0, 3.0, -7.0, -20.0))
_ROUND = _row(ROUND, ROUND, ROUND, (38.0, 48.0, 30.0), (-4.0, 0.0, 5.0, 14.0))
_ZERO = Sign(_ROUND, (0.02, -0.08, 0.06), (0, 1, 2), INWARDS)

DIGITS: dict[str, Sign] = {
    "0": _ZERO,
    "1": Sign(_row(STRAIGHT, FIST, FIST, FIST), OVER_FIST),
    "2": Sign(_TWO, (-0.10, 0.78, 0.60)),
    "3": Sign(_TWO, SIDEWAYS, freedom=0.12),
    "4": Sign(_OPEN, ACROSS_PALM, freedom=0.10),
    "5": Sign(_OPEN, SIDEWAYS, freedom=0.12),
    "6": Sign(_SIX, ON_NAIL, (3,)),
    "7": Sign(_row(STRAIGHT, STRAIGHT, MEETING, STRAIGHT, APART), ON_NAIL, (2,)),
    "8": Sign(_row(STRAIGHT, MEETING, STRAIGHT, STRAIGHT, APART), ON_NAIL, (1,)),
    "9": Sign(_NINE, ON_NAIL, (0,)),
}

LETTERS: dict[str, Sign] = {
    "A": Sign(_FIST, (0.44, 1.10, 0.24)),
    "B": Sign(_row(STRAIGHT, STRAIGHT, STRAIGHT, STRAIGHT, PARALLEL), ACROSS_PALM, freedom=0.08),
    "C": Sign(
        _row(OPEN_ROUND, OPEN_ROUND, OPEN_ROUND, OPEN_ROUND), (0.25, 0.62, 0.95), turn=INWARDS
    ),
    "D": Sign(_row(STRAIGHT, ROUND, ROUND, ROUND), (0.06, -0.04, 0.06), (1,), (32.0, 0.0, 0.0)),
    "E": Sign(_row(CLAWED, CLAWED, CLAWED, CLAWED), (-0.16, 0.66, 0.42)),
    "F": Sign(_NINE, ON_NAIL, (0,)),
    "G": Sign(_row((14.0, 4.0, 4.0), FIST, FIST, FIST), (0.46, 1.18, 0.34), (), ACROSS, -45.0),
    "H": Sign(_row(STRAIGHT, STRAIGHT, FIST, FIST, PARALLEL), OVER_FIST, (), ACROSS, -45.0),
    "I": Sign(_row(FIST, FIST, FIST, STRAIGHT), (0.06, 0.80, 0.62)),
    "K": Sign(_row(STRAIGHT, (48.0, 4.0, 4.0), FIST, FIST, FORKED), (0.16, 1.22, 0.34)),
    "L": Sign(_row(STRAIGHT, FIST, FIST, FIST), (1.10, 0.62, 0.12)),
    "M": Sign(_row(DRAPED, DRAPED, DRAPED, FIST), (-0.30, 0.80, 0.40)),
    "N": Sign(_row(DRAPED, DRAPED, FIST, FIST), (-0.08, 0.90, 0.46)),
    "O": _ZERO,
    "P": Sign(
        _row(STRAIGHT, (48.0, 4.0, 4.0), FIST, FIST, FORKED),
        (0.16, 1.22, 0.34),
        (),
        (150.0, 10.0, 125.0),
        -85.0,
    ),
    "Q": Sign(
        _row((24.0, 8.0, 6.0), FIST, FIST, FIST),
        (0.42, 1.14, 0.48),
        (),
        (150.0, 10.0, 150.0),
        -85.0,
    ),
    "R": Sign(
        _row((10.0, 6.0, 4.0), (2.0, 8.0, 4.0), FIST, FIST, (-15.0, 19.0, -2.0, -4.0)), OVER_FIST
    ),
    "S": Sign(_FIST, (-0.08, 0.88, 0.66)),
    "T": Sign(_row((66.0, 92.0, 50.0), FIST, FIST, FIST), (0.17, 1.14, 0.54)),
    "U": Sign(_row(STRAIGHT, STRAIGHT, FIST, FIST, PARALLEL), (-0.10, 0.78, 0.60)),
    "V": Sign(_TWO, (-0.10, 0.78, 0.60)),
    "W": Sign(_SIX, ON_NAIL, (3,)),
    "X": Sign(_row(HOOKED, FIST, FIST, FIST), OVER_FIST, (), (24.0, 0.0, 0.0)),
    "Y": Sign(_row(FIST, FIST, FIST, STRAIGHT, (2.0, 0.0, -2.0, -24.0)), (1.05, 0.66, 0.12)),
}
