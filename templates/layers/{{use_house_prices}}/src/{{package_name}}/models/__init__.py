"""The models, each in a file of its own.

To add one, write a file here with a subclass of `base.Model`. Nothing else has to be told: it gets
a table `[models.<name>]` in params.toml, and every command knows it by its name.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence

from ..errors import UserError
from ..features import FeatureParams, LearnedFeatures
from ..schema import Column
from .base import Model
from .with_features import WithFeatures


def _discover() -> dict[str, type[Model]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = sorted(_named(Model.__subclasses__()), key=lambda kind: kind.name)
    return {kind.name: kind for kind in found}


def _named(kinds: Iterable[type[Model]]) -> Iterator[type[Model]]:
    """Yield those that have a name, subclasses too; what several models share has none."""
    for kind in kinds:
        if "name" in vars(kind):
            yield kind
        yield from _named(kind.__subclasses__())


MODELS = _discover()
BASELINE = "mean"
# Those of the libraries that were chosen for this project, strongest first.
BOOSTERS = [name for name in ("catboost", "xgboost", "lightgbm") if name in MODELS]
BOOSTING = [*BOOSTERS, "hist_gradient_boosting"][0]


def build(
    name: str, tables: object, columns: Sequence[Column], *, seed: int, workers: int = 1
) -> Model:
    """Make an untrained model.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    tables : object
        The parameters of all models: for each name an attribute with that model's own.
    columns : Sequence[Column]
        What the columns of the matrix mean.
    seed : int
        Of everything that is random in it.
    workers : int
        How many processes it may use.

    Raises
    ------
    UserError
        When there is no such model.
    """
    if name not in MODELS:
        raise UserError(f"There is no model {name!r}.", f"Choose one of: {', '.join(MODELS)}.")
    wanted: FeatureParams | None = getattr(tables, "features", None)
    kind = MODELS[name]
    if wanted is None or not wanted.any() or kind.has_members:
        return kind(getattr(tables, name, None), columns, seed=seed, workers=workers, tables=tables)
    learned = LearnedFeatures(wanted, columns, seed=seed)
    inner = kind(getattr(tables, name, None), learned.columns, seed=seed, tables=tables)
    return WithFeatures(inner, learned, columns)
