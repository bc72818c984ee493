"""Inception: several sizes of convolution side by side, and the network chooses."""

import torch
from torch import Tensor, nn

from ..params import NetworkParams
from .network import Network, convolution


class Inception(nn.Module):
    """Four ways through a layer: 1x1, 3x3, 5x5 and the largest neighbour, put side by side.

    Each gives a quarter of the `outputs` (a multiple of four); 1x1 convolutions before the larger
    ones make them cheap.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        quarter = outputs // 4
        self.ways = nn.ModuleList(
            [
                convolution(inputs, quarter, 1),
                nn.Sequential(
                    convolution(inputs, quarter, 1), nn.ReLU(), convolution(quarter, quarter, 3)
                ),
                nn.Sequential(
                    convolution(inputs, quarter, 1), nn.ReLU(), convolution(quarter, quarter, 5)
                ),
                nn.Sequential(nn.MaxPool2d(3, 1, padding=1), convolution(inputs, quarter, 1)),
            ]
        )
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Put what the four ways give side by side."""
        output: Tensor = self.activation(torch.cat([way(maps) for way in self.ways], 1))
        return output


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Network:
    """Return a small GoogLeNet (Szegedy and others, 2015, arXiv:1409.4842)."""
    width = params.width
    features = nn.Sequential(
        convolution(channels, width, stride=2),
        nn.ReLU(),
        Inception(width, 4 * width),
        nn.MaxPool2d(2),
        Inception(4 * width, 8 * width),
        nn.MaxPool2d(2),
        Inception(8 * width, 8 * width),
    )
    return Network(features, 8 * width, classes, params.dropout)
