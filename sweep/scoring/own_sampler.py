"""The sampler of a plugin, as the reverse process calls it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sweep.config.own_part import OwnPart
from sweep.diffusion.coefficients import Columns
from sweep.diffusion.levels import Levels
from sweep.errors import UsageError


def own_sampler(part: OwnPart) -> Callable[[Levels, float], Columns]:
    """A function like those of `sweep.diffusion.coefficients.SAMPLERS`.

    Args:
        part: The sampler.

    Returns:
        A function of the visited levels and eta. It raises a DataError where this process has not loaded the plugin, a
        UsageError where the coefficients have another shape or are not finite, and whatever the part raises.
    """

    def coefficients(at: Levels, eta: float) -> Columns:
        columns = part("sampler", {"at": at, "eta": eta})
        steps = len(at.betas)
        if not isinstance(columns, Columns):
            raise _refused(part, f"it returned {type(columns).__name__}; coefficients.Columns are expected")
        for name, column in columns._asdict().items():
            if column is not None and np.shape(column) != (steps,):
                raise _refused(part, f"{name} has shape {np.shape(column)}; one number for each step, ({steps},)")
            if column is not None and not np.isfinite(column).all():
                raise _refused(part, f"{name} is not finite")
        return columns

    return coefficients


def _refused(part: OwnPart, problem: str) -> UsageError:
    return UsageError(f"sampler `{part}` of a plugin cannot be used", why=problem, next="Correct the plugin.")
