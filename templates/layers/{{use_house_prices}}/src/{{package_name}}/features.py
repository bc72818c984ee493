"""Columns that are learned from the others, without the target: where a row is, and in what mix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from .design import Design
from .errors import UserError
from .schema import Column

if TYPE_CHECKING:
    from .export_onnx import Graph

Matrix = NDArray[np.float32]

LATITUDES = ("latitude", "lat")
LONGITUDES = ("longitude", "lon", "lng", "long")


class FeatureParams(BaseModel):
    """What each model learns besides the columns of the table; 0 is none.

    `location_clusters`: areas of a map, found by k-means; `location`: the columns of latitude and
    longitude, found by their names if none are named; `principal_components`: of the numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    location_clusters: int = Field(default=0, ge=0)
    location: list[str] = []
    principal_components: int = Field(default=0, ge=0)

    def any(self) -> bool:
        """Return whether something is asked for."""
        return self.location_clusters > 0 or self.principal_components > 0


class LearnedFeatures:
    """Puts the cluster of a row's place and its principal components beside its columns.

    k-means is from Lloyd (*Least squares quantization in PCM*, 1982), principal components from
    Pearson (*On lines and planes of closest fit*, 1901). Both see standardised numbers.

    Parameters
    ----------
    params : FeatureParams
        What to learn.
    columns : Sequence[Column]
        What the d columns of the encoded matrix mean.
    seed : int
        Of the first centres.

    Attributes
    ----------
    columns : list[Column]
        Those of `transform`: the d ones, then the learned ones.
    """

    def __init__(self, params: FeatureParams, columns: Sequence[Column], *, seed: int) -> None:
        self._seed = seed
        numbers = [column for column in columns if column.kind == "number"]
        self._places = _location(params, numbers) if params.location_clusters else []
        self._clusters = params.location_clusters
        self._components = min(params.principal_components, len(numbers))
        self._design = Design(numbers, standardise=True)
        self._numbers = np.flatnonzero([column.kind == "number" for column in columns])
        self.columns = list(columns)
        if self._places:
            self.columns.append(
                Column(
                    name="location cluster",
                    feature=numbers[self._places[0]].feature,
                    kind="category",
                    levels=self._clusters,
                )
            )
        for number in range(self._components):
            name = f"principal component {number + 1}"
            self.columns.append(Column(name=name, feature=name, kind="number"))

    def fit(self, X: Matrix) -> Self:
        """Learn from encoded rows, shape (n, d)."""
        from sklearn.cluster import KMeans
        from sklearn.decomposition import PCA

        numbers = self._design.fit(X[:, self._numbers]).numbers(X[:, self._numbers])
        # For each learned column, how its effect is shared among the d columns.
        shares = np.zeros((len(self.columns) - X.shape[1], X.shape[1]))
        if self._places:
            points = numbers[:, self._places].astype(np.float64)
            count = min(self._clusters, len(np.unique(points, axis=0)))
            found = KMeans(count, n_init=3, random_state=self._seed).fit(points)
            self._centres = np.asarray(found.cluster_centers_)
            shares[0, self._numbers[self._places]] = 1 / len(self._places)
        if self._components:
            count = min(self._components, len(X))
            axes = np.zeros((self._components, numbers.shape[1]))
            axes[:count] = PCA(count, svd_solver="full").fit(numbers.astype(np.float64)).components_
            # The sign of an axis is arbitrary; its largest part is made positive.
            largest = np.abs(axes).argmax(axis=1)
            axes *= np.where(axes[np.arange(len(axes)), largest] < 0, -1, 1)[:, None]
            self._axes = axes.astype(np.float32)
            shares[-self._components :, self._numbers] = axes**2
        self.shares = shares
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return the d columns and the learned ones, shape (n, d + k)."""
        numbers = self._design.numbers(X[:, self._numbers])
        parts = [X]
        if self._places:
            distance = self._distance(numbers[:, self._places].astype(np.float64))
            parts.append(distance.argmin(axis=1)[:, None].astype(np.float32))
        if self._components:
            parts.append(numbers @ self._axes.T)
        return np.hstack(parts)

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add `transform` to a graph; return the name of the result."""
        numbers = self._design.numbers_to_onnx(graph, graph.columns(X, self._numbers))
        parts = [X]
        if self._places:
            points = graph.cast(graph.columns(numbers, np.array(self._places)), np.float64)
            product = graph.op("MatMul", points, graph.constant(-2 * self._centres.T))
            distance = graph.op("Add", product, graph.constant((self._centres**2).sum(axis=1)))
            nearest = graph.op("ArgMin", distance, axis=1, keepdims=1)
            parts.append(graph.cast(nearest, np.float32))
        if self._components:
            parts.append(graph.op("MatMul", numbers, graph.constant(self._axes.T.copy())))
        return graph.beside(parts)

    def _distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the squared distance to each centre, less what is the same for all of them."""
        return np.asarray(points @ (-2 * self._centres.T) + (self._centres**2).sum(axis=1))


def _location(params: FeatureParams, numbers: Sequence[Column]) -> list[int]:
    """Return the places of the columns of location among the numbers."""
    names = [column.name for column in numbers]
    wanted = params.location or [
        name for kind in (LATITUDES, LONGITUDES) for name in names if name.lower() in kind
    ]
    if not wanted or not set(wanted) <= set(names):
        raise UserError(
            "There are no numbers named "
            + (", ".join(sorted(set(wanted) - set(names))) or "latitude and longitude")
            + " to make areas of.",
            "Name two columns, latitude and longitude, in models.features.location of params.toml.",
        )
    return [names.index(name) for name in wanted]
