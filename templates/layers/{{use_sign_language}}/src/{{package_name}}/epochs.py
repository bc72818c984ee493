"""A training epoch by epoch, whichever library computes."""

import hashlib
import json
import math
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checkpoint
from .errors import UserError
from .params import Params
from .tensors import Tensors, below

# Even a guess at random costs less than this (the logarithm of the number of classes).
DIVERGED = 100.0


@dataclass(frozen=True)
class Epoch:
    """What an epoch, counted from 1, came to.

    `train_loss` is what was minimised: on changed pictures, with smoothed labels; the validation's
    is the plain cross-entropy. `learning_rate` is that of its last step.
    """

    number: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Examples:
    """Pictures, uint8 of shape (n, c, s, s), and their labels, of shape (n,)."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.intp]


class Epochs(ABC):
    """A training that can be put aside after any epoch; the best epoch's weights are its result.

    A library's training says how it learns and what its state is. Its network stands before this
    is set up, which takes the weights to begin with.

    Parameters
    ----------
    params : Params
        `run`, `train` and `augmentation` are used.
    training, validation : Examples
        At least one picture each, of the network's shape.
    """

    def __init__(self, params: Params, training: Examples, validation: Examples) -> None:
        self.params = params
        self.training = training
        self.validation = validation
        self.history: list[Epoch] = []
        self.best = self.weights()
        self._batches = math.ceil(len(training.labels) / params.train.batch_size)

    @abstractmethod
    def learn(self, number: int) -> tuple[float, float]:
        """Go through the pictures once; return the mean loss and the last learning rate."""

    @abstractmethod
    def validate(self) -> tuple[float, float]:
        """Return the cross-entropy and the accuracy on the validation's pictures."""

    @abstractmethod
    def weights(self) -> Tensors:
        """Return copies of the network's weights."""

    @abstractmethod
    def set_weights(self, weights: Tensors) -> None:
        """Give the network what `weights` returned."""

    @abstractmethod
    def state(self) -> tuple[Tensors, dict[str, Any]]:
        """Return all that the next epoch depends on: numbers, and what JSON knows."""

    @abstractmethod
    def restore(self, tensors: Tensors, facts: dict[str, Any]) -> None:
        """Go back to what `state` returned; there may be more in both."""

    def key(self, *facts: Any) -> str:
        """Return a hash of everything that the weights depend on.

        Parameters
        ----------
        *facts : anything that JSON knows
            What counts besides the parameters, the pictures and the weights to begin with.
        """
        tables = self.params.plain()
        told = {name: tables[name] for name in ("run", "augmentation", "train", "network")}
        digest = hashlib.sha256(json.dumps([told, *facts]).encode())
        for examples in (self.training, self.validation):
            digest.update(f"{examples.pictures.shape}".encode())
            digest.update(np.ascontiguousarray(examples.pictures).data)
            digest.update(np.ascontiguousarray(examples.labels).data)
        for tensor in self.best.values():  # The weights to begin with, a pretrained model's too.
            digest.update(np.ascontiguousarray(tensor).data)
        return digest.hexdigest()

    def run(
        self,
        folder: Path | None = None,
        key: str = "",
        on_epoch: Callable[[Epoch], None] | None = None,
    ) -> int:
        """Train to the end, and give the network the weights of the best epoch.

        Parameters
        ----------
        folder : Path, optional
            Where each finished epoch is kept, and where an earlier call's are looked for.
        key : str
            Of all that the training depends on.
        on_epoch : callable, optional
            Called after each epoch.

        Returns
        -------
        int
            How many epochs were found in the folder.

        Raises
        ------
        UserError
            When the loss grows beyond all bounds.
        """
        found = checkpoint.load(folder, key) if folder else None
        if found:
            tensors, facts = found
            self.history = [Epoch(**epoch) for epoch in facts["history"]]
            self.best = below("best.", tensors)
            self.restore(tensors, facts)
        resumed_at = len(self.history)
        while not self._is_over():
            epoch = self._epoch(len(self.history) + 1)
            self.history.append(epoch)
            if epoch.number == self._best_epoch():
                self.best = self.weights()
            if folder:
                self._keep(folder, key)
            if on_epoch:
                on_epoch(epoch)
        self.set_weights(self.best)
        return resumed_at

    def _keep(self, folder: Path, key: str) -> None:
        """Save the state; a training that cannot be gone on with is better than none at all."""
        tensors, facts = self.state()
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        facts = {"history": [asdict(epoch) for epoch in self.history]} | facts
        try:
            checkpoint.save(folder, key, tensors, facts)
        except UserError as error:
            warnings.warn(
                f"{error} The training goes on, but if it is stopped, its last epochs are lost. "
                "Make room there.",
                stacklevel=3,
            )

    def _is_over(self) -> bool:
        done, train = len(self.history), self.params.train
        is_stale = bool(train.patience) and done - self._best_epoch() >= train.patience
        return done >= train.epochs or is_stale

    def _best_epoch(self) -> int:
        """Return the number of the epoch with the lowest validation loss; 0 before the first."""
        best = min(self.history, key=lambda epoch: epoch.validation_loss, default=None)
        return best.number if best else 0

    def _epoch(self, number: int) -> Epoch:
        began = time.perf_counter()
        train_loss, learning_rate = self.learn(number)
        validation_loss, accuracy = self.validate()
        if not train_loss < DIVERGED or not math.isfinite(validation_loss):
            raise UserError(
                f"The training diverged: in epoch {number} the loss is {train_loss:.3g}.",
                f"Take smaller steps: --set train.learning_rate="
                f"{self.params.train.learning_rate / 10:g}.",
            )
        seconds = time.perf_counter() - began
        return Epoch(number, train_loss, validation_loss, accuracy, learning_rate, seconds)
