"""Transfer: a network that has seen a million other pictures learns the signs."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from ..errors import UserError
from ..params import NetworkParams
from .network import Network


class Backbone(nn.Module):
    """The deepest map of features of a model of the library timm."""

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.name = name
        self.channels = channels
        self.model = self._create(pretrained=False)
        self.width: int = self.model.feature_info.channels()[-1]

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn pictures (n, c, s, s) into maps (n, width, h, w)."""
        maps: list[Tensor] = self.model(pictures)
        return maps[-1]

    def fetch(self) -> None:
        """Take the published weights."""
        try:
            self.model = self._create(pretrained=True)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"The weights of {self.name!r} could not be fetched: {str(error)[:200]}",
                "They are downloaded once, so go online, or choose a network that needs none: "
                "--set train.network=resnet.",
            ) from error

    def _create(self, *, pretrained: bool) -> Any:
        try:
            import timm
        except ImportError as error:
            raise UserError(
                "The network transfer needs the library timm, which is not installed.",
                "Add it to the project: uv add timm.",
            ) from error
        if not timm.is_model(self.name):
            raise UserError(
                f"timm has no model {self.name!r}.",
                "Set network.pretrained to one of timm.list_models(), for instance resnet18.",
            )
        return timm.create_model(
            self.name, pretrained=pretrained, in_chans=self.channels, features_only=True
        )


class Transfer(Network):
    """A backbone under a new head (Yosinski and others, 2014, arXiv:1411.1792).

    Training holds the backbone still at first, because a head that knows nothing yet would spoil
    it, and then changes it slowly.
    """

    def __init__(self, backbone: Backbone, classes: int, dropout: float) -> None:
        super().__init__(backbone, backbone.width, classes, dropout)
        self.features: Backbone = backbone

    def pretrained_parts(self) -> Iterator[nn.Module]:
        """Yield the backbone."""
        yield self.features

    def fetch(self) -> None:
        """Download the backbone's weights, or take them from the cache of an earlier download.

        Raises
        ------
        UserError
            When they are in neither place.
        """
        self.features.fetch()


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Network:
    """Return a network on the convolutional model `params.pretrained`; `fetch` brings its weights.

    Raises
    ------
    UserError
        When timm is not installed or has no such model.
    """
    return Transfer(Backbone(params.pretrained, channels), classes, params.dropout)
