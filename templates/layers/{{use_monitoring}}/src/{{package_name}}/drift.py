"""How far requests have moved away from the training data, field by field.

The measure is the population stability index, the sum of (now - then) * ln(now / then) over the
bins of a field. By custom, from 0.1 a shift is worth a look, and from 0.25 the model is no longer
where it was trained (Siddiqi, Credit Risk Scorecards, Wiley 2006).

Of a few rows it is too large by chance alone: for n rows now, N then and k bins that hold any, its
mean without any drift is about (k - 1) * (1/n + 1/N) (Yurdakul and Naranjo, Journal of Risk Model
Validation 14(4), 2020). That much is taken off here, so that the two thresholds keep their meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .reference import AnyField, Bins, Reference

WORTH_A_LOOK = 0.1
# With fewer rows, chance alone could reach the first threshold.
MIN_ROWS = 200
# An empty bin would make the index infinite; half a row in each keeps it finite.
PSEUDO_COUNT = 0.5


@dataclass(frozen=True)
class FieldDrift:
    """A field, then and now.

    Attributes
    ----------
    field : NumberField or CategoryField
        Its bins, and the counts of the training data.
    counts : list[int]
        Rows in each bin now.
    psi : float
        The population stability index, without what chance alone makes of so many rows; 0 or more.
    """

    field: AnyField
    counts: list[int]
    psi: float

    @property
    def moved(self) -> float:
        """The least share of rows that would have to change their bin to look as in training."""
        then, now = np.array(self.field.counts, float), np.array(self.counts, float)
        return float(np.abs(now / now.sum() - then / then.sum()).sum()) / 2

    @property
    def missing(self) -> float:
        """The share of rows without a value."""
        return self.counts[0] / sum(self.counts)

    @property
    def unseen(self) -> float:
        """The share of rows with a level or beyond a range that training never saw."""
        return sum(self.counts[place] for place in self.field.unseen) / sum(self.counts)

    def verdict(self, alarm: float) -> str:
        """Return what the index means, in a few words."""
        if self.psi >= alarm:
            return "drifted"
        return "worth a look" if self.psi >= WORTH_A_LOOK else "as in training"


def measure(reference: Reference, bins: Bins) -> list[FieldDrift]:
    """Compare rows with the training data.

    Parameters
    ----------
    reference : Reference
        Of the training data.
    bins : ndarray of int, shape (rows, fields)
        At least one row; see `Reference.bins`.

    Returns
    -------
    list[FieldDrift]
        In the order of the reference.
    """
    counts = [field.count(bins[:, place]) for place, field in enumerate(reference.fields)]
    return [
        FieldDrift(field, now, stability_index(field.counts, now))
        for field, now in zip(reference.fields, counts, strict=True)
    ]


def stability_index(then: Sequence[int], now: Sequence[int]) -> float:
    """Return the population stability index of two lists of counts, less its mean by chance."""
    counts = np.array([then, now], dtype=np.float64)
    counts = counts[:, counts.sum(axis=0) > 0]
    rows = counts.sum(axis=1, keepdims=True)
    bins = counts.shape[1]
    shares = (counts + PSEUDO_COUNT) / (rows + PSEUDO_COUNT * bins)
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    by_chance = (bins - 1) * float((1 / rows).sum())
    return float(max(0.0, index - by_chance))
