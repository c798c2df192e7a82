"""A schedule of our own: sqrt(alphas_bar) falls as a power of time."""

import numpy as np

from sweep.diffusion.chains import betas_from
from sweep.plugins import schedule


@schedule("power")
def power(T: int, *, exponent: float = 2.0) -> np.ndarray:
    """alphas_bar(u) = (1 - u^exponent)^2, u = t/T.

    Args:
        T: Length of the training chain.
        exponent: The larger, the longer images stay clean.

    Returns:
        betas, float64 [T].
    """
    return betas_from(lambda u: (1 - u**exponent) ** 2, T)
