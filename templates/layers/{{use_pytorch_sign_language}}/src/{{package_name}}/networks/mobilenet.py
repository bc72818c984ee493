"""MobileNet: convolutions taken apart, for machines that have little to spare."""

from torch import Tensor, nn

from ..params import NetworkParams
from .network import Network, convolution

EXPANSION = 4


class InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, look around in each channel alone, narrow again.

    A 3x3 convolution of each channel alone (depthwise) and a 1x1 convolution across channels take
    about a ninth of the multiplications of a full 3x3. The narrow end has no rectifier, which would
    lose what little is left there.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = EXPANSION * inputs
        self.change = nn.Sequential(
            convolution(inputs, inner, 1),
            nn.ReLU6(),
            convolution(inner, inner, stride=stride, groups=inner),
            nn.ReLU6(),
            convolution(inner, outputs, 1),
        )
        self.has_short_cut = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """Change the maps, added to the input where the shapes allow it."""
        change: Tensor = self.change(maps)
        return maps + change if self.has_short_cut else change


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Network:
    """Return a small MobileNetV2 (Sandler and others, 2018, arXiv:1801.04381)."""
    width = params.width
    features = nn.Sequential(
        convolution(channels, width, stride=2),
        nn.ReLU6(),
        InvertedResidual(width, width, stride=1),
        InvertedResidual(width, 2 * width, stride=2),
        InvertedResidual(2 * width, 2 * width, stride=1),
        InvertedResidual(2 * width, 4 * width, stride=2),
        InvertedResidual(4 * width, 4 * width, stride=1),
        convolution(4 * width, 8 * width, 1),
        nn.ReLU6(),
    )
    return Network(features, 8 * width, classes, params.dropout)
