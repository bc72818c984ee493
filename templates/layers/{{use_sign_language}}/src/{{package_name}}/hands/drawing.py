"""From tubes to a picture: what is in front, light, skin, background, a camera's faults."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .skeleton import FOREARM_TUBES, Tubes

Plane = NDArray[np.float32]

# Skin from dark to light, in RGB: the picture's skin lies between two of them.
SKINS = np.array(
    [
        [62, 38, 28],
        [112, 70, 48],
        [160, 110, 80],
        [196, 146, 112],
        [226, 180, 150],
        [244, 208, 184],
    ],
    np.float32,
)
FAR = -1e3


@dataclass(frozen=True)
class Surface:
    """What a camera sees at each point of the canvas; every array has shape (canvas, canvas).

    Attributes
    ----------
    depth : array
        How near the nearest point is, in palms; `FAR` where there is no hand.
    normal : array of shape (3, canvas, canvas)
        The direction in which the skin looks there, of length 1.
    tone : array
        How bright the skin is there, 1 for the average.
    """

    depth: Plane
    normal: Plane
    tone: Plane

    @property
    def hand(self) -> NDArray[np.bool_]:
        """Where the hand is."""
        return self.depth > FAR


def frame(
    tubes: Tubes, canvas: int, random: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """Return the length of a palm and the wrist's column and row, all in points of the canvas.

    The hand is about in the middle, rather below it, and as large as in a portrait.
    """
    palm = canvas * float(np.clip(random.normal(0.385, 0.05), 0.26, 0.52))
    joints = np.concatenate([tubes.starts[:-FOREARM_TUBES, :2], tubes.ends[:-FOREARM_TUBES, :2]])
    middle = (joints.min(axis=0) + joints.max(axis=0)) / 2
    right, up = middle * palm - random.normal([0.0, -0.04], 0.06) * canvas
    return palm, (canvas / 2 - float(right), canvas / 2 + float(up))


def see(tubes: Tubes, canvas: int, palm: float, origin: tuple[float, float]) -> Surface:
    """Return what is nearest at each point of the canvas.

    Parameters
    ----------
    tubes : Tubes
        The hand.
    canvas : int
        The side of the canvas in points.
    palm : float
        The length of a palm in points.
    origin : tuple of float
        Where the hand's origin is: column and row.
    """
    depth = np.full((canvas, canvas), FAR, np.float32)
    normal = np.zeros((3, canvas, canvas), np.float32)
    tone = np.ones((canvas, canvas), np.float32)
    to_canvas = np.array([palm, -palm, palm])
    move = np.array([*origin, 0.0])
    starts = (tubes.starts * to_canvas + move).tolist()
    ends = (tubes.ends * to_canvas + move).tolist()
    grid = np.arange(canvas, dtype=np.float32)
    for start, end, radii, flatness, brightness in zip(
        starts,
        ends,
        (tubes.radii * palm).tolist(),
        tubes.flatness.tolist(),
        tubes.tones.tolist(),
        strict=True,
    ):
        widest = max(radii)
        left, right = _reaches(start[0], end[0], widest, canvas)
        top, bottom = _reaches(start[1], end[1], widest, canvas)
        if left >= right or top >= bottom:
            continue
        box = np.s_[top:bottom, left:right]
        x = grid[left:right][None, :] - start[0]
        y = grid[top:bottom][:, None] - start[1]
        run = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
        share, radius, bulge = _tube(x, y, run, radii[0], radii[1])
        height = start[2] + run[2] * share + np.sqrt(np.maximum(bulge, 0))
        nearer = (bulge > 0) & (height > depth[box])
        np.copyto(depth[box], height, where=nearer)
        np.copyto(tone[box], brightness, where=nearer)
        roundness = (1 - flatness) / radius
        np.copyto(normal[0][box], (x - run[0] * share) * roundness, where=nearer)
        np.copyto(normal[1][box], (y - run[1] * share) * roundness, where=nearer)
    normal[2] = np.sqrt(np.maximum(1 - normal[0] ** 2 - normal[1] ** 2, 0))
    hand = depth > FAR
    depth[hand] /= palm
    return Surface(depth, normal, tone)


def _tube(
    x: Plane, y: Plane, run: tuple[float, float, float], first: float, last: float
) -> tuple[Plane, Plane, Plane]:
    """Return where the points of a canvas meet a tube that begins at the origin.

    Parameters
    ----------
    x, y : array
        The points, as a row and as a column.
    run : tuple of float
        From the tube's start to its end.
    first, last : float
        The radius at the start and at the end.

    Returns
    -------
    tuple of array
        For each point the share of the tube's length at which its surface is nearest to the viewer,
        the radius there, and the squared height above the tube's middle: negative beside the tube.
    """
    flat = max(run[0] ** 2 + run[1] ** 2, 1e-6)
    length = flat**0.5
    foot = (x * run[0] + y * run[1]) / flat
    aside = (x * run[1] - y * run[0]) / length
    radius = first + (last - first) * np.clip(foot, 0, 1)
    half = np.sqrt(np.maximum(radius * radius - aside * aside, 0))
    # Of a tilted tube, what is nearest above a point is not above that point's foot.
    tilt = run[2] / (length * (flat + run[2] ** 2) ** 0.5)
    share = np.clip(foot + half * tilt, 0, 1)
    radius = first + (last - first) * share
    beyond = (foot - share) * length
    return share, radius, radius * radius - beyond * beyond - aside * aside


def paint(surface: Surface, palm: float, random: np.random.Generator) -> Plane:
    """Return the picture, RGB in 0 to 255, shape (3, canvas, canvas)."""
    canvas = surface.depth.shape[0]
    hand = surface.hand
    picture = background(canvas, random)
    light = random.normal([0.0, -0.55, 0.0], [0.5, 0.4, 0.0])
    light[2] = random.uniform(0.5, 1.4)
    light /= np.linalg.norm(light)
    if random.random() < 0.6:
        picture *= 1 - random.uniform(0.05, 0.4) * _shadow(hand, light, palm)
    towards_light = np.maximum(np.tensordot(light.astype(np.float32), surface.normal, 1), 0)
    ambient = random.uniform(0.35, 0.75)
    shade = ambient + (1 - ambient) * towards_light + random.uniform(0, 0.12)
    # The rim of a finger looks away from the camera and is darker.
    shade *= 1 - random.uniform(0.1, 0.45) * (1 - surface.normal[2]) ** 2
    shade *= (1 - _hollows(surface, palm, random)) * surface.tone
    colour = _skin(canvas, random) * shade
    # Skin in the shade is redder.
    colour[1:] *= 1 - 0.06 * (1 - shade)
    np.copyto(picture, colour, where=hand)
    return picture


def _skin(canvas: int, random: np.random.Generator) -> Plane:
    """Return a random, slightly mottled skin, RGB in 0 to 255, shape (3, canvas, canvas)."""
    tone = random.uniform(0, len(SKINS) - 1)
    below = min(int(tone), len(SKINS) - 2)
    colour = SKINS[below] + (tone - below) * (SKINS[below + 1] - SKINS[below])
    colour = colour * random.normal(1.0, [0.05, 0.05, 0.06])
    spots = random.normal(0.0, random.uniform(0.02, 0.08), (9, 9))
    grow = interpolation(9, canvas)
    mottled: Plane = 1 + grow @ spots.astype(np.float32) @ grow.T
    skin: Plane = colour.astype(np.float32)[:, None, None] * mottled
    return skin


def _hollows(surface: Surface, palm: float, random: np.random.Generator) -> Plane:
    """Return how much darker it is where something nearby is nearer to the viewer, in 0 to 1.

    T. Luft, C. Colditz, O. Deussen, "Image enhancement by unsharp masking the depth buffer",
    ACM Transactions on Graphics 25 (2006).
    """
    hand = surface.hand
    known: Plane = np.where(hand, surface.depth, np.float32(0))
    there = hand.astype(np.float32)
    total = np.zeros_like(there)
    for width, weight in ((0.05, random.uniform(0.8, 2.6)), (0.16, random.uniform(0.2, 0.8))):
        around = _blurred(known, width * palm) / np.maximum(_blurred(there, width * palm), 1e-3)
        behind: Plane = np.clip(around - surface.depth, 0, 0.5)
        total += np.float32(weight) * behind
    return np.minimum(total, 0.75)


def _shadow(hand: NDArray[np.bool_], light: NDArray[np.float64], palm: float) -> Plane:
    """Return the soft shadow of the hand on the background, in 0 to 1."""
    canvas = len(hand)
    right, down = (-light[:2] * 0.25 * palm).astype(int).tolist()
    margin = max(abs(right), abs(down))
    wider = np.pad(hand, margin, mode="edge").astype(np.float32)
    top, left = margin - down, margin - right
    return _blurred(wider[top : top + canvas, left : left + canvas], 0.12 * palm)


def _blurred(plane: Plane, width: float) -> Plane:
    """Return a square plane blurred by a normal distribution of about this standard deviation."""
    # Rounded to a quarter of an octave, so that few matrices are made and kept.
    blur = blurring(len(plane), len(plane), float(2 ** (np.round(4 * np.log2(width)) / 4)))
    blurred: Plane = np.matmul(np.matmul(blur, plane), blur.T)
    return blurred


def background(canvas: int, random: np.random.Generator) -> Plane:
    """Return a random background, RGB in 0 to 255, shape (3, canvas, canvas)."""
    kind = random.choice(
        ["wall", "plain", "blotches", "stripes", "shapes"], p=[0.5, 0.15, 0.15, 0.08, 0.12]
    )
    if kind == "wall":
        base = random.uniform(120, 245) + random.normal(0, 8, 3)
    else:
        base = random.uniform(10, 250) + random.normal(0, 40, 3)
    picture = np.empty((3, canvas, canvas), np.float32)
    picture[:] = base[:, None, None]
    # Places are from -1 to 1.
    across = np.linspace(-1, 1, canvas, dtype=np.float32)
    column, row = across[None, :], across[:, None]
    picture += random.normal(0, 18) * column + random.normal(0, 18) * row
    if random.random() < 0.4:
        # A lens is darker at the corners.
        picture -= random.uniform(0, 50) * (column**2 + row**2)
    if kind == "blotches":
        _blotch(picture, random)
    elif kind == "stripes":
        _stripe(picture, column, row, random)
    elif kind == "shapes":
        for _ in range(random.integers(1, 5)):
            _place_shape(picture, column, row, random)
    elif random.random() < 0.5:
        _end_wall(picture, column, row, random)
    return picture


def _blotch(picture: Plane, random: np.random.Generator) -> None:
    """Add soft patches of colour."""
    cells = int(random.integers(3, 9))
    grow = interpolation(cells, picture.shape[1])
    patches = random.normal(0, random.uniform(8, 45), (3, cells, cells)).astype(np.float32)
    picture += grow @ patches @ grow.T


def _stripe(picture: Plane, column: Plane, row: Plane, random: np.random.Generator) -> None:
    """Add soft stripes in any direction."""
    angle, pitch = random.uniform(0, np.pi), random.uniform(3, 16)
    wave = np.sin((np.cos(angle) * column + np.sin(angle) * row) * pitch + random.uniform(0, 6))
    picture += random.normal(0, 30, 3).astype(np.float32)[:, None, None] * wave


def _place_shape(picture: Plane, column: Plane, row: Plane, random: np.random.Generator) -> None:
    """Paint an ellipse or a rectangle."""
    colour = random.uniform(0, 255, 3).astype(np.float32)[:, None, None]
    middle, reach = random.uniform(-1, 1, 2), random.uniform(0.1, 0.7, 2)
    right, down = (column - middle[0]) / reach[0], (row - middle[1]) / reach[1]
    ellipse = random.random() < 0.5
    inside = right**2 + down**2 < 1 if ellipse else np.maximum(np.abs(right), np.abs(down)) < 1
    np.copyto(picture, colour, where=inside)


def _end_wall(picture: Plane, column: Plane, row: Plane, random: np.random.Generator) -> None:
    """Change the brightness beyond a nearly straight edge at the left, the right or the top."""
    slope, offset = random.normal(0, 0.08), random.uniform(0.8, 1.1)
    side = random.choice(["left", "right", "top"], p=[0.25, 0.25, 0.5])
    if side == "top":
        beyond = row + slope * column < -offset
    else:
        beyond = column * (1 if side == "right" else -1) + slope * row > offset
    picture += random.normal(0, 40) * beyond


def photograph(picture: Plane, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture at its size, as a camera takes it: blurred, too bright or too dark, noisy.

    Returns
    -------
    array of shape (3, size, size)
        RGB.
    """
    blur = random.choice([0.3, 0.5, 0.8, 1.2], p=[0.35, 0.35, 0.2, 0.1])
    shrink = blurring(size, picture.shape[1], float(blur))
    small = shrink @ picture @ shrink.T
    small *= random.uniform(0.75, 1.15)
    small = 128 + (small - 128) * random.uniform(0.75, 1.25)
    small += random.normal(0, random.uniform(0.5, 5), small.shape).astype(np.float32)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def blurring(size: int, canvas: int, width: float) -> Plane:
    """Return the matrix (size, canvas) that shrinks and blurs by a normal distribution.

    `width` is its standard deviation, in points of the result.
    """
    step = canvas / size
    middle = (np.arange(size) + 0.5) * step
    distance = np.abs(np.arange(canvas) + 0.5 - middle[:, None]) / step
    weights = np.exp(-0.5 * (distance / max(width, 0.25)) ** 2)
    matrix: Plane = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


@lru_cache(maxsize=64)
def interpolation(cells: int, canvas: int) -> Plane:
    """Return the matrix (canvas, cells) that interpolates between cells linearly."""
    place = np.linspace(0, cells - 1, canvas)[:, None]
    matrix: Plane = np.maximum(1 - np.abs(place - np.arange(cells)), 0).astype(np.float32)
    return matrix


def _reaches(first: float, second: float, radius: float, canvas: int) -> tuple[int, int]:
    """Return the first point that a tube may cover, and the first behind it."""
    return (
        max(int(min(first, second) - radius), 0),
        min(int(max(first, second) + radius) + 2, canvas),
    )
