from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from sweep.config.part_names import Precision, Sampler
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import SamplingPlan
from sweep.nets.cuda_graph import StepFn, eager
from sweep.scoring.generate import evaluating, generate
from sweep.scoring.predictor import FixedPredictor, predictor
from tests.helpers.recorded_step import WARM_UP, Recorded

SHAPE = (1, 8, 8)
CPU = torch.device("cpu")
PLANS = [
    SamplingPlan(sampler=sampler, steps=6, target="epsilon", x0_clip=clip)
    for sampler in get_args(Sampler)
    for clip in ("static", "none")
]


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.sampler}, clip {plan.x0_clip}")
def test_a_replayed_net_draws_the_bits_of_the_eager_one(
    unet: nn.Module, diffusion: Diffusion, plan: SamplingPlan, precision: Precision
) -> None:
    recorded: list[Recorded] = []

    def recording(step_fn: StepFn, device: torch.device) -> Recorded:
        recorded.append(Recorded(step_fn, device))
        return recorded[-1]

    replayed, plain = (
        generate(
            unet,
            diffusion,
            plan,
            shape=SHAPE,
            n=8,
            noise_set=1,
            batch=4,
            precision=precision,
            execution=how,
        )
        for how in (recording, eager)
    )
    assert torch.equal(replayed, plain)
    assert recorded[0].replays >= 2 * plan.steps - WARM_UP - 1  # one recording serves both batches


def test_fixed_addresses_change_no_bit(unet: nn.Module) -> None:
    fixed, reference = FixedPredictor(unet, "fp32", (5, *SHAPE), CPU), predictor(unet, "fp32")
    generator = torch.Generator().manual_seed(0)
    told: list[tuple[Tensor, Tensor]] = []
    with torch.inference_mode(), evaluating(unet):
        for k in range(3):
            x, i = torch.randn(5, *SHAPE, generator=generator), torch.full((5,), 3 * k)
            told.append((fixed(x, i), reference(x, i)))
    # All three at the end: a result must not change when the next one is made.
    assert all(torch.equal(ours, theirs) for ours, theirs in told)
    assert not torch.equal(told[0][0], told[1][0])


def test_weights_loaded_over_the_old_ones_are_the_ones_replayed(unet: nn.Module, tmp_path: Path) -> None:
    x, i = torch.ones(2, *SHAPE), torch.tensor([1, 5])
    with torch.no_grad(), evaluating(unet):
        fixed = FixedPredictor(unet, "fp32", (2, *SHAPE), CPU, Recorded)
        before = [fixed(x, i) for _ in range(WARM_UP + 2)]
        assert all(torch.equal(one, before[0]) for one in before)
        unet.load_state_dict({name: value * 1.5 for name, value in unet.state_dict().items()})
        after = fixed(x, i)
        assert torch.equal(after, predictor(unet, "fp32")(x, i))
        assert not torch.equal(after, before[0])
