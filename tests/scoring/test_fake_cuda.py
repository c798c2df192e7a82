"""Sampling on a GPU without one: every operator, with its devices and shapes, and no values."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch

from sweep.config.part_names import Precision, Sampler
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import SamplerState, SamplingPlan, StepTable, reverse_step, step_table
from sweep.diffusion.spacing import sampling_indices
from sweep.nets.cast_weights import with_cast_weights
from sweep.nets.cuda_graph import eager
from sweep.scoring import predictor
from sweep.scoring.predictor import FixedPredictor
from sweep.training.noise_tables import betas_of
from tests.helpers.fake_cuda import CUDA, Launches, fake_cuda
from tests.helpers.tiny_net import tiny_unet
from tests.helpers.tiny_training import tiny

SHAPE = (4, 1, 8, 8)


def on_cuda(table: StepTable) -> StepTable:
    shortened = table.shortened
    return replace(
        table,
        index=table.index.to(CUDA),
        rows=table.rows.to(CUDA),
        shortened=None if shortened is None else shortened.to(CUDA),
    )


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_no_step_of_a_sampler_mixes_devices_or_waits(
    monkeypatch: pytest.MonkeyPatch, sampler: str, precision: Precision
) -> None:
    plan = SamplingPlan(sampler=sampler, steps=3, target="epsilon")
    chain = Diffusion.from_betas(betas_of(tiny()), torch.device("cpu"))
    table = step_table(chain, plan, sampling_indices(plan.spacing, chain.timesteps, plan.steps))
    net = tiny_unet().eval()
    if precision == "bf16":  # its weights are real before they are fake
        net = with_cast_weights(net, torch.bfloat16)
        monkeypatch.setattr(predictor, "with_cast_weights", lambda net, _: net)
    with fake_cuda(monkeypatch), torch.no_grad():
        predict = FixedPredictor(net.to(CUDA), precision, SHAPE, CUDA, eager)
        diffusion, steps, index = chain.to(CUDA), on_cuda(table), torch.arange(4, device=CUDA)

        def step(k: int, state: SamplerState) -> SamplerState:
            z = sample_noise(0, index, k + 1, SHAPE[1:], CUDA) if steps.draws[k] else None
            return reverse_step(predict, diffusion, plan, steps, k, state, z)

        x = sample_noise(0, index, 0, SHAPE[1:], CUDA)
        state = step(0, SamplerState(x, torch.zeros_like(x)))
        with Launches() as launches:
            for k in range(1, 3):
                state = step(k, state)
        assert (state.x.device, state.x.shape) == (CUDA, SHAPE)
    assert launches.total > 0
    assert not launches.slow


def test_a_mix_of_devices_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_cuda(monkeypatch), pytest.raises(RuntimeError, match="device"):
        torch.zeros(3, device=CUDA) + torch.zeros(3)
