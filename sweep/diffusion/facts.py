"""What is known of a schedule before any training. No numpy, so that the store loads it fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """What a schedule does to the data at its two ends; stored with every run."""

    alphas_bar_T: float
    """Share of the signal's variance that is left in x_T; sampling from N(0, I) pretends that it is 0."""
    snr_1: float
    snr_T: float
    prior_bits_per_dim: float
    """KL(q(x_T | x_0) || N(0, I)) in bits per dimension: the price of that pretence."""

    @property
    def terminal_gain(self) -> float:
        """1 / sqrt(alphas_bar_T): error in x_0 per unit of error in epsilon at t = T; inf at zero terminal SNR."""
        return float(self.alphas_bar_T**-0.5) if self.alphas_bar_T > 0 else float("inf")
