"""The training loop: from a network and pictures to weights."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .augmentation import augment
from .backend import keras
from .epochs import Epochs, Examples
from .params import Params
from .pictures import standardise
from .tensors import Tensors, below
from .variables import assign, values

# Of the cycle of the learning rate: the share of the steps in which it rises, how much lower it
# begins than its highest, and how much lower than that it ends.
RISING = 0.3
FIRST = 1 / 25
LAST = 1e-4
PICTURES_AT_ONCE = 256


class Training(Epochs):
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
        super().__init__(params, training, validation)
        self._answers = np.eye(model.output.shape[1], dtype=np.float32)[training.labels]
        optimizer = keras.optimizers.AdamW(weight_decay=params.train.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
        optimizer.build(model.trainable_variables)
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=params.train.label_smoothing
        )
        model.compile(optimizer, loss)

    def learn(self, number: int) -> tuple[float, float]:
        """Go through the pictures once; return the mean loss and the last learning rate."""
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
        return train_loss, learning_rate

    def validate(self) -> tuple[float, float]:
        """Return the cross-entropy and the accuracy on the validation's pictures."""
        logits = predict(self.model, self.validation.pictures)
        labels = self.validation.labels
        return cross_entropy(logits, labels), float((logits.argmax(axis=1) == labels).mean())

    def weights(self) -> Tensors:
        """Return copies of the network's weights."""
        return values(self.model.weights)

    def set_weights(self, weights: Tensors) -> None:
        """Give the network what `weights` returned."""
        assign(self.model.weights, weights)

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        """Return all that the next epoch depends on: numbers, and what JSON knows."""
        network = values(self.model.variables)
        optimizer = values(self.model.optimizer.variables)
        tensors = {f"network.{name}": tensor for name, tensor in network.items()}
        return tensors | {f"optimizer.{name}": tensor for name, tensor in optimizer.items()}, {}

    def restore(self, tensors: Tensors, facts: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        assign(self.model.variables, below("network.", tensors))
        assign(self.model.optimizer.variables, below("optimizer.", tensors))


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
