"""The scale on which models see the target."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
# Beyond this skewness a few large values would rule the squared error.
MAX_SKEWNESS = 0.75


@dataclass(frozen=True)
class TargetScale:
    """log(1 + y) for a skewed target that is never negative, else y itself."""

    log: bool

    @classmethod
    def choose(cls, y: Vector) -> "TargetScale":
        """Choose by the training target, shape (n,)."""
        centred = y - y.mean()
        spread = float(centred.std())
        skewness = float((centred**3).mean()) / spread**3 if spread > 0 else 0.0
        return cls(log=bool(y.min() >= 0) and skewness > MAX_SKEWNESS)

    def forward(self, y: Vector) -> Vector:
        """Bring the target to the model's scale."""
        return np.log1p(y) if self.log else y

    def back(self, scores: Vector) -> Vector:
        """Bring the model's output to the target's unit."""
        return np.expm1(scores) if self.log else scores
