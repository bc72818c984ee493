"""From a sign to the tapering tubes of one random hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .signs import Finger, Sign

Vector = NDArray[np.float64]

# Lengths are in palms, as in `signs.Sign`. Each row is a finger, from index to little finger. The
# proportions are those of an average adult hand, by eye and by the photographs named in `signs`.
KNUCKLES = np.array(
    [[0.29, 0.97, 0.0], [0.09, 1.01, 0.02], [-0.12, 0.96, 0.01], [-0.31, 0.86, -0.02]]
)
BONES = np.array([[0.49, 0.28, 0.22], [0.54, 0.32, 0.23], [0.50, 0.30, 0.23], [0.39, 0.22, 0.20]])
RADII = np.array(
    [
        [0.118, 0.106, 0.096, 0.078],
        [0.118, 0.108, 0.096, 0.080],
        [0.112, 0.100, 0.090, 0.074],
        [0.098, 0.086, 0.078, 0.064],
    ]
)
# A bent finger points to the middle of the wrist, not straight down.
LEAN = np.array([-0.06, 0.0, 0.08, 0.18])
THUMB_ROOT = np.array([0.22, 0.18, 0.08])
THUMB_BONES = np.array([0.48, 0.36, 0.27])
THUMB_RADII = np.array([0.165, 0.125, 0.110, 0.085])
# The thumb at rest: the directions of its bones, from which it bends to where it has to be.
THUMB_REST = np.array([[0.40, 0.52, 0.75], [0.22, 0.80, 0.55], [-0.20, 0.95, 0.00]])
WRIST = np.array([0.0, 0.03, -0.02])
# A forearm is wider than thick: it is two tubes side by side, the last two of a hand.
FOREARM_TUBES = 2

# A tube: where it starts and ends, its radius at either end, its flatness.
Row = tuple[Vector, Vector, float, float, float]


@dataclass(frozen=True)
class Tubes:
    """Tapering tubes with round ends, in the picture's frame: x right, y up, z to the viewer.

    Attributes
    ----------
    starts, ends : array of shape (tubes, 3)
        The middle of each end, in palms.
    radii : array of shape (tubes, 2)
        The radius at each end, in palms.
    flatness : array of shape (tubes,)
        0 for a round tube, nearer to 1 for one that is part of a flat surface.
    tones : array of shape (tubes,)
        How bright the skin is, 1 for the average.
    """

    starts: Vector
    ends: Vector
    radii: Vector
    flatness: Vector
    tones: Vector


def pose(sign: Sign, random: np.random.Generator) -> Tubes:
    """Return a hand of random proportions that makes a sign, as nobody makes it twice the same."""
    proportions = random.normal([1.04, 1.0, 1.0], [0.06, 0.08, 0.06]).clip(0.8, 1.2)
    width, thickness, finger_length = proportions.tolist()
    wider = np.array([width, 1.0, 1.0])
    knuckles = KNUCKLES * wider

    openness = random.uniform(0.3, 1.25)
    noise = random.normal(0.0, [5.0, 6.0, 4.0, 2.0], (4, 4))
    fingers = [
        _chain(
            knuckles[place],
            BONES[place] * finger_length,
            _directions(finger, openness, noise[place], LEAN[place]),
        )
        for place, finger in enumerate(sign.fingers)
    ]
    target = np.array(sign.thumb) + random.normal(0.0, sign.freedom, 3)
    if sign.touching:
        target += np.mean([fingers[place][-1] for place in sign.touching], axis=0)
    thumb = _reach(THUMB_ROOT * wider, THUMB_BONES * finger_length**0.5, target)

    turn = np.array(sign.turn) + random.normal(0.0, [12.0, 8.0, 6.0]).clip(-24, 24)
    rotation = _rotation(*turn)
    elbow = 2.6 * _forearm(rotation, sign.wrist + random.normal(0.0, 9.0))
    side = np.array([0.075 * width, 0.0, 0.0])

    rows: list[Row] = []
    for place, joints in enumerate(fingers):
        rows += _tapering(joints, RADII[place])
        heel = np.array([0.42 * knuckles[place, 0], 0.12, -0.02])
        rows.append((heel, knuckles[place], 0.19, 0.135, 0.6))
    rows += _tapering(thumb, THUMB_RADII)
    rows += [(knuckles[place], knuckles[place + 1], 0.125, 0.12, 0.6) for place in range(3)]
    # The ball of the thumb, and the skin between it and the index finger.
    ball = 0.4 * THUMB_ROOT + 0.6 * thumb[1]
    rows.append((np.array([0.08, 0.16, 0.06]), ball, 0.17, 0.16, 0.4))
    rows.append((0.75 * knuckles[0], 0.1 * knuckles[0] + 0.8 * thumb[1], 0.10, 0.11, 0.6))
    for beside in (side, -side):
        rows.append((WRIST + beside, WRIST + 1.35 * beside + elbow, 0.17, 0.24, 0.3))

    flatness = np.array([row[4] for row in rows])
    # Palms shine more than fingers.
    tones = np.where(flatness > 0, 1.0, random.normal(0.92, 0.08))
    return Tubes(
        starts=np.array([row[0] for row in rows]) @ rotation.T,
        ends=np.array([row[1] for row in rows]) @ rotation.T,
        radii=np.array([row[2:4] for row in rows]) * thickness,
        flatness=flatness,
        tones=tones + random.normal(0.0, 0.03, len(rows)),
    )


def _directions(finger: Finger, openness: float, noise: Vector, lean: float) -> Vector:
    """Return where the three bones of a finger point to; shape (3, 3).

    `noise` is added to the flexions and to the spread, in degrees; `openness` multiplies the
    spread.
    """
    flexion = np.radians(np.cumsum(np.maximum(np.array(finger.flexion) + noise[:3], -6.0)))
    spread = np.radians(finger.spread * openness + noise[3])
    along = np.array([np.sin(spread), np.cos(spread), 0.0])
    inwards = np.array([lean, 0.0, 1.0])
    directions: Vector = np.cos(flexion)[:, None] * along + np.sin(flexion)[:, None] * inwards
    return directions


def _chain(root: Vector, bones: Vector, directions: Vector) -> Vector:
    """Return the joints of bones that follow one another, from the root to the tip."""
    return np.concatenate([root[None], root + np.cumsum(directions * bones[:, None], axis=0)])


def _tapering(joints: Vector, radii: Vector) -> list[Row]:
    """Return the tubes between joints."""
    return [
        (joints[bone], joints[bone + 1], float(radii[bone]), float(radii[bone + 1]), 0.0)
        for bone in range(len(joints) - 1)
    ]


def _forearm(rotation: Vector, wrist: float) -> Vector:
    """Return the direction from the wrist to the elbow, in the hand's frame.

    The forearm goes on where the hand ends, bent by `wrist` in the picture, rather downwards and
    rather within the picture's plane.
    """
    x, y, z = np.array([0.0, -0.15, 0.0]) - rotation[:, 1]
    bend = np.radians(wrist)
    cosine, sine = np.cos(bend), np.sin(bend)
    return _along(
        rotation.T @ np.array([cosine * x + sine * y, cosine * y - sine * x, 0.4 * z]), 1.0
    )


def _reach(root: Vector, bones: Vector, target: Vector) -> Vector:
    """Return the joints of a chain from `root` whose tip is at `target`, or as near as it gets.

    Forward and backward reaching: A. Aristidou, J. Lasenby, "FABRIK: A fast, iterative solver for
    the inverse kinematics problem", Graphical Models 73 (2011). The chain bends the way it bends
    at rest.
    """
    joints = _chain(root, bones, THUMB_REST)
    for _ in range(6):
        joints[-1] = target
        for bone in (2, 1, 0):
            joints[bone] = joints[bone + 1] + _along(joints[bone] - joints[bone + 1], bones[bone])
        joints[0] = root
        for bone in (0, 1, 2):
            joints[bone + 1] = joints[bone] + _along(joints[bone + 1] - joints[bone], bones[bone])
    return joints


def _along(direction: Vector, length: float) -> Vector:
    """Return the vector of this direction and length."""
    return direction * (length / max(float(np.sqrt(direction @ direction)), 1e-9))


def _rotation(about_forearm: float, forward: float, clockwise: float) -> Vector:
    """Return the rotation about y, then about x, then about z, by angles in degrees."""
    y, x, z = np.radians([about_forearm, forward, -clockwise])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    rotation: Vector = about_z @ about_x @ about_y
    return rotation
