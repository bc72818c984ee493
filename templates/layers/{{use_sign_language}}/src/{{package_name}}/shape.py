"""What a network was built from."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from .errors import UserError
from .networks import build
from .params import NetworkParams


class Shape(BaseModel):
    """All that must be known to build a network again; it stands beside its weights."""

    model_config = ConfigDict(frozen=True)

    network: str
    channels: int
    size: int
    classes: int
    params: NetworkParams

    def build(self) -> Any:
        """Make the untrained network."""
        return build(
            self.network,
            channels=self.channels,
            size=self.size,
            classes=self.classes,
            params=self.params,
        )

    def settings(self) -> dict[str, Any]:
        """Return what two networks must have in common, by the names of the parameters."""
        return {
            "train.network": self.network,
            "data.size": self.size,
            "data.channels": self.channels,
            "network.width": self.params.width,
            "network.pretrained": self.params.pretrained,
        }

    def check_begins_with(self, earlier: "Shape", folder: Path) -> None:
        """Check that a network of this shape can begin with the weights of an earlier one.

        They may tell different numbers of signs apart.

        Raises
        ------
        UserError
            When it cannot; it names the model's `folder`, and what to set.
        """
        wanted, found = self.settings(), earlier.settings()
        differing = {name: found[name] for name in wanted if wanted[name] != found[name]}
        if differing:
            have = ", ".join(f"{name}={value}" for name, value in differing.items())
            settings = " ".join(f"--set {name}={value}" for name, value in differing.items())
            raise UserError(
                f"The model in {folder} has {have}, which is not what is to be trained.",
                f"Set it so: {settings}.",
            )
