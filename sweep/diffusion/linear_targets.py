"""Targets that are linear in x_0 and epsilon, by their coefficients. numpy only; `targets.py` has them on a device.

With s = sqrt(alphas_bar), n = sqrt(1 - alphas_bar) and p = a x_0 + b epsilon, x_t = s x_0 + n epsilon gives

    x_0 = (n p - b x_t)/(a n - b s)

so that an error of p is |a n - b s|/n times as large as that of x_0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.levels import Levels

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TargetTable:
    """A target of a plugin at each t of the training chain.

    Attributes:
        name: Name of the target.
        on_x0: Its coefficient of x_0, float64 [T].
        on_noise: Its coefficient of epsilon, float64 [T].
    """

    name: str
    on_x0: Array
    on_noise: Array

    def __str__(self) -> str:
        return self.name

    def divisor(self, at: Levels) -> Array:
        """What a prediction is divided by on its way to x_0, float64 [T]; 0 where x_0 is lost.

        Args:
            at: Levels of the training chain.
        """
        noise = np.sqrt(1 - at.alphas_bar)
        return np.abs(self.on_x0 * noise - self.on_noise * np.sqrt(at.alphas_bar)) / noise

    def from_prediction(self, at: Levels) -> Array:
        """Coefficient of the prediction in x_0, float64 [T].

        Args:
            at: Levels of the training chain.
        """
        noise = np.sqrt(1 - at.alphas_bar)
        return noise / (self.on_x0 * noise - self.on_noise * np.sqrt(at.alphas_bar))

    def from_x_t(self, at: Levels) -> Array:
        """Coefficient of x_t in x_0, float64 [T].

        Args:
            at: Levels of the training chain.
        """
        noise = np.sqrt(1 - at.alphas_bar)
        return -self.on_noise / (self.on_x0 * noise - self.on_noise * np.sqrt(at.alphas_bar))
