"""Where a network looks: the places of a picture that speak for a sign."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backend import keras
from .networks.network import AVERAGE, HEAD


def attention(
    model: Any, pictures: NDArray[np.float32], labels: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return a heat map for each picture, by class activation mapping (CAM).

    Zhou, Khosla, Lapedriza, Oliva and Torralba (2016), arXiv:1512.04150: the logit of a sign is the
    average over all places of the features, each times the weight that the last layer gives it for
    that sign; so each place's part in the logit is known. Networks that end in an average and one
    layer need no gradient for it, and Grad-CAM (arXiv:1610.02391) gives the same maps.

    Parameters
    ----------
    model : keras.Model
        One of `networks`.
    pictures : ndarray of float32, shape (n, s, s, c)
        Standardised.
    labels : ndarray of intp, shape (n,)
        The sign to explain, for each picture.

    Returns
    -------
    ndarray of float32, shape (n, s, s)
        From 0 to 1, which is the most telling place; all zero where nothing speaks for the label.
    """
    features = keras.Model(model.input, model.get_layer(AVERAGE).input)
    weights = model.get_layer(HEAD).kernel.numpy()
    maps = keras.ops.convert_to_numpy(features(pictures, training=False))
    heat = np.maximum(np.einsum("nhwc,cn->nhw", maps, weights[:, labels]), 0)
    large = keras.ops.image.resize(
        heat[..., None].astype(np.float32),
        pictures.shape[1:3],
        interpolation="bilinear",
        data_format="channels_last",
    )
    result: NDArray[np.float32] = keras.ops.convert_to_numpy(large)[..., 0]
    most = result.max(axis=(1, 2), keepdims=True)
    most[most == 0] = 1
    scaled: NDArray[np.float32] = result / most
    return scaled
