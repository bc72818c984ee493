"""Random changes of training pictures, made on whole batches and outside of the network.

As layers of the network they would be part of what is exported and served.
"""

import numpy as np
from numpy.typing import NDArray

from .backend import keras
from .params import AugmentationParams

Pictures = NDArray[np.float32]


def augment(
    pictures: Pictures, params: AugmentationParams, generator: np.random.Generator
) -> Pictures:
    """Change each picture of a batch in its own random way.

    Parameters
    ----------
    pictures : ndarray of float32, shape (n, s, s, c)
        Standardised.
    params : AugmentationParams
        The largest changes; where all are zero, the pictures are returned as they are.
    generator : Generator
        Of the random numbers: equal states give equal pictures.

    Returns
    -------
    ndarray of float32, shape (n, s, s, c)
        New pictures; the old ones stay as they are.
    """
    each = (len(pictures), 1, 1, 1)
    if params.rotation_degrees or params.scale or params.shift or params.flip:
        pictures = _move(pictures, params, generator)
    if params.contrast:
        factor = 1 + generator.uniform(-params.contrast, params.contrast, each)
        pictures = pictures * factor.astype(np.float32)
    if params.brightness:
        more = generator.uniform(-params.brightness, params.brightness, each)
        pictures = pictures + more.astype(np.float32)
    if params.noise:
        noise = generator.standard_normal(pictures.shape, np.float32)
        pictures = pictures + np.float32(params.noise) * noise
    if params.erase:
        pictures = _erase(pictures, params.erase, generator)
    return pictures


def _move(
    pictures: Pictures, params: AugmentationParams, generator: np.random.Generator
) -> Pictures:
    """Turn, zoom, shift and mirror; at the edge the nearest pixel goes on."""
    count, size = pictures.shape[:2]

    def uniform(largest: float) -> NDArray[np.float64]:
        return generator.uniform(-largest, largest, (count,))

    angle = np.radians(uniform(params.rotation_degrees))
    # Where a pixel comes from, not where it goes: hence the inverse of the scale.
    zoom = 1 / (1 + uniform(params.scale))
    mirror = np.where(uniform(1) < 0, -1.0, 1.0) if params.flip else np.ones(count)
    cosine, sine = np.cos(angle) * zoom, np.sin(angle) * zoom
    centre = (size - 1) / 2
    across = centre * (1 - mirror * cosine + sine) + size * uniform(params.shift)
    down = centre * (1 - mirror * sine - cosine) + size * uniform(params.shift)
    none = np.zeros(count)
    # A pixel (x, y) comes from (a x + b y + c, d x + e y + f); the last two would be perspective.
    rows = [mirror * cosine, -sine, across, mirror * sine, cosine, down, none, none]
    moved = keras.ops.image.affine_transform(
        pictures,
        np.stack(rows, axis=1).astype(np.float32),
        interpolation="bilinear",
        fill_mode="nearest",
        data_format="channels_last",
    )
    result: Pictures = np.asarray(keras.ops.convert_to_numpy(moved))
    return result


def _erase(pictures: Pictures, probability: float, generator: np.random.Generator) -> Pictures:
    """Hide a patch, an eighth to a half as high and wide as the picture, under its mean of zero.

    Random erasing: Zhong, Zheng, Kang, Li and Yang (2020), arXiv:1708.04896.
    """
    count, size = pictures.shape[:2]
    pictures = pictures.copy()
    for row in np.flatnonzero(generator.random(count) < probability):
        height, width = generator.integers(max(1, size // 8), size // 2, 2, endpoint=True)
        top, left = generator.integers(0, [size - height, size - width], endpoint=True)
        pictures[row, top : top + height, left : left + width] = 0
    return pictures
