"""What samplers and spacings must do, tried on a CPU with the settings of an arm."""

from __future__ import annotations

import torch

from sweep.config.own_part import OwnPart
from sweep.config.run import Setting
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import sample
from sweep.diffusion.spacing import sampling_indices
from sweep.scoring.generate import sampling_plan
from sweep.scoring.own_sampling import own_spacing
from sweep.training.noise_tables import betas_of
from sweep.worker.broken_part import Broken, Guarantee

SAMPLER_TOLERANCE = 0.05
"""Of a pixel in [-1, 1]: a few levels of 255."""


def sampler_contract(_part: OwnPart, setting: Setting) -> None:
    """Images that are finite, and the image itself where the net knows it at every step.

    Args:
        setting: Evaluation settings that name the sampler.

    Raises:
        Broken: One of these does not hold.
        UsageError: The coefficients have another shape, or are not finite.
    """
    x0 = torch.linspace(-0.9, 0.9, 16).reshape(1, 1, 4, 4)

    def noise(draw: int) -> torch.Tensor:
        return torch.randn(x0.shape, generator=torch.Generator().manual_seed(draw))

    plan = sampling_plan(setting.eval_config(), "x0")
    diffusion = Diffusion.from_betas(betas_of(setting), torch.device("cpu"))
    images = sample(lambda _x, _i: x0, diffusion, shape=tuple(x0.shape), noise=noise, plan=plan)
    if not images.isfinite().all():
        raise Broken("it draws images that are not finite")
    if (apart := float((images - x0).abs().max())) > SAMPLER_TOLERANCE:
        raise Broken(f"with a net that knows the image at every step it ends {apart:.3g} away from it, of a range of 2")


def spacing_contract(part: OwnPart, setting: Setting) -> None:
    """Indices of the chain in ascending order that do not end at the clean image, the same at each call.

    Args:
        part: The spacing.
        setting: Evaluation settings that name it, with T.

    Raises:
        Broken: The indices differ between two calls.
        UsageError: They are something else; the message says what.
    """
    first, second = (sampling_indices(own_spacing(part), setting.T, setting.sampling_steps) for _ in range(2))
    if first.tolist() != second.tolist():
        raise Broken("it returns other indices at each call", Guarantee.REPEATABLE)
