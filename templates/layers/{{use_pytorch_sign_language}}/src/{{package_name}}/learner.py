"""What the capstone asks of PyTorch: learn, answer, explain, write."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from .attention import attention
from .epochs import Epoch, Examples
from .errors import UserError
from .export_onnx import export
from .networks.network import Network
from .params import Params
from .shape import Shape
from .tensors import read
from .training import (
    Training,
    batches,
    choose_device,
    predict,
    reproducible,
    to_arrays,
    to_tensors,
)

__all__ = ["FRAMEWORK", "LIBRARIES", "WEIGHTS", "Epoch", "Fitted", "Learner", "fit"]

FRAMEWORK = "pytorch"
LIBRARIES = ("torch", "safetensors", "onnx", "onnxscript", "onnxruntime", "numpy")
WEIGHTS = "weights.safetensors"


class Learner:
    """A trained network.

    Parameters
    ----------
    module : Network
        The network.
    shape : Shape
        What it was built from.
    """

    def __init__(self, module: Network, shape: Shape) -> None:
        self.module = module.eval()
        self.shape = shape
        self.network = shape.network
        self.parameters = sum(parameter.numel() for parameter in module.parameters())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote, onto the CPU.

        Raises
        ------
        UserError
            When the folder has no weights of PyTorch, or damaged ones.
        """
        path = folder / WEIGHTS
        try:
            tensors, header = read(path)
            shape = Shape.model_validate_json(header.get("shape", ""))
            module: Network = shape.build()
            module.load_state_dict(to_tensors(tensors))
        except (FileNotFoundError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{path} holds no weights that PyTorch can take on here.",
                "Name the folder of a model that this project trained with PyTorch.",
            ) from error
        return cls(module, shape)

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the logits, shape (n, k), of pictures of shape (n, c, s, s)."""
        return predict(self.module, pictures).numpy().astype(np.float64)

    def attention(
        self, pictures: NDArray[np.uint8], labels: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return where the network looks for the signs `labels` (n,): Grad-CAM.

        Returns
        -------
        ndarray of float32, shape (n, s, s)
            From 0 to 1, the most telling place.
        """
        device = next(self.module.parameters()).device
        maps = []
        wanted = torch.from_numpy(labels).to(device)
        for batch in batches(pictures, device):
            maps.append(attention(self.module, batch, wanted[: len(batch)]).cpu())
            wanted = wanted[len(batch) :]
        heat: NDArray[np.float32] = torch.cat(maps).numpy()
        return heat

    def write(self, folder: Path) -> None:
        """Write the weights into a folder that exists."""
        header = {"shape": self.shape.model_dump_json()}
        (folder / WEIGHTS).write_bytes(save(to_arrays(self.module.state_dict()), header))

    def export(self, path: Path) -> None:
        """Write ONNX: `pictures`, float32 (n, c, s, s), standardised, to `logits` (n, k).

        Raises
        ------
        UserError
            When it does not answer as the network does.
        """
        export(self.module, (self.shape.channels, self.shape.size, self.shape.size), path)


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
        When the device is missing, `pretrained` does not fit, or the training diverges.
    """
    shape = Shape(
        network=params.train.network,
        channels=pictures.shape[1],
        size=pictures.shape[2],
        classes=classes,
        params=params.network,
    )
    device = choose_device(params.train.device)
    with reproducible(params.run.seed, params.run.threads, device):
        module: Network = shape.build()
        if pretrained:
            _take_on(module, shape, pretrained)
        else:
            module.fetch()
        training = Training(
            module.to(device),
            params,
            Examples(pictures, labels),
            Examples(validation_pictures, validation_labels),
        )
        versions = {"torch": torch.__version__, "device": str(device)}
        key = training.key(shape.model_dump(mode="json"), versions) if checkpoint else ""
        resumed_at = training.run(checkpoint, key, on_epoch)
    return Fitted(Learner(module, shape), training.history, str(device), resumed_at)


def _take_on(module: Network, shape: Shape, folder: Path) -> None:
    """Give a network the weights of another one, as far as they answer the same question."""
    earlier = Learner.read(folder)
    shape.check_begins_with(earlier.shape, folder)
    weights = earlier.module.state_dict()
    if earlier.shape.classes != shape.classes:
        weights |= {f"head.{name}": t for name, t in module.head.state_dict().items()}
    module.load_state_dict(weights)
