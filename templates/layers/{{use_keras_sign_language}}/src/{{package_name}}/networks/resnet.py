"""ResNet: each block learns what to add to its input."""

from typing import Any

from ..params import NetworkParams
from .network import convolution, layers, network, pictures


def residual(maps: Any, outputs: int, stride: int) -> Any:
    """Add two 3x3 convolutions around which the input takes a short cut."""
    change = layers.ReLU()(convolution(maps, outputs, stride=stride))
    change = convolution(change, outputs)
    same = stride == 1 and maps.shape[-1] == outputs
    short_cut = maps if same else convolution(maps, outputs, 1, stride=stride)
    return layers.ReLU()(layers.Add()([short_cut, change]))


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Any:
    """Return a small residual network (He, Zhang, Ren and Sun, 2016, arXiv:1512.03385).

    The gradient reaches the first layers through the short cuts, which lets deep networks learn.
    """
    width = params.width
    inputs = pictures(channels, size)
    maps = layers.ReLU()(convolution(inputs, width, stride=2))
    maps = residual(maps, width, stride=1)
    maps = residual(maps, 2 * width, stride=2)
    maps = residual(maps, 4 * width, stride=2)
    return network(inputs, maps, classes, params.dropout)
