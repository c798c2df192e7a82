"""The steps of a sampler as plain numbers, for programs that do not know this package."""

from __future__ import annotations

from typing import Any

import torch

from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import StepTable, step_table
from sweep.diffusion.sampling_plan import SamplingPlan
from sweep.diffusion.spacing import sampling_indices
from sweep.diffusion.targets import predicted_x0

_COLUMNS = ("on_x", "on_x0", "on_previous", "corrector", "sigma")


def sampling_document(diffusion: Diffusion, plan: SamplingPlan, shape: tuple[int, int, int]) -> dict[str, Any]:
    """What `diffusers_pipeline.SweepPipeline` does, step by step.

    Args:
        diffusion: Tables of the training chain, on the CPU.
        plan: Sampler, steps and the rest.
        shape: Shape of an image, (C, H, W).

    Returns:
        `shape`, `clip` (of the predicted x_0), `index` (that the net sees at each step) and `rows`, one mapping a step:
        x_0 = x0_of_x x + x0_of_prediction prediction, clipped; then x becomes on_x x + on_x0 x_0 + on_previous (x_0 of
        the step before), plus corrector (x_0 - x_0 at the new x) where that is not 0, plus noise where it draws: of
        standard deviation `sigma`, or of log variance between `log_variances` where the net states it in [-1, 1].

    Raises:
        InfeasibleConfig: The target cannot be sampled under this schedule.
    """
    indices = sampling_indices(plan.spacing, diffusion.timesteps, plan.steps)
    table = step_table(diffusion, plan, indices)
    rows = [_row(diffusion, plan, table, k) for k in range(len(indices))]
    return {"shape": list(shape), "clip": plan.x0_clip, "index": [int(i) for i in indices], "rows": rows}


def _row(diffusion: Diffusion, plan: SamplingPlan, table: StepTable, k: int) -> dict[str, Any]:
    i, one, zero = table.index[k : k + 1], torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    # A predicted x_0 is linear in x and in the prediction.
    row: dict[str, Any] = {
        "x0_of_x": float(predicted_x0(plan.target, diffusion, zero, one, i)),
        "x0_of_prediction": float(predicted_x0(plan.target, diffusion, one, zero, i)),
        "draws": table.draws[k],
    }
    row |= {name: float(value) for name, value in zip(_COLUMNS, table.rows[k], strict=True)}
    if table.shortened is not None and table.draws[k]:
        position = table.index.new_full((1,), len(table.index) - 1 - k)
        low, high = (float(table.shortened.reverse_log_variance(plan.variance, position, raw)) for raw in (-one, one))
        if plan.variance == "learned_range":
            row["log_variances"] = [low, high]
        else:
            row["sigma"] = float(torch.tensor(0.5 * low).exp())
    return row
