"""The reverse process: from noise to images over a chosen subsequence of the chain.

The samplers themselves are tables of coefficients (`coefficients.py`). The network sees the index i of the training
chain. Whether a step corrects or draws noise is known on the host and all else are device tensors, so that a step can
be captured in a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.diffusion.coefficients import SAMPLERS
from sweep.diffusion.feasibility import check_target
from sweep.diffusion.levels import Levels
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import X0_CLIPS, split_output
from sweep.diffusion.sampling_plan import SamplingPlan
from sweep.diffusion.spacing import sampling_indices
from sweep.diffusion.targets import predicted_x0
from sweep.errors import InfeasibleConfig

__all__ = [
    "SAMPLERS",
    "Denoise",
    "SamplerState",
    "SamplingPlan",
    "StepTable",
    "denoise_from",
    "reverse_step",
    "sample",
    "step_table",
]

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(x_t [B, C, H, W], i int64 [B]) -> raw network output, [B, C, H, W] or [B, 2C, H, W]."""


@dataclass(frozen=True, eq=False)
class StepTable:
    """The K steps of one plan, in the order they are taken."""

    index: Tensor
    """Code index that the network sees, int64 [K]."""
    rows: Tensor
    """on_x, on_x0, on_previous, corrector, sigma: float32 [K, 5]."""
    corrects: tuple[bool, ...]
    """Which steps call the network twice, [K]."""
    draws: tuple[bool, ...]
    """Which steps add noise, [K]; never the last."""
    shortened: Diffusion | None
    """Tables of the visited chain, ascending, where sigma is the plan's reverse variance instead of a coefficient."""


class SamplerState(NamedTuple):
    """What a step hands to the next."""

    x: Tensor
    x0: Tensor
    """The clipped x_0 of the step just taken; zeros before the first."""


def step_table(diffusion: Diffusion, plan: SamplingPlan, indices: NDArray[np.int64]) -> StepTable:
    """Coefficients of a plan's steps, on the device of `diffusion`.

    Args:
        diffusion: Tables of the training chain.
        plan: Sampler, steps and the rest.
        indices: Code indices to visit, int64 [K], descending.

    Raises:
        InfeasibleConfig: The target cannot be sampled under this schedule.
    """
    betas = diffusion.betas.cpu().numpy()
    if isinstance(plan.target, str):
        check_target(plan.target, betas)
    at = Levels.of(betas).subset(indices[::-1])
    coefficients = SAMPLERS[plan.sampler] if isinstance(plan.sampler, str) else plan.sampler
    columns = coefficients(at, plan.eta)
    zeros = np.zeros(len(indices))
    ascending = [zeros if column is None else column for column in columns]
    rows = np.stack(ascending, axis=1)[::-1].copy()
    last = len(indices) - 1
    by_variance = columns.sigma is None
    return StepTable(
        index=torch.from_numpy(indices).to(diffusion.device),
        rows=torch.from_numpy(rows).to(diffusion.device, torch.float32),
        corrects=tuple(bool(row[3] != 0) for row in rows),
        draws=tuple(k < last and (by_variance or bool(row[4] > 0)) for k, row in enumerate(rows)),
        shortened=Diffusion.from_levels(at, diffusion.device) if by_variance else None,
    )


def clipped_x0(
    denoise: Denoise, diffusion: Diffusion, plan: SamplingPlan, x: Tensor, i: Tensor
) -> tuple[Tensor, Tensor | None]:
    """One call of the network.

    Args:
        denoise: The network, in eval mode.
        diffusion: Tables of the training chain.
        plan: Sampler, steps and the rest.
        x: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].

    Returns:
        x_0 [B, C, H, W] after the plan's clipping, and the raw variance half if there is one.
    """
    prediction, raw = split_output(denoise(x, i), x.shape[1])
    return X0_CLIPS[plan.x0_clip](predicted_x0(plan.target, diffusion, prediction, x, i)), raw


def reverse_step(
    denoise: Denoise,
    diffusion: Diffusion,
    plan: SamplingPlan,
    table: StepTable,
    k: int,
    state: SamplerState,
    z: Tensor | None,
) -> SamplerState:
    """One step of the reverse process.

    Args:
        denoise: The network, in eval mode.
        diffusion: Tables of the training chain.
        plan: Sampler, target and clipping.
        table: Coefficients of the plan's steps (`step_table`).
        k: Number of the step, 0..K-1.
        state: What the step before returned.
        z: Standard normals of the shape of x where `table.draws[k]`; else not read.
    """
    batch = len(state.x)
    on_x, on_x0, on_previous, corrector, sigma = table.rows[k]
    x0, raw = clipped_x0(denoise, diffusion, plan, state.x, table.index[k].expand(batch))
    x = on_x * state.x + on_x0 * x0 + on_previous * state.x0
    if table.corrects[k]:
        x0_ahead, _ = clipped_x0(denoise, diffusion, plan, x, table.index[k + 1].expand(batch))
        x = x + corrector * (x0 - x0_ahead)
    if table.draws[k]:
        assert z is not None
        assert z.shape == x.shape, (z.shape, x.shape)
        if table.shortened is None:
            return SamplerState(x + sigma * z, x0)
        position = table.index.new_full((batch,), len(table.index) - 1 - k)
        log_variance = table.shortened.reverse_log_variance(plan.variance, position, raw)
        x = x + (0.5 * log_variance).exp() * z
    return SamplerState(x, x0)


def _run(
    denoise: Denoise,
    diffusion: Diffusion,
    x: Tensor,
    noise: Callable[[int], Tensor],
    plan: SamplingPlan,
    indices: NDArray[np.int64],
) -> Tensor:
    table = step_table(diffusion, plan, indices)
    state = SamplerState(x.float(), torch.zeros_like(x, dtype=torch.float32))
    for k in range(len(indices)):
        z = noise(k + 1) if table.draws[k] else None
        state = reverse_step(denoise, diffusion, plan, table, k, state, z)
    return state.x.clamp(-1, 1)


@torch.no_grad()
def sample(
    denoise: Denoise,
    diffusion: Diffusion,
    *,
    shape: tuple[int, ...],
    noise: Callable[[int], Tensor],
    plan: SamplingPlan,
) -> Tensor:
    """Images from noise.

    Args:
        denoise: The network, in eval mode.
        diffusion: Tables of the training chain.
        shape: Shape of the batch, (B, C, H, W).
        noise: noise(0) is x_T, noise(k) the draw of sampling step k = 1..K; standard normals of `shape`. Asked for only
            where a step is stochastic, so never for the last.
        plan: Sampler, steps and the rest.

    Returns:
        float32 [B, C, H, W] in [-1, 1].

    Raises:
        InfeasibleConfig: The target cannot be sampled under this schedule, or there are more steps than T.
    """
    x_T = noise(0)
    assert x_T.shape == shape, (x_T.shape, shape)
    indices = sampling_indices(plan.spacing, diffusion.timesteps, plan.steps)
    return _run(denoise, diffusion, x_T, noise, plan, indices)


@torch.no_grad()
def denoise_from(
    denoise: Denoise,
    diffusion: Diffusion,
    x_s: Tensor,
    *,
    start: int,
    noise: Callable[[int], Tensor],
    plan: SamplingPlan,
) -> Tensor:
    """Images from partly noised ones: `start` first, then the plan's indices below it.

    Args:
        denoise: The network, in eval mode.
        diffusion: Tables of the training chain.
        x_s: q_sample(x0, start, ...), float32 [B, C, H, W].
        start: Code index of x_s, 0..T-1.
        noise: noise(k), k = 1 for the first step taken: standard normals of the shape of x_s, asked for only where a
            step is stochastic.
        plan: Sampler, steps and the rest; `steps` counts the whole chain.

    Returns:
        float32 [B, C, H, W] in [-1, 1].
    """
    if not 0 <= start < diffusion.timesteps:
        raise InfeasibleConfig(
            f"Denoising cannot start at index {start} of a chain with T = {diffusion.timesteps}.",
            next=f"Use 0..{diffusion.timesteps - 1}.",
        )
    planned = sampling_indices(plan.spacing, diffusion.timesteps, plan.steps)
    indices = np.concatenate([np.array([start], dtype=np.int64), planned[planned < start]])
    return _run(denoise, diffusion, x_s, noise, plan, indices)
