"""How much worse the served model gets when the values of one field are shuffled."""

from dataclasses import dataclass

import numpy as np

from . import data, export_onnx, metrics
from .artifact import Artifact
from .errors import UserError
from .inputs import load_dataset
from .params import Params
from .predictor import Serving
from .target import TargetScale

REPEATS = 5
MAX_ROWS = 300
EXPLANATION = (
    "How much the error on held-out rows grows when the values of a field are shuffled: the mean "
    f"of {REPEATS} shuffles, and the least and the largest. Fields that say the same share it."
)


@dataclass(frozen=True)
class FieldImportance:
    """The growth of the error without a field: the mean, the least and the largest."""

    name: str
    mean: float
    low: float
    high: float


def importance(artifact: Artifact) -> list[FieldImportance]:
    """Measure permutation importance (Breiman, 2001) of the exported model, largest first.

    Parameters
    ----------
    artifact : Artifact
        The model; its data are read again, and split as they were for its training.

    Raises
    ------
    UserError
        When the data cannot be read, or are not the same any more.
    """
    facts = artifact.metadata
    try:
        params = Params.model_validate(facts.params)
    except ValueError as error:
        raise UserError("its parameters are of another version of this project.") from error
    dataset = load_dataset(params)
    if dataset.facts.sha256 != facts.data.sha256:
        raise UserError("its data have changed since the training.")
    _, rows = data.split(dataset, params.data.test_fraction, params.run.seed)
    rows = rows[:MAX_ROWS]
    X, y = dataset.matrix()[rows], dataset.y[rows]
    scale = TargetScale(Serving.model_validate_json(artifact.read_text("serving.json")).log_target)
    metric = metrics.primary(log_target=scale.log)
    columns = np.array([column.feature for column in dataset.schema.columns])
    names = [feature.name for feature in dataset.schema.features]

    random = np.random.default_rng(params.run.seed)
    errors = np.empty((REPEATS, len(names)))
    for repeat in range(REPEATS):
        # The untouched rows, then as many for each field: one session of the model for all.
        shuffled = np.tile(X, (len(names) + 1, 1))
        for place, name in enumerate(names, start=1):
            own = np.flatnonzero(columns == name)
            part = slice(place * len(X), (place + 1) * len(X))
            shuffled[part, own] = X[random.permutation(len(X))][:, own]
        found = scale.back(export_onnx.run(artifact.file("model.onnx"), shuffled))
        scores = [metrics.score(y, part)[metric] for part in found.reshape(-1, len(X))]
        errors[repeat] = np.array(scores[1:]) - scores[0]
    measured = [
        FieldImportance(name, float(growth.mean()), float(growth.min()), float(growth.max()))
        for name, growth in zip(names, errors.T, strict=True)
    ]
    return sorted(measured, key=lambda field: -field.mean)
