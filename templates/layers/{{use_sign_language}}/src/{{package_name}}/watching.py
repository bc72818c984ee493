"""What monitoring compares with the training data: the light in the pictures, and the answers."""

import numpy as np
from numpy.typing import NDArray

from .reference import CategoryField, NumberField, Reference


def light(pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure the light in pictures.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, c, s, s)

    Returns
    -------
    brightness, contrast : ndarray of float64, shape (n,)
        The mean and the standard deviation of the pixels, as shares of white.
    """
    pixels = pictures.reshape(len(pictures), -1)
    return pixels.mean(axis=1) / 255, pixels.std(axis=1) / 255


def reference(
    pictures: NDArray[np.uint8], probabilities: NDArray[np.float64], classes: tuple[str, ...]
) -> Reference:
    """Describe what the model was trained on, in the order of `Predictor.watched`.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, c, s, s)
        Those that were trained on.
    probabilities : ndarray of float64, shape (m, k)
        The answers for pictures that were held out.
    classes : tuple[str, ...]
        The k signs.
    """
    brightness, contrast = light(pictures)
    signs = [classes[place] for place in probabilities.argmax(axis=1)]
    confidence = probabilities.max(axis=1).tolist()
    return Reference(
        fields=[
            NumberField.of("brightness", brightness.tolist()),
            NumberField.of("contrast", contrast.tolist()),
            NumberField.of("confidence", confidence, role="prediction"),
            CategoryField.of("sign", signs, role="prediction"),
        ]
    )
