"""MobileNet: convolutions taken apart, for machines that have little to spare."""

from typing import Any

from ..params import NetworkParams
from .network import MOMENTUM, convolution, layers, network, pictures

EXPANSION = 4


def relu6(maps: Any) -> Any:
    """Add a rectifier that ends at 6, which loses less when the numbers are made coarse."""
    return layers.ReLU(max_value=6)(maps)


def inverted_residual(maps: Any, outputs: int, stride: int) -> Any:
    """Widen by a 1x1 convolution, look around in each channel alone, narrow again.

    A 3x3 convolution of each channel alone (depthwise) and a 1x1 convolution across channels take
    about a ninth of the multiplications of a full 3x3. The narrow end has no rectifier, which would
    lose what little is left there.
    """
    inputs = maps.shape[-1]
    change = relu6(convolution(maps, EXPANSION * inputs, 1))
    change = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(change)
    change = relu6(layers.BatchNormalization(momentum=MOMENTUM)(change))
    change = convolution(change, outputs, 1)
    return layers.Add()([maps, change]) if stride == 1 and inputs == outputs else change


def build(*, channels: int, size: int, classes: int, params: NetworkParams) -> Any:
    """Return a small MobileNetV2 (Sandler and others, 2018, arXiv:1801.04381)."""
    width = params.width
    inputs = pictures(channels, size)
    maps = relu6(convolution(inputs, width, stride=2))
    maps = inverted_residual(maps, width, stride=1)
    maps = inverted_residual(maps, 2 * width, stride=2)
    maps = inverted_residual(maps, 2 * width, stride=1)
    maps = inverted_residual(maps, 4 * width, stride=2)
    maps = inverted_residual(maps, 4 * width, stride=1)
    maps = relu6(convolution(maps, 8 * width, 1))
    return network(inputs, maps, classes, params.dropout)
