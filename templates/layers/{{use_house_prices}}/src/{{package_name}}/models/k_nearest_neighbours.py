"""The price of a house from those of the few that are most like it."""

from typing import Any

from pydantic import Field

from .base import Matrix, ModelParams, Vector
from .estimator import EstimatorModel


class KNearestNeighboursParams(ModelParams):
    """`neighbours`: how many; `max_rows`: of more rows, so many are drawn to look among."""

    neighbours: int = Field(default=10, ge=1)
    max_rows: int = Field(default=20_000, ge=1)


class KNearestNeighbours(EstimatorModel):
    """The mean of the k nearest rows (Cover and Hart, 1967), the nearer the heavier.

    All columns count alike here; the model `kernel` learns which matter.
    """

    name = "k_nearest_neighbours"
    Params = KNearestNeighboursParams
    standardise = True

    @property
    def obstacle(self) -> str:
        """Say what single precision does to neighbours."""
        return (
            "k_nearest_neighbours cannot be exported: in ONNX's single precision two neighbours at "
            "nearly the same distance change places, and the prediction jumps."
        )

    def learn_inputs(self, X: Matrix, y: Vector) -> None:
        """Ask for no more neighbours than there are rows."""
        self._neighbours = min(self.params.neighbours, len(X))

    def regressor(self) -> Any:
        """Return the neighbours, searched one by one: in many dimensions no tree is faster."""
        from sklearn.neighbors import KNeighborsRegressor

        return KNeighborsRegressor(
            self._neighbours, weights="distance", algorithm="brute", n_jobs=1
        )
