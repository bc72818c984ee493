"""The training loop: from a network and pictures to weights."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .augmentation import augment
from .epochs import Epochs, Examples
from .errors import UserError
from .networks.network import Network
from .params import Params, TrainParams
from .pictures import standardise
from .tensors import Tensors, below

# Of a network with pretrained parts: the share of the epochs in which these are held still, and
# how much slower than the rest they learn afterwards.
HELD_STILL = 0.25
SLOWER = 0.1
PICTURES_AT_ONCE = 256


class Training(Epochs):
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
        super().__init__(params, training, validation)
        self.device = next(network.parameters()).device
        groups = _groups(network, params.train)
        self._optimizer = torch.optim.AdamW(groups, fused=self.device.type in ("cpu", "cuda"))
        self._scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            max_lr=[group["lr"] for group in groups],
            total_steps=params.train.epochs * self._batches,
        )
        self._half = _half_precision(self.device) if params.train.mixed_precision else None
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self._half is torch.float16)

    def learn(self, number: int) -> tuple[float, float]:
        """Go through the pictures once; return the mean loss and the last learning rate."""
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
        return float(total) / len(order), learning_rate

    def validate(self) -> tuple[float, float]:
        """Return the cross-entropy and the accuracy on the validation's pictures."""
        logits = predict(self.network, self.validation.pictures)
        labels = torch.from_numpy(self.validation.labels)
        accuracy = (logits.argmax(1) == labels).float().mean()
        return float(functional.cross_entropy(logits, labels)), float(accuracy)

    def weights(self) -> Tensors:
        """Return copies of the network's weights."""
        return {name: array.copy() for name, array in to_arrays(self.network.state_dict()).items()}

    def set_weights(self, weights: Tensors) -> None:
        """Give the network what `weights` returned."""
        self.network.load_state_dict(to_tensors(weights))

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        """Return all that the next epoch depends on: numbers, and what JSON knows."""
        optimizer = self._optimizer.state_dict()
        tensors = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        for number, state in optimizer["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        facts = {
            "groups": optimizer["param_groups"],
            "scheduler": self._scheduler.state_dict(),
            "scaler": self._scaler.state_dict(),
        }
        return to_arrays(tensors), facts

    def restore(self, tensors: Tensors, facts: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.set_weights(below("network.", tensors))
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in to_tensors(below("optimizer.", tensors)).items():
            number, name = key.split(".")
            # With the strides of its parameter, or the sums would be taken in another order.
            like = parameters[int(number)]
            value = tensor if name == "step" else torch.empty_like(like).copy_(tensor)
            states.setdefault(int(number), {})[name] = value
        self._optimizer.load_state_dict({"state": states, "param_groups": facts["groups"]})
        self._scheduler.load_state_dict(facts["scheduler"])
        self._scaler.load_state_dict(facts["scaler"])

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


def to_arrays(tensors: Mapping[str, Tensor]) -> Tensors:
    """Return tensors as they are written, on the CPU and row by row; some share their memory."""
    return {name: tensor.cpu().contiguous().numpy() for name, tensor in tensors.items()}


def to_tensors(arrays: Tensors) -> dict[str, Tensor]:
    """Return arrays as tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


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
