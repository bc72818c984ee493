"""From a sign to the tapering tubes of one random hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .signs import Finger, Sign

Vector = NDArray[np.float64]

# Lengths are in palms, as in `signs.Sign`. Each row is a finger, from index to little finger.
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
# A bent finger points to the wrist's middle, not straight down.
LEAN = np.array([-0.06, 0.0, 0.08, 0.18])
THUMB_ROOT = np.array([0.22, 0.18, 0.08])
THUMB_BONES = np.array([0.48, 0.36, 0.27])
THUMB_RADII = np.array([0.165, 0.125, 0.110, 0.085])
# The thumb at rest: the directions of its bones, from which it bends to where it has to be.
THUMB_REST = np.array([[0.40, 0.52, 0.75], [0.22, 0.80, 0.55], [-0.20, 0.95, 0.00]])


@dataclass(frozen=True)
class Tubes:
    """Tapering tubes with round ends, in the picture's frame: x right, y up, z to the viewer.

    Attributes
    ----------
    starts, ends : array of shape (tubes, 3)
        The middle of each end, in palms.
    radii : array of shape (tubes, 2)
        The radius at each end.
    flatness : array of shape (tubes,)
        0 for a round tube, nearer to 1 for one that is part of a flat surface.
    """

    starts: Vector
    ends: Vector
    radii: Vector
    flatness: Vector


def pose(sign: Sign, random: np.random.Generator) -> Tubes:
    """Return a hand of random proportions that makes a sign, as nobody makes it twice the same."""
    width, thickness, finger_length = random.normal([1.04, 1.0, 1.0], [0.06, 0.08, 0.06]).clip(
        0.8, 1.2
    )
    scale = np.array([width, 1.0, 1.0])
    knuckles = KNUCKLES * scale
    bones = BONES * finger_length
    openness = random.uniform(0.3, 1.25)
    noise = random.normal(0.0, [5.0, 6.0, 4.0, 2.0], (4, 4))
    fingers = [
        _finger(state, LEAN[finger], openness, knuckles[finger], bones[finger], noise[finger])
        for finger, state in enumerate(sign.fingers)
    ]
    tips = np.array([joints[-1] for joints in fingers])
    target = np.array(sign.thumb) + random.normal(0.0, sign.freedom, 3)
    if sign.touching:
        target += tips[list(sign.touching)].mean(axis=0)
    thumb = _reach(THUMB_ROOT * scale, THUMB_BONES * finger_length**0.5, target)

    starts, ends, radii, flatness = [], [], [], []

    def add(start: Vector, end: Vector, radius: Vector, flat: float) -> None:
        starts.append(start)
        ends.append(end)
        radii.append(radius * thickness)
        flatness.append(flat)

    for finger, joints in enumerate(fingers):
        for bone in range(3):
            add(joints[bone], joints[bone + 1], RADII[finger, bone : bone + 2], 0.0)
        heel = np.array([0.42 * knuckles[finger, 0], 0.12, -0.02])
        add(heel, knuckles[finger], np.array([0.19, 0.135]), 0.6)
    for bone in range(3):
        add(thumb[bone], thumb[bone + 1], THUMB_RADII[bone : bone + 2], 0.25 if bone == 0 else 0.0)
    for left in range(3):
        add(knuckles[left], knuckles[left + 1], np.array([0.125, 0.120]), 0.6)
    # The ball of the thumb, and the skin between it and the index finger.
    add(
        np.array([0.08, 0.16, 0.06]), thumb[1] * 0.6 + THUMB_ROOT * 0.4, np.array([0.17, 0.16]), 0.4
    )
    add(knuckles[0] * 0.75, thumb[1] * 0.8 + knuckles[0] * 0.1, np.array([0.10, 0.11]), 0.6)

    hand = _rotation(*(np.array(sign.turn) + random.normal(0.0, [9.0, 8.0, 6.0]).clip(-20, 20)))
    bend = np.radians(sign.wrist + random.normal(0.0, 9.0))
    down = hand @ np.array([0.0, -1.0, 0.0])
    down = down + np.array([0.0, -0.15, 0.0])
    turned = np.array(
        [
            np.cos(bend) * down[0] + np.sin(bend) * down[1],
            np.cos(bend) * down[1] - np.sin(bend) * down[0],
            0.4 * down[2],
        ]
    )
    turned /= np.linalg.norm(turned)
    beside = hand @ np.array([0.075 * width, 0.0, 0.0])
    wrist = hand @ np.array([0.0, 0.03, -0.02])
    all_starts, all_ends = np.array(starts) @ hand.T, np.array(ends) @ hand.T
    forearm_starts = np.array([wrist + beside, wrist - beside])
    forearm_ends = forearm_starts + 2.6 * turned + np.array([0.35 * beside, -0.35 * beside])
    return Tubes(
        starts=np.concatenate([all_starts, forearm_starts]),
        ends=np.concatenate([all_ends, forearm_ends]),
        radii=np.concatenate([np.array(radii), np.array([[0.17, 0.24]] * 2) * thickness]),
        flatness=np.array([*flatness, 0.3, 0.3]),
    )


def _finger(
    finger: Finger, lean: float, openness: float, knuckle: Vector, bones: Vector, noise: Vector
) -> Vector:
    """Return the four joints of a finger, from the knuckle to the tip; shape (4, 3)."""
    flexion = np.radians(np.cumsum(np.maximum(np.array(finger.flexion) + noise[:3], -6.0)))
    spread = np.radians(finger.spread * openness + noise[3])
    along = np.array([np.sin(spread), np.cos(spread), 0.0])
    inwards = np.array([lean, 0.0, 1.0])
    steps = np.cos(flexion)[:, None] * along + np.sin(flexion)[:, None] * inwards
    return np.concatenate([knuckle[None], knuckle + np.cumsum(steps * bones[:, None], axis=0)])


def _reach(root: Vector, bones: Vector, target: Vector) -> Vector:
    """Return the joints of a chain from `root` whose tip is at `target`, or as near as it gets.

    Forward and backward reaching: A. Aristidou, J. Lasenby, "FABRIK: A fast, iterative solver for
    the inverse kinematics problem", Graphical Models 73 (2011). The chain bends the way it bends
    at rest.
    """
    joints = np.concatenate([root[None], root + np.cumsum(THUMB_REST * bones[:, None], axis=0)])
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
