"""What params.toml may say: names, types and bounds."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from .features import FeatureParams
from .models import BOOSTERS, BOOSTING, MODELS


class Table(BaseModel):
    """A table of params.toml; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunParams(Table):
    """`seed` of everything random; `workers`: processes, 0 for one on each core."""

    seed: int = Field(default=42, ge=0)
    workers: int = Field(default=0, ge=0)


class DataParams(Table):
    """`keep` and `drop`: columns to use in any case, or in none; `test_fraction`: held out."""

    source: str = "sample"
    target: str | None = None
    keep: list[str] = []
    drop: list[str] = []
    test_fraction: float = Field(default=0.2, gt=0, lt=1)


class TrainParams(Table):
    """`coverage`: how often the interval of a prediction shall hold the true value."""

    model: str = "blend"
    coverage: float = Field(default=0.9, gt=0, lt=1)

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_model(name)


# Those that are worth their time; `compare` takes all.
EVALUATED = ["mean", "ridge", "hist_gradient_boosting", *BOOSTERS, "kernel", "blend"]


class EvaluateParams(Table):
    """`folds` of the cross-validation, and the `models` to compare in it."""

    folds: int = Field(default=5, ge=2)
    models: list[str] = Field(default=EVALUATED, min_length=1)

    @field_validator("models")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        return [known_model(name) for name in names]


class TuneParams(Table):
    """Which `model` to tune, in how many `trials`, by the error over `folds`."""

    model: str = BOOSTING
    trials: int = Field(default=30, ge=1)
    folds: int = Field(default=5, ge=2)

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_model(name)


def known_model(name: str) -> str:
    """Return the name of a model; ValueError for any other."""
    if name not in MODELS:
        raise ValueError(f"there is no such model; choose from {', '.join(MODELS)}")
    return name


if TYPE_CHECKING:
    ModelTables = Table
else:
    # Made from the registry, so that a new model is known here as soon as its file exists.
    ModelTables = create_model(
        "ModelTables",
        __base__=Table,
        features=(FeatureParams, FeatureParams()),
        **{
            name: (kind.Params, kind.Params())
            for name, kind in MODELS.items()
            if kind.Params.model_fields
        },
    )


class Params(Table):
    """The whole of params.toml."""

    run: RunParams = RunParams()
    data: DataParams = DataParams()
    train: TrainParams = TrainParams()
    evaluate: EvaluateParams = EvaluateParams()
    tune: TuneParams = TuneParams()
    models: ModelTables = ModelTables()

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON has it, for the tracker and the metadata."""
        return self.model_dump(mode="json")
