"""What every model offers: it learns from a matrix, predicts, and writes itself as ONNX."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ..errors import UserError
from ..schema import Column

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph

Matrix = NDArray[np.float32]
Vector = NDArray[np.float64]


class ModelParams(BaseModel):
    """The parameters of one model; each model adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Model(ABC):
    """A regressor on the encoded matrix; the target is on the scale that it is trained on.

    Parameters
    ----------
    params : ModelParams
        An instance of the class's `Params`.
    columns : Sequence[Column]
        What the d columns of the matrix mean.
    seed : int
        Of everything that is random.
    workers : int
        How many processes it may use.
    tables : object
        The parameters of all models, for one that is made of others.
    """

    name: ClassVar[str]
    Params: ClassVar[type[ModelParams]] = ModelParams
    # Errors of predictions that were not learned from, shape (n,), if `fit` comes to know them.
    residuals: Vector | None = None
    knows_residuals: ClassVar[bool] = False
    # A sentence for each bound on the rows that `fit` came to; the card and `train` tell them.
    sampled: tuple[str, ...] = ()
    # Whether it trains other models, which then learn features of their own.
    has_members: ClassVar[bool] = False

    def __init__(
        self,
        params: Any,
        columns: Sequence[Column],
        *,
        seed: int,
        workers: int = 1,
        tables: object = None,
    ) -> None:
        self.params = params
        self.columns = list(columns)
        self.seed = seed
        self.workers = workers
        self.tables = tables

    @property
    def steps(self) -> int:
        """How often `fit` calls `advance`."""
        return 1

    @property
    def obstacle(self) -> str:
        """Why it cannot be exported and served, in one sentence; empty for most models."""
        return ""

    def describe(self) -> str:
        """Return one sentence for the model card."""
        return f"It is the model `{self.name}`."

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Return parameters for a trial of the tuning; none where there is nothing to tune."""
        return {}

    @abstractmethod
    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn from encoded rows.

        Parameters
        ----------
        X : ndarray of float32, shape (n, d)
            As `encoding.encode` makes it.
        y : ndarray of float64, shape (n,)
            The target.
        advance : Callable[[], None], optional
            Called after each of the model's steps, for a progress bar.
        """

    def draw(self, X: Matrix, y: Vector, limit: int) -> tuple[Matrix, Vector]:
        """Return all rows, or `limit` of them at random, and note that in `sampled`."""
        if len(X) <= limit:
            return X, y
        self.sampled = (
            f"Of {len(X):,} rows to learn from, {self.name} took {limit:,}, drawn at random.",
        )
        chosen = np.random.default_rng(self.seed).choice(len(X), limit, replace=False)
        return X[chosen], y[chosen]

    @abstractmethod
    def predict(self, X: Matrix) -> Vector:
        """Return the prediction of each row, shape (n,)."""

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the trained model to a graph.

        Parameters
        ----------
        graph : Graph
            The graph that is being built.
        X : str
            The name of the encoded matrix in it.

        Returns
        -------
        str
            The name of the predictions, shape (n, 1).

        Raises
        ------
        UserError
            When the model has an `obstacle`.
        """
        raise UserError(self.obstacle, "Train another model to serve.")

    def contributions(self, X: Matrix) -> Vector | None:
        """Return what each column adds to each prediction, shape (n, d), or None.

        Only a model that knows its exact SHAP values (Lundberg and Lee, 2017) answers.
        """
        return None
