"""The networks, each in a file of its own; importing this package does not load Keras.

To add one, write a file here with a function `build` as the others have, and add its name.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..params import NetworkParams

NETWORKS: tuple[str, ...] = ("lenet", "resnet", "vgg", "inception", "mobilenet")
# What the network "transfer" begins with, unless network.pretrained says otherwise.
PRETRAINED = "mobilenetv2"


def build(name: str, *, channels: int, size: int, classes: int, params: "NetworkParams") -> Any:
    """Make an untrained network.

    Parameters
    ----------
    name : str
        One of `NETWORKS`, or `transfer`, whose first weights are those of another data set.
    channels : int
        Of the pictures: 1 for grey, 3 for colour.
    size : int
        Height and width of the pictures in pixels, at least 16.
    classes : int
        How many signs it tells apart.
    params : NetworkParams
        Its width and the like.

    Returns
    -------
    keras.Model
        Takes float32 of shape (n, size, size, channels), gives logits of shape (n, classes).

    Raises
    ------
    UserError
        When `transfer` has no such model.
    """
    module = importlib.import_module(f".{name}", __name__)
    return module.build(channels=channels, size=size, classes=classes, params=params)
