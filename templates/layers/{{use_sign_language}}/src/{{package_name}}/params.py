"""What params.toml may say: names, types and bounds."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .networks import NETWORKS, PRETRAINED


class Table(BaseModel):
    """A table of params.toml; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunParams(Table):
    """`seed` of everything random; `threads` of the training, 0 for one a core."""

    seed: int = Field(default=42, ge=0)
    threads: int = Field(default=1, ge=0)


class DataParams(Table):
    """Where the pictures are, and what is made of them.

    `size` in pixels of the square that the network sees; `channels`: 1 for grey, 3 for colour;
    `per_class`: pictures of each sign that the renderer draws, or at most so many of a source, 0
    for all; `train_per_class`: at most so many of them to learn from, 0 for all that are not held
    out; `signer`: how a picture's signer is found, to split by: `auto` looks for a column or for
    folders of signers, `none` never splits by signer, anything else is a regular expression on the
    path whose first group names the signer.
    """

    source: str = "synthetic:digits"
    size: int = Field(default=48, ge=16, le=512)
    channels: Literal[1, 3] = 1
    per_class: int = Field(default=600, ge=0)
    train_per_class: int = Field(default=0, ge=0)
    validation_fraction: float = Field(default=0.15, gt=0, lt=1)
    test_fraction: float = Field(default=0.15, gt=0, lt=1)
    signer: str = "auto"

    @model_validator(mode="after")
    def _something_is_left(self) -> "DataParams":
        if self.validation_fraction + self.test_fraction >= 0.9:
            raise ValueError("validation_fraction and test_fraction leave too little to learn from")
        return self


class AugmentationParams(Table):
    """Random changes of each training picture, new in every epoch.

    `rotation_degrees`, `scale`, `shift` (shares of the picture), `brightness` and `contrast` (on
    standardised pictures) are the largest changes to either side; `noise` is a standard deviation;
    `erase` the probability that a patch is hidden. `flip` mirrors half of the pictures: a left hand
    becomes a right one, which is another sign in some languages, so it is off.
    """

    rotation_degrees: float = Field(default=12.0, ge=0, le=180)
    scale: float = Field(default=0.12, ge=0, lt=1)
    shift: float = Field(default=0.08, ge=0, lt=1)
    brightness: float = Field(default=0.2, ge=0)
    contrast: float = Field(default=0.2, ge=0, lt=1)
    noise: float = Field(default=0.05, ge=0)
    erase: float = Field(default=0.0, ge=0, le=1)
    flip: bool = False


class TrainParams(Table):
    """How the network learns.

    `patience`: epochs without a better validation loss until it stops, 0 for never;
    `mixed_precision` computes in half precision on a GPU; `device`: `auto` takes a GPU where there
    is one.
    """

    network: str = "resnet"
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=0.01, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    patience: int = Field(default=0, ge=0)
    mixed_precision: bool = True
    device: str = "auto"

    @field_validator("network")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_network(name)


class ServeParams(Table):
    """`top` answers are given; below the probability `unsure_below` the answer is "not sure"."""

    top: int = Field(default=3, ge=1)
    unsure_below: float = Field(default=0.5, ge=0, le=1)


class EvaluateParams(Table):
    """The `networks` that `evaluate` compares, and the `seeds` that it trains each with."""

    networks: list[str] = Field(default=list(NETWORKS), min_length=1)
    seeds: int = Field(default=1, ge=1)

    @field_validator("networks")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        return [known_network(name) for name in names]


class TuneParams(Table):
    """How many `trials`, each of `epochs` epochs."""

    trials: int = Field(default=20, ge=1)
    epochs: int = Field(default=6, ge=1)


class NetworkParams(Table):
    """The network's shape.

    `width`: channels of the first layer, which all others follow, a multiple of four; `dropout`
    before the last layer; `pretrained`: of the network `transfer`, the model it begins with.
    """

    width: int = Field(default=16, ge=4, le=256, multiple_of=4)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    pretrained: str = PRETRAINED


def known_network(name: str) -> str:
    """Return the name of a network; ValueError for any other."""
    known = (*NETWORKS, "transfer")
    if name not in known:
        raise ValueError(f"there is no such network; choose from {', '.join(known)}")
    return name


class Params(Table):
    """The whole of params.toml."""

    run: RunParams = RunParams()
    data: DataParams = DataParams()
    augmentation: AugmentationParams = AugmentationParams()
    train: TrainParams = TrainParams()
    network: NetworkParams = NetworkParams()
    serve: ServeParams = ServeParams()
    evaluate: EvaluateParams = EvaluateParams()
    tune: TuneParams = TuneParams()

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON has it, for the tracker and the metadata."""
        return self.model_dump(mode="json")
