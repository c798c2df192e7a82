"""The sampler and the spacing of a plugin, as the reverse process calls them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sweep.config.own_part import OwnPart
from sweep.diffusion.coefficients import Columns
from sweep.diffusion.levels import Levels
from sweep.diffusion.spacing import Indices, Spacing
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


def own_spacing(part: OwnPart) -> Spacing:
    """A function like those of `sweep.diffusion.spacing.SPACINGS`.

    Args:
        part: The spacing.

    Returns:
        A function of T and the number of steps. It raises a DataError where this process has not loaded the plugin, a
        UsageError where the indices are not some of the chain in ascending order, and whatever the part raises.
    """

    def indices(T: int, steps: int) -> Indices:
        returned = np.asarray(part("spacing", {"T": T, "steps": steps}))
        if returned.ndim != 1 or not np.issubdtype(returned.dtype, np.integer):
            shown = f"{returned.dtype} {returned.shape}"
            raise _refused(part, f"it returned {shown}; integers [K] are expected, the indices t - 1", "spacing")
        if not 1 <= len(returned) <= steps:
            raise _refused(part, f"it visits {len(returned)} t for {steps} steps; 1 to {steps} are expected", "spacing")
        if returned[0] < 0 or returned[-1] >= T or (np.diff(returned) <= 0).any():
            raise _refused(part, f"its indices do not ascend within 0..{T - 1}", "spacing")
        return returned.astype(np.int64)

    return indices


def _refused(part: OwnPart, problem: str, kind: str = "sampler") -> UsageError:
    return UsageError(f"{kind} `{part}` of a plugin cannot be used", why=problem, next="Correct the plugin.")
