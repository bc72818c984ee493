"""What the capstone asks of Keras: learn, answer, explain, write."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from .attention import attention
from .backend import choose_device, keras, prepare
from .epochs import Epoch, Examples
from .errors import UserError
from .export_onnx import check_exportable, export
from .networks.network import HEAD
from .params import Params
from .shape import Shape
from .tensors import read
from .training import Training, batches, predict
from .variables import assign, values

__all__ = ["FRAMEWORK", "LIBRARIES", "WEIGHTS", "Epoch", "Fitted", "Learner", "fit"]

FRAMEWORK = "keras"
LIBRARIES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "torch",
    "jax",
    "safetensors",
    "onnx",
    "onnxruntime",
    "numpy",
)
WEIGHTS = "weights.safetensors"


class Learner:
    """A trained network.

    Parameters
    ----------
    model : keras.Model
        The network.
    shape : Shape
        What it was built from.
    """

    def __init__(self, model: Any, shape: Shape) -> None:
        self.model = model
        self.shape = shape
        self.network = shape.network
        self.parameters = int(model.count_params())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        UserError
            When the folder has no weights of Keras, or damaged ones.
        """
        path = folder / WEIGHTS
        try:
            tensors, header = read(path)
            shape = Shape.model_validate_json(header.get(FRAMEWORK, ""))
            model = shape.build()
            assign(model.weights, tensors)
        except (FileNotFoundError, ValueError) as error:
            raise UserError(
                f"{path} holds no weights that Keras can take on here.",
                "Name the folder of a model that this project trained with Keras.",
            ) from error
        return cls(model, shape)

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the logits, shape (n, k), of pictures of shape (n, c, s, s)."""
        return predict(self.model, pictures)

    def attention(
        self, pictures: NDArray[np.uint8], labels: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return where the network looks for the signs `labels` (n,): class activation maps.

        Returns
        -------
        ndarray of float32, shape (n, s, s)
            From 0 to 1, the most telling place.
        """
        maps = []
        for batch in batches(pictures):
            maps.append(attention(self.model, batch, labels[: len(batch)]))
            labels = labels[len(batch) :]
        return np.concatenate(maps)

    def write(self, folder: Path) -> None:
        """Write the weights into a folder that exists."""
        # One entry, because several are written in a random order: equal weights, equal files.
        header = {FRAMEWORK: self.shape.model_dump_json()}
        (folder / WEIGHTS).write_bytes(save(values(self.model.weights), header))

    def export(self, path: Path) -> None:
        """Write ONNX: `pictures`, float32 (n, c, s, s), standardised, to `logits` (n, k).

        Raises
        ------
        UserError
            When it does not answer as the network does.
        """
        export(self.model, path)


@dataclass(frozen=True)
class Fitted:
    """A finished training: its epochs, its device, and how many epochs had been done before."""

    learner: Learner
    history: list[Epoch]
    device: str
    resumed_at: int


def fit(
    params: Params,
    pictures: NDArray[np.uint8],
    labels: NDArray[np.intp],
    classes: int,
    validation_pictures: NDArray[np.uint8],
    validation_labels: NDArray[np.intp],
    *,
    pretrained: Path | None = None,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fitted:
    """Train a network; equal arguments on an equal machine give equal weights.

    Parameters
    ----------
    params : Params
        `run`, `augmentation`, `train` and `network` are used.
    pictures, validation_pictures : ndarray of uint8, shape (n, c, s, s)
        To learn from, and to choose the best epoch by.
    labels, validation_labels : ndarray of intp, shape (n,)
        From 0 to `classes` - 1.
    classes : int
        How many signs there are.
    pretrained : Path, optional
        The folder of a model to begin with, whose last layer is replaced where it tells another
        number of signs apart.
    checkpoint : Path, optional
        A folder in which each finished epoch is kept, so that a later call with equal arguments
        goes on from there and ends with equal weights.
    on_epoch : callable, optional
        Called after each epoch.

    Raises
    ------
    UserError
        When the device is missing, `pretrained` does not fit, the network cannot be exported, or
        the training diverges.
    """
    shape = Shape(
        network=params.train.network,
        channels=pictures.shape[1],
        size=pictures.shape[2],
        classes=classes,
        params=params.network,
    )
    prepare(params.run.seed, params.run.threads)
    device = choose_device(params.train.device)
    with keras.device(device):
        model = shape.build()
        check_exportable(model)
        if pretrained:
            _take_on(model, shape, pretrained)
        elif shape.network == "transfer":
            from .networks.transfer import fetch

            fetch(model, shape.params)
        half = params.train.mixed_precision and device.startswith("gpu")
        trained = in_half_precision(shape, model) if half else model
        training = Training(
            trained,
            params,
            Examples(pictures, labels),
            Examples(validation_pictures, validation_labels),
        )
        libraries = [keras.__version__, keras.backend.backend(), device]
        key = training.key(shape.model_dump(mode="json"), libraries) if checkpoint else ""
        resumed_at = training.run(checkpoint, key, on_epoch)
        model.set_weights(trained.get_weights())
    return Fitted(Learner(model, shape), training.history, device, resumed_at)


def in_half_precision(shape: Shape, model: Any) -> Any:
    """Return a network with the same weights that computes in bfloat16 and keeps them in float32.

    Micikevicius and others (2018), arXiv:1710.03740. It is for training alone: what is kept and
    served computes in float32.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        twin = shape.build()
    finally:
        keras.config.set_dtype_policy(before)
    twin.set_weights(model.get_weights())
    return twin


def _take_on(model: Any, shape: Shape, folder: Path) -> None:
    """Give a network the weights of another one, as far as they answer the same question."""
    earlier = Learner.read(folder)
    shape.check_begins_with(earlier.shape, folder)
    head = model.get_layer(HEAD).get_weights()
    same = earlier.shape.classes == shape.classes
    weights = earlier.model.get_weights()
    model.set_weights(weights if same else [*weights[: -len(head)], *head])
