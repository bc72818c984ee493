"""LeNet: the first network that read handwriting for a living."""

from typing import Any

from ..params import NetworkParams
from .network import convolution, layers, network, pictures


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Any:
    """Return LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998, doi:10.1109/5.726791).

    Three 5x5 convolutions with pooling between them, as in the paper; with today's rectifier,
    maximum and batch normalisation where the paper has a sigmoid, an average and a bias.
    """
    width = params.width
    inputs = pictures(channels, size)
    maps = layers.ReLU()(convolution(inputs, width, 5))
    maps = layers.MaxPooling2D(2)(maps)
    maps = layers.ReLU()(convolution(maps, 2 * width, 5))
    maps = layers.MaxPooling2D(2)(maps)
    maps = layers.ReLU()(convolution(maps, 4 * width, 5))
    return network(inputs, maps, classes, params.dropout)
