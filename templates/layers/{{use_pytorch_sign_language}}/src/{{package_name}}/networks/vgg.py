"""VGG: nothing but 3x3 convolutions, pair after pair."""

from torch import nn

from ..params import NetworkParams
from .network import Network, convolution


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Network:
    """Return a small VGG (Simonyan and Zisserman, 2015, arXiv:1409.1556).

    Two 3x3 convolutions see as far as one of 5x5, with fewer parameters and one rectifier more.
    After each pair the maps are halved and their number is doubled.
    """
    layers: list[nn.Module] = []
    inputs = channels
    for outputs in (params.width, 2 * params.width, 4 * params.width):
        layers += [convolution(inputs, outputs), nn.ReLU()]
        layers += [convolution(outputs, outputs), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = outputs
    return Network(nn.Sequential(*layers), inputs, classes, params.dropout)
