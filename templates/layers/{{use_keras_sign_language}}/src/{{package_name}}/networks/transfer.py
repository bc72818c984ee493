"""Transfer: a network that has seen a million other pictures learns the signs."""

from dataclasses import dataclass
from typing import Any

from ..backend import keras
from ..errors import UserError
from ..params import NetworkParams
from .network import HEAD, layers, network, pictures

# What these networks learned from was larger than the pictures here: those are enlarged to this.
ENOUGH = 128
PUBLISHED = (224, 224, 3)


@dataclass(frozen=True)
class Backbone:
    """A class of keras.applications, and the standard deviation of the pictures that it knows."""

    name: str
    deviation: float


BACKBONES = {
    "mobilenetv2": Backbone("MobileNetV2", 0.5),
    "resnet50v2": Backbone("ResNet50V2", 0.5),
    "densenet121": Backbone("DenseNet121", 1.0),
}


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Any:
    """Return a new head on the features of `params.pretrained`; `fetch` brings their weights.

    The features stay as they are (Yosinski and others, 2014, arXiv:1411.1792): only the head
    learns, which takes few pictures.

    Raises
    ------
    UserError
        When there is no such model.
    """
    backbone = _backbone(params.pretrained)
    inputs = maps = pictures(channels, size)
    if channels == 1:
        maps = layers.Concatenate()([maps, maps, maps])
    maps = layers.Rescaling(backbone.deviation)(maps)
    if size < ENOUGH:
        maps = layers.UpSampling2D(-(-ENOUGH // size), interpolation="nearest")(maps)
    features = _application(backbone, weights=None, input_tensor=maps)
    features.trainable = False
    return network(inputs, features.output, classes, params.dropout)


def fetch(model: Any, params: NetworkParams) -> None:
    """Give a network of `build` the published weights, from ImageNet; they are downloaded once.

    Raises
    ------
    UserError
        When they cannot be downloaded and were not before.
    """
    try:
        backbone = _backbone(params.pretrained)
        features = _application(backbone, weights="imagenet", input_shape=PUBLISHED)
    except Exception as error:  # Keras raises no more specific one for a download that failed.
        raise UserError(
            f"The weights of {params.pretrained} could not be fetched: {str(error)[:200]}",
            "They are downloaded once, so go online, or choose a network that needs none: "
            "--set train.network=resnet.",
        ) from error
    model.set_weights([*features.get_weights(), *model.get_layer(HEAD).get_weights()])


def _backbone(name: str) -> Backbone:
    if name not in BACKBONES:
        raise UserError(
            f"There is no pretrained model {name!r} here.",
            f"Set network.pretrained to one of {', '.join(BACKBONES)}.",
        )
    return BACKBONES[name]


def _application(backbone: Backbone, **options: Any) -> Any:
    return getattr(keras.applications, backbone.name)(include_top=False, **options)
