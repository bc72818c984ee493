"""A trained network as ONNX, which the service runs without Keras.

Layer by layer, so that it is the same on every backend. ONNX has the channels before the places:
pictures come in as (n, c, s, s), and each kernel is turned to suit.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .backend import keras
from .errors import UserError

# What every ONNX Runtime of the serving dependencies reads.
OPSET = 18
IR_VERSION = 9
# Difference of logits that rounding explains, relative to the largest logit (or to 1).
TOLERANCE = 1e-4
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
PADDING = {"same": "SAME_UPPER", "valid": "VALID"}


class Graph:
    """An ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: Any) -> str:
        """Add an array, or what a variable of Keras holds; return its name."""
        name = f"constant_{len(self.constants)}"
        array = values if isinstance(values, np.ndarray) else values.numpy()
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output; return its name."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name


def export(model: Any, path: Path) -> float:
    """Write a network, and compare what it answers there and here.

    Parameters
    ----------
    model : keras.Model
        From pictures (n, s, s, c) to logits (n, k).
    path : Path
        The file, with all weights in it. Its input is `pictures`, float32 (n, c, s, s),
        standardised; its output is `logits`, float32 (n, k).

    Returns
    -------
    float
        The largest difference of the two, see `TOLERANCE`.

    Raises
    ------
    UserError
        When it is larger than that: such a model must not be served.
    """
    path.write_bytes(_convert(model).SerializeToString())
    generator = np.random.default_rng(0)
    difference = 0.0
    for count in (1, 7):
        pictures = generator.standard_normal((count, *model.input.shape[1:]), np.float32)
        expected = keras.ops.convert_to_numpy(model(pictures, training=False))
        answered = run(path, np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        largest = float(np.abs(answered - expected).max() / max(1.0, np.abs(expected).max()))
        difference = max(difference, largest)
    if not difference <= TOLERANCE:
        raise UserError(
            f"The exported network differs from the trained one by {difference:.2g}.",
            "Nothing was kept. Report it, and train another network until then: "
            "--set train.network=resnet.",
        )
    return difference


def run(path: Path, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits (n, k) of standardised pictures (n, c, s, s), as the service computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    logits: NDArray[np.float32] = session.run(["logits"], {"pictures": pictures})[0]
    return logits


def check_exportable(model: Any) -> None:
    """Tell before the training rather than after it that a layer cannot be exported.

    Raises
    ------
    UserError
        When `CONVERTERS` lacks a layer of the network.
    """
    for layer in model.layers[1:]:
        if type(layer).__name__ not in CONVERTERS:
            raise UserError(
                f"The network has a layer {type(layer).__name__}, which cannot be exported.",
                "Write how it is done into CONVERTERS of export_onnx.py, as it is for the others.",
            )


def _convert(model: Any) -> onnx.ModelProto:
    graph = Graph()
    names = {id(model.input): "pictures"}
    for layer in model.layers[1:]:  # In the order in which they compute; the first is the input.
        inputs = [names[id(tensor)] for tensor in keras.tree.flatten(layer.input)]
        names[id(layer.output)] = CONVERTERS[type(layer).__name__](graph, layer, inputs)
    graph.nodes.append(helper.make_node("Identity", [names[id(model.output)]], ["logits"]))
    _, height, width, channels = model.input.shape
    pictures = ["n", channels, height, width]
    logits = ["n", model.output.shape[1]]
    converted = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "network",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, pictures)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(converted, full_check=True)
    return converted


def _activate(graph: Graph, layer: Any, maps: str) -> str:
    name = keras.activations.serialize(layer.activation)
    if name == "linear":
        return maps
    if name not in ACTIVATIONS:
        raise UserError(
            f"The layer {layer.name} has the activation {name}, which cannot be exported.",
            f"Take one of {', '.join(ACTIVATIONS)}.",
        )
    return graph.op(ACTIVATIONS[name], maps)


def _convolution(graph: Graph, layer: Any, inputs: list[str]) -> str:
    kernel = layer.kernel.numpy()
    if type(layer).__name__ == "DepthwiseConv2D":
        height, width, channels, multiplier = kernel.shape
        kernel = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
        group = channels
    else:
        kernel, group = kernel.transpose(3, 2, 0, 1), layer.groups
    weights = [graph.constant(kernel)]
    if layer.use_bias:
        weights.append(graph.constant(layer.bias))
    maps = graph.op(
        "Conv",
        *inputs,
        *weights,
        auto_pad=PADDING[layer.padding],
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        group=group,
    )
    return _activate(graph, layer, maps)


def _normalisation(graph: Graph, layer: Any, inputs: list[str]) -> str:
    ones = np.ones(layer.moving_mean.shape, np.float32)
    weights = [
        layer.gamma if layer.scale else ones,
        layer.beta if layer.center else 0 * ones,
        layer.moving_mean,
        layer.moving_variance,
    ]
    names = [graph.constant(weight) for weight in weights]
    return graph.op("BatchNormalization", *inputs, *names, epsilon=layer.epsilon)


def _relu(graph: Graph, layer: Any, inputs: list[str]) -> str:
    if layer.negative_slope or layer.threshold:
        raise UserError(
            f"The layer {layer.name} is a leaky or shifted rectifier, which cannot be exported.",
            "Take a plain ReLU.",
        )
    if layer.max_value is None:
        return graph.op("Relu", *inputs)
    bounds = [np.array(bound, np.float32) for bound in (0, layer.max_value)]
    return graph.op("Clip", *inputs, *(graph.constant(bound) for bound in bounds))


def _pooling(graph: Graph, layer: Any, inputs: list[str]) -> str:
    return graph.op(
        "MaxPool" if type(layer).__name__ == "MaxPooling2D" else "AveragePool",
        *inputs,
        kernel_shape=list(layer.pool_size),
        strides=list(layer.strides),
        auto_pad=PADDING[layer.padding],
    )


def _average(graph: Graph, layer: Any, inputs: list[str]) -> str:
    return graph.op("Flatten", graph.op("GlobalAveragePool", *inputs))


def _dense(graph: Graph, layer: Any, inputs: list[str]) -> str:
    weights = [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]
    product = graph.op("Gemm", *inputs, *(graph.constant(weight) for weight in weights))
    return _activate(graph, layer, product)


def _sum(graph: Graph, layer: Any, inputs: list[str]) -> str:
    return graph.op("Sum", *inputs)


def _beside(graph: Graph, layer: Any, inputs: list[str]) -> str:
    return graph.op("Concat", *inputs, axis=1)


def _border(graph: Graph, layer: Any, inputs: list[str]) -> str:
    (top, bottom), (left, right) = layer.padding
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return graph.op("Pad", *inputs, graph.constant(pads))


def _rescaling(graph: Graph, layer: Any, inputs: list[str]) -> str:
    scaled = graph.op("Mul", *inputs, graph.constant(np.array(layer.scale, np.float32)))
    return graph.op("Add", scaled, graph.constant(np.array(layer.offset, np.float32)))


def _enlargement(graph: Graph, layer: Any, inputs: list[str]) -> str:
    scales = np.array([1, 1, *layer.size], np.float32)
    return graph.op(
        "Resize",
        *inputs,
        "",
        graph.constant(scales),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _same(graph: Graph, layer: Any, inputs: list[str]) -> str:
    return inputs[0]


# What each kind of layer adds to the graph, from the names of its inputs to that of its output.
CONVERTERS: dict[str, Callable[[Graph, Any, list[str]], str]] = {
    "Activation": lambda graph, layer, inputs: _activate(graph, layer, inputs[0]),
    "Add": _sum,
    "AveragePooling2D": _pooling,
    "BatchNormalization": _normalisation,
    "Concatenate": _beside,
    "Conv2D": _convolution,
    "Dense": _dense,
    "DepthwiseConv2D": _convolution,
    "Dropout": _same,
    "GlobalAveragePooling2D": _average,
    "MaxPooling2D": _pooling,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "UpSampling2D": _enlargement,
    "ZeroPadding2D": _border,
}
