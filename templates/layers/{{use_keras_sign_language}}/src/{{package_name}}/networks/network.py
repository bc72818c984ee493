"""What all networks have in common: pictures come in, a map of features, its average, a head."""

from typing import Any

from ..backend import keras

layers = keras.layers

AVERAGE = "average"
HEAD = "head"
# Keras forgets 1 % of its averages in a step, which takes hundreds of steps: after a few epochs
# a network would know its training pictures and guess at all others.
MOMENTUM = 0.9


def pictures(channels: int, size: int) -> Any:
    """Return where standardised pictures come in, shape (n, size, size, channels)."""
    return keras.Input((size, size, channels), name="pictures")


def convolution(maps: Any, outputs: int, size: int = 3, *, stride: int = 1) -> Any:
    """Add a convolution that keeps the size (divided by the stride), and its normalisation.

    Batch normalisation: Ioffe and Szegedy (2015), arXiv:1502.03167. It brings the bias.
    """
    maps = layers.Conv2D(outputs, size, strides=stride, padding="same", use_bias=False)(maps)
    return layers.BatchNormalization(momentum=MOMENTUM)(maps)


def network(inputs: Any, maps: Any, classes: int, dropout: float) -> Any:
    """Finish a network: average the map of features over its places, then one linear layer.

    The average (Lin, Chen and Yan, 2014, "Network in network", arXiv:1312.4400) stands in for the
    wide linear layers of the older papers: it has no parameters and takes pictures of any size.

    Parameters
    ----------
    inputs : KerasTensor
        From `pictures`.
    maps : KerasTensor
        The map of features, shape (n, h, w, width).
    classes : int
        How many logits.
    dropout : float
        The share of the averages that is hidden in training.

    Returns
    -------
    keras.Model
        From pictures to logits.
    """
    averages = layers.GlobalAveragePooling2D(name=AVERAGE)(maps)
    averages = layers.Dropout(dropout)(averages)
    # In half precision the last sums would be too coarse for a probability.
    return keras.Model(inputs, layers.Dense(classes, name=HEAD, dtype="float32")(averages))
