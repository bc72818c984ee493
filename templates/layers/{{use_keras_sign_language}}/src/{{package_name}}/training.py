"""The training loop: from a network and pictures to weights."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checkpoint
from .augmentation import augment
from .backend import keras
from .errors import UserError
from .params import Params
from .pictures import standardise
from .tensors import Tensors, assign, below, values

# Of the cycle of the learning rate: the share of the steps in which it rises, how much lower it
# begins than its highest, and how much lower than that it ends.
RISING = 0.3
FIRST = 1 / 25
LAST = 1e-4
# Even a guess at random costs less than this (the logarithm of the number of classes).
DIVERGED = 100.0
PICTURES_AT_ONCE = 256


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


class Training:
    """A training that can be put aside after any epoch.

    AdamW (Loshchilov and Hutter, 2019, arXiv:1711.05101), which leaves biases and normalisations
    undecayed; one cycle of the learning rate (Smith and Topin, 2018, arXiv:1708.07120); smoothed
    labels (Szegedy and others, 2016, arXiv:1512.00567). The order and the changes of the pictures
    follow from the seed and the epoch's number; what dropout draws is among the model's variables.

    Parameters
    ----------
    model : keras.Model
        From pictures to logits.
    params : Params
        `run.seed`, `train` and `augmentation` are used.
    training, validation : Examples
        At least one picture each, of the network's shape.
    """

    def __init__(
        self, model: Any, params: Params, training: Examples, validation: Examples
    ) -> None:
        self.model = model
        self.params = params
        self.training = training
        self.validation = validation
        self.history: list[Epoch] = []
        self.best = values(model.weights)
        self._batches = math.ceil(len(training.labels) / params.train.batch_size)
        self._answers = np.eye(model.output.shape[1], dtype=np.float32)[training.labels]
        optimizer = keras.optimizers.AdamW(weight_decay=params.train.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
        optimizer.build(model.trainable_variables)
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=params.train.label_smoothing
        )
        model.compile(optimizer, loss)

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
            self._restore(*found)
        resumed_at = len(self.history)
        while not self._is_over():
            epoch = self._epoch(len(self.history) + 1)
            self.history.append(epoch)
            if epoch.number == self._best_epoch():
                self.best = values(self.model.weights)
            if folder:
                checkpoint.save(folder, key, *self._state())
            if on_epoch:
                on_epoch(epoch)
        assign(self.model.weights, self.best)
        return resumed_at

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
        train = self.params.train
        generator = np.random.default_rng([self.params.run.seed, number])
        order = generator.permutation(len(self.training.labels))
        train_loss = learning_rate = math.nan
        self.model.reset_metrics()
        # Batches of nearly equal size: a last one of a single picture could not be normalised.
        for place, rows in enumerate(np.array_split(order, self._batches)):
            step = (number - 1) * self._batches + place
            learning_rate = train.learning_rate * one_cycle(step / (train.epochs * self._batches))
            self.model.optimizer.learning_rate = learning_rate
            pictures = channels_last(self.training.pictures[rows])
            pictures = augment(pictures, self.params.augmentation, generator)
            # What comes back is the mean over the epoch so far.
            train_loss = float(self.model.train_on_batch(pictures, self._answers[rows]))
        logits = predict(self.model, self.validation.pictures)
        labels = self.validation.labels
        validation_loss = cross_entropy(logits, labels)
        if not train_loss < DIVERGED or not math.isfinite(validation_loss):
            raise UserError(
                f"The training diverged: in epoch {number} the loss is {train_loss:.3g}.",
                f"Take smaller steps: --set train.learning_rate={train.learning_rate / 10:g}.",
            )
        return Epoch(
            number,
            train_loss,
            validation_loss,
            float((logits.argmax(axis=1) == labels).mean()),
            learning_rate,
            time.perf_counter() - began,
        )

    def _state(self) -> tuple[Tensors, dict[str, Any]]:
        parts = {
            "network": values(self.model.variables),
            "optimizer": values(self.model.optimizer.variables),
            "best": self.best,
        }
        tensors = {
            f"{part}.{name}": tensor
            for part, held in parts.items()
            for name, tensor in held.items()
        }
        return tensors, {"history": [asdict(epoch) for epoch in self.history]}

    def _restore(self, tensors: Tensors, facts: dict[str, Any]) -> None:
        self.history = [Epoch(**epoch) for epoch in facts["history"]]
        assign(self.model.variables, below("network.", tensors))
        assign(self.model.optimizer.variables, below("optimizer.", tensors))
        self.best = below("best.", tensors)


def one_cycle(share: float) -> float:
    """Return the learning rate, as a share of its highest, when a share of the steps is done.

    Half a cosine up, half a cosine down.
    """
    if share < RISING:
        low, height = FIRST, share / RISING
    else:
        low, height = FIRST * LAST, (1 - share) / (1 - RISING)
    return low + (1 - low) * (1 - math.cos(math.pi * height)) / 2


def predict(model: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the logits, shape (n, k), of pictures (n, c, s, s)."""
    parts = [
        keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches(pictures)
    ]
    return np.concatenate(parts).astype(np.float64)


def batches(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Yield standardised pictures, so many at once that they need little memory."""
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        yield channels_last(pictures[start : start + PICTURES_AT_ONCE])


def channels_last(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Standardise pictures (n, c, s, s) and put them as Keras has them: (n, s, s, c)."""
    return np.ascontiguousarray(standardise(pictures).transpose(0, 2, 3, 1))


def cross_entropy(logits: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """Return the mean negative logarithm of the probability of the right sign."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return float((np.log(np.exp(shifted).sum(axis=1)) - right).mean())
