"""VGG: nothing but 3x3 convolutions, pair after pair."""

from typing import Any

from ..params import NetworkParams
from .network import convolution, layers, network, pictures


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Any:
    """Return a small VGG (Simonyan and Zisserman, 2015, arXiv:1409.1556).

    Two 3x3 convolutions see as far as one of 5x5, with fewer parameters and one rectifier more.
    After each pair the maps are halved and their number is doubled.
    """
    inputs = maps = pictures(channels, size)
    for outputs in (params.width, 2 * params.width, 4 * params.width):
        maps = layers.ReLU()(convolution(maps, outputs))
        maps = layers.ReLU()(convolution(maps, outputs))
        maps = layers.MaxPooling2D(2)(maps)
    return network(inputs, maps, classes, params.dropout)
