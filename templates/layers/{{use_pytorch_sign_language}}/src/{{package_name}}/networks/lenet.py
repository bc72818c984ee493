"""LeNet: the first network that read handwriting for a living."""

from torch import nn

from ..params import NetworkParams
from .network import Network, convolution


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Network:
    """Return LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998, doi:10.1109/5.726791).

    Three 5x5 convolutions with pooling between them, as in the paper; with today's rectifier,
    maximum and batch normalisation where the paper has a sigmoid, an average and a bias.
    """
    width = params.width
    features = nn.Sequential(
        convolution(channels, width, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        convolution(width, 2 * width, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        convolution(2 * width, 4 * width, 5),
        nn.ReLU(),
    )
    return Network(features, 4 * width, classes, params.dropout)
