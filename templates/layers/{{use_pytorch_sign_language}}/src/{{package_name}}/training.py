"""The training loop: from a network and pictures to weights."""

import contextlib
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from . import checkpoint
from .augmentation import augment
from .errors import UserError
from .networks.network import Network
from .params import Params, TrainParams
from .pictures import standardise

# Of a network with pretrained parts: the share of the epochs in which these are held still, and
# how much slower than the rest they learn afterwards.
HELD_STILL = 0.25
SLOWER = 0.1
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
    labels (Szegedy and others, 2016, arXiv:1512.00567). Everything random in an epoch follows from
    the seed and the epoch's number, so no state of a generator has to be kept.

    Parameters
    ----------
    network : Network
        On the device that computes.
    params : Params
        `run.seed`, `train` and `augmentation` are used.
    training, validation : Examples
        At least one picture each, of the network's shape.
    """

    def __init__(
        self, network: Network, params: Params, training: Examples, validation: Examples
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.params = params
        self.training = training
        self.validation = validation
        self.device = next(network.parameters()).device
        self.history: list[Epoch] = []
        self.best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        self._batches = math.ceil(len(training.labels) / params.train.batch_size)
        groups = _groups(network, params.train)
        self._optimizer = torch.optim.AdamW(groups, fused=self.device.type in ("cpu", "cuda"))
        self._scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            max_lr=[group["lr"] for group in groups],
            total_steps=params.train.epochs * self._batches,
        )
        self._half = _half_precision(self.device) if params.train.mixed_precision else None
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self._half is torch.float16)

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
                for name, tensor in self.network.state_dict().items():
                    self.best[name].copy_(tensor)
            if folder:
                self._keep(folder, key)
            if on_epoch:
                on_epoch(epoch)
        self.network.load_state_dict(self.best)
        self.network.eval()
        return resumed_at

    def _keep(self, folder: Path, key: str) -> None:
        """Save the state; a training that cannot be gone on with is better than none at all."""
        try:
            checkpoint.save(folder, key, *self._state())
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
        seed = int(np.random.SeedSequence([self.params.run.seed, number]).generate_state(1)[0])
        torch.manual_seed(seed)  # Of the dropout.
        generator = torch.Generator(self.device).manual_seed(seed)
        order = np.random.default_rng(seed).permutation(len(self.training.labels))
        self.network.train()
        self._hold_still(number <= HELD_STILL * self.params.train.epochs)
        total = torch.zeros((), device=self.device)
        learning_rate = 0.0
        # Batches of nearly equal size: a last one of a single picture could not be normalised.
        for rows in np.array_split(order, self._batches):
            pictures = to_tensor(self.training.pictures[rows], self.device)
            labels = torch.from_numpy(self.training.labels[rows]).to(self.device)
            pictures = augment(pictures, self.params.augmentation, generator)
            learning_rate = max(group["lr"] for group in self._optimizer.param_groups)
            total += self._step(pictures, labels) * len(rows)
        train_loss = float(total) / len(order)
        logits = predict(self.network, self.validation.pictures)
        labels = torch.from_numpy(self.validation.labels)
        validation_loss = float(functional.cross_entropy(logits, labels))
        if not train_loss < DIVERGED or not math.isfinite(validation_loss):
            raise UserError(
                f"The training diverged: in epoch {number} the loss is {train_loss:.3g}.",
                f"Take smaller steps: --set train.learning_rate="
                f"{self.params.train.learning_rate / 10:g}.",
            )
        return Epoch(
            number,
            train_loss,
            validation_loss,
            float((logits.argmax(1) == labels).float().mean()),
            learning_rate,
            time.perf_counter() - began,
        )

    def _step(self, pictures: Tensor, labels: Tensor) -> Tensor:
        self._optimizer.zero_grad()
        with torch.autocast(self.device.type, self._half, enabled=self._half is not None):
            loss = functional.cross_entropy(
                self.network(pictures), labels, label_smoothing=self.params.train.label_smoothing
            )
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._scheduler.step()
        return loss.detach()

    def _hold_still(self, still: bool) -> None:
        for part in self.network.pretrained_parts():
            part.train(not still)  # Its normalisations' averages too.
            part.requires_grad_(not still)

    def _state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        optimizer = self._optimizer.state_dict()
        tensors = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for number, state in optimizer["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        facts = {
            "history": [asdict(epoch) for epoch in self.history],
            "groups": optimizer["param_groups"],
            "scheduler": self._scheduler.state_dict(),
            "scaler": self._scaler.state_dict(),
        }
        return tensors, facts

    def _restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        self.history = [Epoch(**epoch) for epoch in facts["history"]]
        self.network.load_state_dict(_below("network.", tensors))
        for name, tensor in _below("best.", tensors).items():
            self.best[name].copy_(tensor)
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below("optimizer.", tensors).items():
            number, name = key.split(".")
            # With the strides of its parameter, or the sums would be taken in another order.
            like = parameters[int(number)]
            value = tensor if name == "step" else torch.empty_like(like).copy_(tensor)
            states.setdefault(int(number), {})[name] = value
        self._optimizer.load_state_dict({"state": states, "param_groups": facts["groups"]})
        self._scheduler.load_state_dict(facts["scheduler"])
        self._scaler.load_state_dict(facts["scaler"])


def predict(network: Network, pictures: NDArray[np.uint8]) -> Tensor:
    """Return the logits of pictures (n, c, s, s), float32 of shape (n, k), on the CPU."""
    device = next(network.parameters()).device
    network.eval()
    with torch.inference_mode():
        parts = [network(batch).float().cpu() for batch in batches(pictures, device)]
    return torch.cat(parts)


def batches(pictures: NDArray[np.uint8], device: torch.device) -> Iterator[Tensor]:
    """Yield standardised pictures as tensors, so many at once that they need little memory."""
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        yield to_tensor(pictures[start : start + PICTURES_AT_ONCE], device)


def to_tensor(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Standardise pictures (n, c, s, s) and put them where the network is."""
    return torch.from_numpy(standardise(pictures)).to(device, memory_format=torch.channels_last)


def choose_device(name: str) -> torch.device:
    """Return the device of that name; for `auto` a GPU where there is one.

    Raises
    ------
    UserError
        When this machine has no such device.
    """
    if name == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
        return torch.device("mps" if torch.backends.mps.is_available() else kind)
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(
            f"There is no device {name!r} here.",
            "Set train.device to auto, cpu, cuda or mps. A GPU also needs a PyTorch built for it.",
        ) from error
    return device


@contextlib.contextmanager
def reproducible(seed: int, threads: int, device: torch.device) -> Iterator[None]:
    """Make everything within follow from the seed, and give it so many threads (0: one a core)."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or os.cpu_count() or 1)
    gpus = [device] if device.type == "cuda" else []
    try:
        with (
            torch.random.fork_rng(gpus),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        ):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def _groups(network: Network, params: TrainParams) -> list[dict[str, Any]]:
    """Part the parameters by whether they decay, and by how fast they learn."""
    slow = {id(p) for part in network.pretrained_parts() for p in part.parameters()}
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for parameter in network.parameters():
        decay = params.weight_decay if parameter.ndim > 1 else 0.0
        speed = params.learning_rate * (SLOWER if id(parameter) in slow else 1.0)
        groups.setdefault((decay, speed), []).append(parameter)
    return [{"params": p, "weight_decay": d, "lr": s} for (d, s), p in groups.items()]


def _half_precision(device: torch.device) -> torch.dtype | None:
    """Return the kind of half precision of a GPU; None for the CPU, which gains little by it."""
    if device.type != "cuda":
        return None
    has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if has_bfloat16 else torch.float16


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
