"""What all networks have in common: a map of features, its average, and a head."""

from collections.abc import Iterator

from torch import Tensor, nn


class Network(nn.Module):
    """Features of every place of a picture, averaged over the places, then one linear layer.

    The average (Lin, Chen and Yan, 2014, "Network in network", arXiv:1312.4400) stands in for the
    wide linear layers of the older papers: it has no parameters and takes pictures of any size.

    Parameters
    ----------
    features : Module
        (n, c, s, s) to (n, width, h, w).
    width : int
        Channels of the map of features.
    classes : int
        How many logits.
    dropout : float
        The share of the averages that is hidden in training.
    """

    def __init__(self, features: nn.Module, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def classify(self, maps: Tensor) -> Tensor:
        """Turn the map of features (n, width, h, w) into logits (n, classes)."""
        logits: Tensor = self.head(self.dropout(maps.mean((2, 3))))
        return logits

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn standardised pictures (n, c, s, s) into logits (n, classes)."""
        return self.classify(self.features(pictures))

    def pretrained_parts(self) -> Iterator[nn.Module]:
        """Yield the parts whose first weights come from elsewhere; most networks have none."""
        yield from ()

    def fetch(self) -> None:
        """Take the first weights of the pretrained parts from where they are published."""


def convolution(
    inputs: int, outputs: int, size: int = 3, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return a convolution that keeps the size (divided by the stride), and its normalisation.

    Batch normalisation: Ioffe and Szegedy (2015), arXiv:1502.03167. It brings the bias.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )
