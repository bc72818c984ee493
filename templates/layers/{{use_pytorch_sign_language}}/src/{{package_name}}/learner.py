"""What the capstone asks of PyTorch: learn, answer, explain, write."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save as to_bytes

from .attention import attention
from .errors import UserError
from .export_onnx import export
from .networks import build
from .networks.network import Network
from .params import NetworkParams, Params
from .tensors import read
from .training import Epoch, Examples, Training, batches, choose_device, predict, reproducible

__all__ = ["FRAMEWORK", "LIBRARIES", "WEIGHTS", "Epoch", "Fitted", "Learner", "fit"]

FRAMEWORK = "pytorch"
LIBRARIES = ("torch", "safetensors", "onnx", "onnxscript", "onnxruntime", "numpy")
WEIGHTS = "weights.safetensors"


class Shape(BaseModel):
    """All that must be known to build a network again; it stands beside its weights."""

    model_config = ConfigDict(frozen=True)

    network: str
    channels: int
    size: int
    classes: int
    params: NetworkParams

    def build(self) -> Network:
        """Make the untrained network."""
        return build(
            self.network,
            channels=self.channels,
            size=self.size,
            classes=self.classes,
            params=self.params,
        )


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
            module = shape.build()
            module.load_state_dict(tensors)
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
        tensors = {name: t.cpu().contiguous() for name, t in self.module.state_dict().items()}
        content = to_bytes(tensors, {"shape": self.shape.model_dump_json()})
        (folder / WEIGHTS).write_bytes(content)

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
        module = shape.build()
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
        key = _key(params, shape, training) if checkpoint else ""
        resumed_at = training.run(checkpoint, key, on_epoch)
    return Fitted(Learner(module, shape), training.history, str(device), resumed_at)


def _take_on(module: Network, shape: Shape, folder: Path) -> None:
    """Give a network the weights of another one, as far as they answer the same question."""
    earlier = Learner.read(folder)
    was = earlier.shape
    wanted = {"train.network": shape.network, "data.size": shape.size}
    wanted |= {"data.channels": shape.channels, "network.width": shape.params.width}
    wanted |= {"network.pretrained": shape.params.pretrained}
    found = {"train.network": was.network, "data.size": was.size}
    found |= {"data.channels": was.channels, "network.width": was.params.width}
    found |= {"network.pretrained": was.params.pretrained}
    differing = [name for name in wanted if wanted[name] != found[name]]
    if differing:
        have = ", ".join(f"{name}={found[name]}" for name in differing)
        raise UserError(
            f"The model in {folder} has {have}, which is not what is to be trained.",
            " ".join(["Set it so:", *(f"--set {name}={found[name]}" for name in differing)]) + ".",
        )
    weights = earlier.module.state_dict()
    if was.classes != shape.classes:
        weights |= {f"head.{name}": t for name, t in module.head.state_dict().items()}
    module.load_state_dict(weights)


def _key(params: Params, shape: Shape, training: Training) -> str:
    """Return a hash of everything that the weights depend on."""
    tables = params.plain()
    told = {name: tables[name] for name in ("run", "augmentation", "train", "network")}
    versions = {"torch": torch.__version__, "device": str(training.device)}
    text = json.dumps([told, shape.model_dump(mode="json"), versions])
    digest = hashlib.sha256(text.encode())
    for examples in (training.training, training.validation):
        digest.update(f"{examples.pictures.shape}".encode())
        digest.update(np.ascontiguousarray(examples.pictures).data)
        digest.update(np.ascontiguousarray(examples.labels).data)
    for tensor in training.best.values():  # The weights to begin with, a pretrained model's too.
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
