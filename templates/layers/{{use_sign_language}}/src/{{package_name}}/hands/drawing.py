"""From tubes to a picture: what is in front, light, skin, background, a camera's faults."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .skeleton import Tubes

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
    """

    depth: Plane
    normal: Plane

    @property
    def hand(self) -> NDArray[np.bool_]:
        """Where the hand is."""
        return self.depth > FAR


def frame(
    tubes: Tubes, canvas: int, random: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """Return the length of a palm and the wrist's column and row, all in points of the canvas.

    The hand is about in the middle.
    """
    palm = canvas * float(np.clip(random.normal(0.385, 0.05), 0.26, 0.52))
    # The last two tubes are the forearm, which ends outside of the picture.
    joints = np.concatenate([tubes.starts[:-2, :2], tubes.ends[:-2, :2]])
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
    to_canvas = np.array([palm, -palm, palm])
    move = np.array([*origin, 0.0])
    starts = (tubes.starts * to_canvas + move).tolist()
    ends = (tubes.ends * to_canvas + move).tolist()
    grid = np.arange(canvas, dtype=np.float32)
    for start, end, radii, flatness in zip(
        starts, ends, (tubes.radii * palm).tolist(), tubes.flatness.tolist(), strict=True
    ):
        widest = max(radii)
        left, right = _reaches(start[0], end[0], widest, canvas)
        top, bottom = _reaches(start[1], end[1], widest, canvas)
        if left >= right or top >= bottom:
            continue
        box = np.s_[top:bottom, left:right]
        x = grid[left:right][None, :] - start[0]
        y = grid[top:bottom][:, None] - start[1]
        dx, dy, dz = (end[axis] - start[axis] for axis in range(3))
        flat = max(dx * dx + dy * dy, 1e-6)
        length = float(np.sqrt(flat))
        foot = (x * dx + y * dy) / flat
        aside = (x * dy - y * dx) / length
        thinning = radii[1] - radii[0]
        radius = radii[0] + thinning * np.clip(foot, 0, 1)
        half = np.sqrt(np.maximum(radius * radius - aside * aside, 0))
        # The highest point of a tilted tube above a point is not where that point's foot is.
        share = np.clip(foot + half * (dz / (length * float(np.sqrt(flat + dz * dz)))), 0, 1)
        radius = radii[0] + thinning * share
        off = (foot - share) * length
        bulge = radius * radius - off * off - aside * aside
        height = start[2] + dz * share + np.sqrt(np.maximum(bulge, 0))
        nearer = (bulge > 0) & (height > depth[box])
        np.copyto(depth[box], height, where=nearer)
        roundness = (1 - flatness) / radius
        np.copyto(normal[0][box], (x - dx * share) * roundness, where=nearer)
        np.copyto(normal[1][box], (y - dy * share) * roundness, where=nearer)
    normal[2] = np.sqrt(np.maximum(1 - normal[0] ** 2 - normal[1] ** 2, 0))
    hand = depth > FAR
    depth[hand] /= palm
    return Surface(depth, normal)


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
    shade *= 1 - _hollows(surface, palm, random)
    tone = random.uniform(0, len(SKINS) - 1)
    below = min(int(tone), len(SKINS) - 2)
    skin = SKINS[below] + (tone - below) * (SKINS[below + 1] - SKINS[below])
    skin = skin * random.normal(1.0, [0.05, 0.05, 0.06])
    # Thin or shaded skin is redder.
    colour = skin.astype(np.float32)[:, None, None] * shade
    colour[1:] *= 1 - 0.06 * (1 - shade)
    grow = interpolation(9, canvas)
    colour *= (
        1 + grow @ random.normal(0, random.uniform(0.02, 0.08), (9, 9)).astype(np.float32) @ grow.T
    )
    np.copyto(picture, colour, where=hand)
    return picture


def _hollows(surface: Surface, palm: float, random: np.random.Generator) -> Plane:
    """Return how much darker it is where something nearby is nearer to the viewer, in 0 to 1.

    T. Luft, C. Colditz, O. Deussen, "Image enhancement by unsharp masking the depth buffer",
    ACM Transactions on Graphics 25 (2006).
    """
    canvas = surface.depth.shape[0]
    hand = surface.hand
    known = np.where(hand, surface.depth, 0)
    total = np.zeros((canvas, canvas), np.float32)
    for width, weight in ((0.05, random.uniform(0.8, 2.6)), (0.16, random.uniform(0.2, 0.8))):
        blur = blurring(canvas, canvas, round(width * palm * 4) / 4)
        around = blur @ known @ blur.T
        inside = blur @ hand.astype(np.float32) @ blur.T
        behind = around / np.maximum(inside, 1e-3) - surface.depth
        total += weight * np.clip(behind, 0, 0.5)
    return np.minimum(total, 0.75)


def _shadow(hand: NDArray[np.bool_], light: NDArray[np.float64], palm: float) -> Plane:
    """Return the soft shadow of the hand on the background, in 0 to 1."""
    canvas = len(hand)
    blur = blurring(canvas, canvas, max(round(0.12 * palm * 4) / 4, 0.5))
    right, down = (-light[:2] * 0.25 * palm).astype(int).tolist()
    margin = max(abs(right), abs(down))
    wider = np.pad(hand, margin, mode="edge").astype(np.float32)
    moved = wider[margin - down : margin - down + canvas, margin - right : margin - right + canvas]
    shadow: Plane = blur @ moved @ blur.T
    return shadow


def background(canvas: int, random: np.random.Generator) -> Plane:
    """Return a random background, RGB in 0 to 255, shape (3, canvas, canvas)."""
    kind = random.choice(
        ["wall", "colour", "blotches", "stripes", "shapes"], p=[0.5, 0.15, 0.15, 0.08, 0.12]
    )
    if kind == "wall":
        base = random.uniform(120, 245) + random.normal(0, 8, 3)
    else:
        base = random.uniform(10, 250) + random.normal(0, 40, 3)
    picture = np.empty((3, canvas, canvas), np.float32)
    picture[:] = base[:, None, None]
    across = np.linspace(-1, 1, canvas, dtype=np.float32)
    column, row = across[None, :], across[:, None]
    picture += random.normal(0, 18) * column + random.normal(0, 18) * row
    if random.random() < 0.4:
        picture -= random.uniform(0, 50) * (column**2 + row**2)
    if kind == "blotches":
        cells = int(random.integers(3, 9))
        grow = interpolation(cells, canvas)
        blotches = random.normal(0, random.uniform(8, 45), (3, cells, cells)).astype(np.float32)
        picture += grow @ blotches @ grow.T
    elif kind == "stripes":
        angle, pitch = random.uniform(0, np.pi), random.uniform(3, 16)
        wave = np.sin((np.cos(angle) * column + np.sin(angle) * row) * pitch + random.uniform(0, 6))
        picture += random.normal(0, 30, 3).astype(np.float32)[:, None, None] * wave
    elif kind == "shapes":
        for _ in range(random.integers(1, 5)):
            colour = random.uniform(0, 255, 3).astype(np.float32)[:, None, None]
            middle, reach = random.uniform(-1, 1, 2), random.uniform(0.1, 0.7, 2)
            u, v = (column - middle[0]) / reach[0], (row - middle[1]) / reach[1]
            inside = (
                u**2 + v**2 < 1 if random.random() < 0.5 else np.maximum(np.abs(u), np.abs(v)) < 1
            )
            np.copyto(picture, colour, where=inside)
    elif random.random() < 0.5:
        # The edge of the wall or of a sheet.
        slope, offset = random.normal(0, 0.08), random.uniform(0.8, 1.1)
        change = random.normal(0, 40)
        if random.random() < 0.5:
            picture += change * (column + slope * row > offset) * random.choice([-1, 1])
            if random.random() < 0.5:
                picture = picture[:, :, ::-1]
        else:
            picture += change * (row + slope * column < -offset)
    return np.ascontiguousarray(picture)


def photograph(picture: Plane, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture at its size, as a camera takes it: blurred, too bright, noisy.

    Returns
    -------
    array of shape (3, size, size)
        RGB.
    """
    sharpness = random.choice([0.3, 0.5, 0.8, 1.2], p=[0.35, 0.35, 0.2, 0.1])
    shrink = blurring(size, picture.shape[1], float(sharpness))
    small = shrink @ picture @ shrink.T
    small *= random.uniform(0.75, 1.15)
    small = 128 + (small - 128) * random.uniform(0.75, 1.25)
    small += random.normal(0, random.uniform(0.5, 5), small.shape).astype(np.float32)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


@lru_cache(maxsize=256)
def blurring(size: int, canvas: int, width: float) -> Plane:
    """Return the matrix (size, canvas) that shrinks by area and blurs by a normal distribution.

    `width` is its standard deviation, in points of the result.
    """
    step = canvas / size
    middle = (np.arange(size) + 0.5) * step
    distance = np.abs(np.arange(canvas) + 0.5 - middle[:, None]) / step
    weights = np.exp(-0.5 * (distance / max(width, 0.25)) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=64)
def interpolation(cells: int, canvas: int) -> Plane:
    """Return the matrix (canvas, cells) that interpolates between cells linearly."""
    place = np.linspace(0, cells - 1, canvas)[:, None]
    return np.maximum(1 - np.abs(place - np.arange(cells)), 0).astype(np.float32)


def _reaches(first: float, second: float, radius: float, canvas: int) -> tuple[int, int]:
    """Return the first point that a tube may cover, and the first behind it."""
    return (
        max(int(min(first, second) - radius), 0),
        min(int(max(first, second) + radius) + 2, canvas),
    )
