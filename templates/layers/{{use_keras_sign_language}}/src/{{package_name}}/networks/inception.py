"""Inception: several sizes of convolution side by side, and the network chooses."""

from typing import Any

from ..params import NetworkParams
from .network import convolution, layers, network, pictures


def inception(maps: Any, outputs: int) -> Any:
    """Add four ways through a layer: 1x1, 3x3, 5x5 and the largest neighbour, put side by side.

    Each gives a quarter of the `outputs` (a multiple of four); 1x1 convolutions before the larger
    ones make them cheap.
    """
    quarter = outputs // 4
    ways = [
        convolution(maps, quarter, 1),
        convolution(layers.ReLU()(convolution(maps, quarter, 1)), quarter, 3),
        convolution(layers.ReLU()(convolution(maps, quarter, 1)), quarter, 5),
        convolution(layers.MaxPooling2D(3, strides=1, padding="same")(maps), quarter, 1),
    ]
    return layers.ReLU()(layers.Concatenate()(ways))


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Any:
    """Return a small GoogLeNet (Szegedy and others, 2015, arXiv:1409.4842)."""
    width = params.width
    inputs = pictures(channels, size)
    maps = layers.ReLU()(convolution(inputs, width, stride=2))
    maps = inception(maps, 4 * width)
    maps = layers.MaxPooling2D(2)(maps)
    maps = inception(maps, 8 * width)
    maps = layers.MaxPooling2D(2)(maps)
    maps = inception(maps, 8 * width)
    return network(inputs, maps, classes, params.dropout)
