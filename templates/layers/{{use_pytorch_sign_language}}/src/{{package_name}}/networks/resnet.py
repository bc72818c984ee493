"""ResNet: each block learns what to add to its input."""

from torch import Tensor, nn

from ..params import NetworkParams
from .network import Network, convolution


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input takes a short cut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            convolution(inputs, outputs, stride=stride), nn.ReLU(), convolution(outputs, outputs)
        )
        same = stride == 1 and inputs == outputs
        self.short_cut = nn.Identity() if same else convolution(inputs, outputs, 1, stride=stride)
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Add the change to the input."""
        output: Tensor = self.activation(self.short_cut(maps) + self.change(maps))
        return output


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Network:
    """Return a small residual network (He, Zhang, Ren and Sun, 2016, arXiv:1512.03385).

    The gradient reaches the first layers through the short cuts, which lets deep networks learn.
    """
    width = params.width
    features = nn.Sequential(
        convolution(channels, width, stride=2),
        nn.ReLU(),
        Residual(width, width, stride=1),
        Residual(width, 2 * width, stride=2),
        Residual(2 * width, 4 * width, stride=2),
    )
    return Network(features, 4 * width, classes, params.dropout)
