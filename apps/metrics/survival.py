"""How long it took, when only bounds are known.

An observation is an interval (left, right] that holds the moment of the event, measured from its own start;
`left == right` means an exact time, and `right` is infinite for what had not happened when last looked at.
Any unit will do as long as it is the same throughout; this project uses hours.

`fit` gives Turnbull's estimate, which answers for its quantiles and curve; `band` and `quantile_band` say how
sure it is; `rounded_outward` makes many observations identical, so that a million are quick to fit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from apps.metrics.statistics.confidence import band, quantile_band
from apps.metrics.statistics.information import Floats
from apps.metrics.statistics.turnbull import Curve, Fit, NotConverged, fit

__all__ = ["Curve", "Fit", "NotConverged", "band", "fit", "quantile_band", "rounded_outward"]


def rounded_outward(left: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    """The same observations in hours, on a grid that grows coarser, so that many become identical.

    The grid: minutes below 3 h, 5 minutes below 72 h, hours below 90 days, days above. `left` goes down to
    it and `right` goes up, so that an interval only ever widens, at each end by less than a minute or 1/36 of
    the time (5 minutes at 3 h), mostly by far less. 1, 2, 3, 24, 48 and 72 h and 7, 14, 30 and 90 days are on
    the grid, so whether the event came by one of them, or after it, is answered as before. A time within a
    billionth of the grid counts as on it. An exact time stays exact on the grid, and becomes the interval
    around it elsewhere.
    """
    return _on_grid(left, np.floor), _on_grid(right, np.ceil)


def _on_grid(hours: ArrayLike, towards: np.ufunc) -> Floats:
    minutes = np.asarray(hours, dtype=np.float64) * 60
    step = np.where(
        minutes < 180, 1.0, np.where(minutes < 4320, 5.0, np.where(minutes < 129600, 60.0, 1440.0))
    )
    parts = minutes / step
    nearest = np.rint(parts)
    with np.errstate(invalid="ignore"):
        near = np.abs(parts - nearest) <= 1e-9 * np.maximum(nearest, 1)
    return np.asarray(np.where(near, nearest, towards(parts)) * step / 60, dtype=np.float64)
