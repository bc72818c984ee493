"""Builds one ONNX graph of a trained model, and proves that it predicts the same.

The graph takes the encoded matrix `X`, float32 of shape (n, d), and gives `y`, float32 of shape
(n, 1), on the scale that the model was trained on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from .models.base import Matrix, Model, Vector

# What every ONNX Runtime of the serving dependencies reads.
OPSET = 18
TREES_OPSET = 3
IR_VERSION = 9
# So far may the exported model be from the trained one, relative to the prediction.
TOLERANCE = 1e-4
ROWS_AT_ONCE = 1_024


class Graph:
    """An ONNX graph under construction; a value that is asked for twice is computed once.

    Parameters
    ----------
    width : int
        The number of columns of the encoded matrix.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, tuple[str, ...], str], str] = {}

    def constant(self, values: NDArray[Any]) -> str:
        """Add an array; return its name."""
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
            self._constants[key] = name
        return self._constants[key]

    def number(self, value: float) -> str:
        """Add a single float32; return its name."""
        return self.constant(np.array([value], dtype=np.float32))

    def op(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output; return its name."""
        key = (operator, inputs, repr(sorted(attributes.items())))
        if key not in self._known:
            output = f"{operator.lower()}_{len(self._nodes)}"
            node = helper.make_node(operator, list(inputs), [output], domain=domain, **attributes)
            self._nodes.append(node)
            self._known[key] = output
        return self._known[key]

    def columns(self, matrix: str, positions: NDArray[np.int64]) -> str:
        """Choose columns of a matrix."""
        return self.op("Gather", matrix, self.constant(positions), axis=1)

    def cast(self, matrix: str, kind: type[np.generic]) -> str:
        """Change the type of a matrix."""
        to = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self.op("Cast", matrix, to=to)

    def beside(self, matrices: Sequence[str]) -> str:
        """Put matrices side by side, at least one."""
        return matrices[0] if len(matrices) == 1 else self.op("Concat", *matrices, axis=1)

    def trees(self, converted: onnx.ModelProto, inputs: str, *, double: bool = False) -> str:
        """Add the trees of a model that another library converted.

        Parameters
        ----------
        converted : ModelProto
            With exactly one TreeEnsembleRegressor.
        inputs : str
            The matrix that the trees look at.
        double : bool
            Whether the trees compare in double precision.

        Returns
        -------
        str
            Their sum, float32 of shape (n, 1).
        """
        [ensemble] = [n for n in converted.graph.node if n.op_type == "TreeEnsembleRegressor"]
        if double:
            inputs = self.cast(inputs, np.float64)
        output = f"trees_{len(self._nodes)}"
        node = helper.make_node("TreeEnsembleRegressor", [inputs], [output], domain=ensemble.domain)
        node.attribute.extend(ensemble.attribute)
        self._nodes.append(node)
        return self.cast(output, np.float32) if double else output

    def tree_table(self, inputs: str, nodes: "pd.DataFrame", *, mode: str) -> str:
        """Add trees that are given as a table.

        Parameters
        ----------
        inputs : str
            The matrix that the trees look at.
        nodes : DataFrame
            One row a node, indexed from 0: `tree`; `column` and `threshold` of its question; `yes`
            and `no`, the rows of its children, -1 of a leaf; `value` of a leaf.
        mode : {"BRANCH_LEQ", "BRANCH_LT"}
            Whether a value at the threshold is a yes.

        Returns
        -------
        str
            Their sum, float32 of shape (n, 1).
        """
        leaves = nodes[nodes["yes"] < 0]
        # Rounded down to single precision, a threshold still parts the same numbers.
        exact = nodes["threshold"].to_numpy(dtype=np.float64)
        rounded = exact.astype(np.float32)
        rounded = np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return self.op(
            "TreeEnsembleRegressor",
            inputs,
            domain="ai.onnx.ml",
            n_targets=1,
            nodes_treeids=nodes["tree"].tolist(),
            nodes_nodeids=nodes.index.tolist(),
            nodes_modes=np.where(nodes["yes"] < 0, "LEAF", mode).tolist(),
            nodes_featureids=nodes["column"].tolist(),
            nodes_values=rounded.tolist(),
            nodes_truenodeids=nodes["yes"].clip(0).tolist(),
            nodes_falsenodeids=nodes["no"].clip(0).tolist(),
            target_treeids=leaves["tree"].tolist(),
            target_nodeids=leaves.index.tolist(),
            target_ids=[0] * len(leaves),
            target_weights=leaves["value"].tolist(),
        )

    def manhattan_distances(self, rows: str, centres: NDArray[np.float32]) -> str:
        """Add the distances of each row to each centre.

        Parameters
        ----------
        rows : str
            A matrix of shape (n, p).
        centres : ndarray of float32, shape (m, p)
            The centres.

        Returns
        -------
        str
            The sums of absolute differences, shape (n, m).
        """
        count, width = centres.shape
        # Row by row: the differences of a whole batch, n * m * p, could fill the memory.
        row = helper.make_tensor_value_info("row", TensorProto.FLOAT, [width])
        distances = helper.make_tensor_value_info("distances", TensorProto.FLOAT, [count])
        last, first = self.constant(np.array([1])), self.constant(np.array([0]))
        ones = self.constant(np.ones((1, width), dtype=np.float32))
        body = helper.make_graph(
            [
                helper.make_node("Unsqueeze", ["row", last], ["column"]),
                helper.make_node("Sub", ["column", self.constant(centres.T)], ["difference"]),
                helper.make_node("Abs", ["difference"], ["absolute"]),
                helper.make_node("MatMul", [ones, "absolute"], ["sum"]),
                helper.make_node("Squeeze", ["sum", first], ["distances"]),
            ],
            "distances_of_a_row",
            [row],
            [distances],
        )
        output = f"manhattan_{len(self._nodes)}"
        self._nodes.append(helper.make_node("Scan", [rows], [output], body=body, num_scan_inputs=1))
        return output

    def model(self, output: str) -> onnx.ModelProto:
        """Return the finished, checked model."""
        nodes = [*self._nodes, helper.make_node("Identity", [output], ["y"])]
        graph = helper.make_graph(
            nodes,
            "model",
            [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, self.width])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
            self._initializers,
        )
        model = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", OPSET),
                helper.make_opsetid("ai.onnx.ml", TREES_OPSET),
            ],
            ir_version=IR_VERSION,
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def export(model: "Model", width: int, path: Path) -> None:
    """Write a trained model as ONNX.

    Parameters
    ----------
    model : Model
        Trained on matrices of shape (n, width).
    width : int
        The number of columns of the encoded matrix.
    path : Path
        The file.
    """
    graph = Graph(width)
    path.write_bytes(graph.model(model.to_onnx(graph, "X")).SerializeToString())


def run(path: Path, X: "Matrix") -> "Vector":
    """Return what an exported model predicts, shape (n,), as the service runs it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    parts = [
        session.run(["y"], {"X": X[start : start + ROWS_AT_ONCE]})[0]
        for start in range(0, len(X), ROWS_AT_ONCE)
    ]
    return np.concatenate(parts).reshape(-1).astype(np.float64)


def check_parity(trained: "Vector", exported: "Vector") -> float:
    """Compare predictions in the target's unit, row by row.

    Parameters
    ----------
    trained, exported : ndarray of float64, shape (n,)
        Of the trained model and of the exported one.

    Returns
    -------
    float
        The largest difference, relative to the prediction (near zero: to a thousandth of the mean).

    Raises
    ------
    UserError
        When it is larger than 1e-4: such a model must not be served.
    """
    size = np.maximum(np.abs(trained), 1e-3 * np.abs(trained).mean() + 1e-12)
    difference = np.abs(exported - trained) / size
    worst = int(difference.argmax())
    if not difference[worst] <= TOLERANCE:
        raise UserError(
            f"The exported model predicts {exported[worst]:,.6g} where the trained one predicts "
            f"{trained[worst]:,.6g} (row {worst} of {len(trained):,}).",
            "Nothing was kept. Report it, and train another model until then: "
            "--set train.model=ridge.",
        )
    return float(difference[worst])
