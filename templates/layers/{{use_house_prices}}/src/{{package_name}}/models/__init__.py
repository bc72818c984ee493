"""The models, each in a file of its own.

To add one, write a file here with a subclass of `base.Model`. Nothing else has to be told: it gets
a table `[models.<name>]` in params.toml, and every command knows it by its name.
"""

import importlib
import pkgutil
from collections.abc import Sequence

from ..errors import UserError
from ..schema import Column
from .base import Model


def _discover() -> dict[str, type[Model]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {kind.name: kind for kind in sorted(Model.__subclasses__(), key=lambda kind: kind.name)}


MODELS = _discover()
BASELINE = "mean"


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
    return MODELS[name](
        getattr(tables, name, None), columns, seed=seed, workers=workers, tables=tables
    )
