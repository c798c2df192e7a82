"""A target, an additional loss term and a spacing of our own, and the objective of the target written out whole."""

import numpy as np
import torch

from sweep.diffusion.process import Diffusion
from sweep.plugins import loss_term, objective, spacing, target


@target("velocity")
def velocity(alphas_bar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """epsilon - x_0, which rectified flow predicts (Liu et al. 2023), on the noise levels of any schedule.

    Args:
        alphas_bar: Of t = 1..T, float64 [T].

    Returns:
        Coefficients of x_0 and of epsilon, float64 [T] each.
    """
    return -np.ones_like(alphas_bar), np.ones_like(alphas_bar)


@loss_term("edges")
def edges(predicted_x0: torch.Tensor, x0: torch.Tensor, alphas_bar: torch.Tensor) -> torch.Tensor:
    """Squared error of the differences between neighbouring pixels, weighted by the share of signal.

    Args:
        predicted_x0: x_0 that the prediction stands for, [B, C, H, W].
        x0: The image.
        alphas_bar: Share of signal of each image, [B, 1, 1, 1].
    """
    r = predicted_x0 - x0
    return alphas_bar * (r.diff(dim=2)[..., :-1].square() + r.diff(dim=3)[..., :-1, :].square())


@spacing("cubic")
def cubic(T: int, steps: int, *, power: float = 3.0) -> np.ndarray:
    """From t = T, and denser near the data the larger the power.

    Args:
        T: Length of the training chain.
        steps: Sampling steps.
        power: 1 for even steps.
    """
    return np.unique(np.rint((np.arange(1, steps + 1) / steps) ** power * (T - 1)).astype(int))


@objective("flow_matching")
def flow_matching(
    net, x0: torch.Tensor, noise: torch.Tensor, i: torch.Tensor, x_t: torch.Tensor, diffusion: Diffusion
) -> torch.Tensor:
    """Squared error of the velocity, the more the more signal there is: times 1 + sqrt(alphas_bar)."""
    share = diffusion.at(diffusion.sqrt_alphas_bar, i)
    return (1 + share) * (net(x_t, i).float() - (noise - x0)).square()
