from __future__ import annotations

from typing import get_args

import pytest
import torch

from sweep.config.part_names import Precision, Sampler
from sweep.config.run import TrainConfig
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import SamplingPlan
from sweep.nets.cuda_graph import CapturedStep, eager
from sweep.scoring.generate import generate
from sweep.scoring.predictor import FixedPredictor
from sweep.training.initial_net import build_net
from sweep.training.noise_tables import betas_of

SHAPE = (1, 8, 8)
CUDA = torch.device("cuda", 0)


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    return TrainConfig.model_validate({"data": {"name": "digits"}, "net": "unet_8", "images": 1000})


@pytest.fixture(scope="module")
def unet(config: TrainConfig) -> torch.nn.Module:
    net = build_net(config, channels=1, size=8, seed=0).to(CUDA)
    generator = torch.Generator(CUDA).manual_seed(0)
    with torch.no_grad():  # fresh nets end in near-zero layers, which would agree with anything
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator, device=CUDA))
    return net


@pytest.fixture(scope="module")
def diffusion(config: TrainConfig) -> Diffusion:
    return Diffusion.from_betas(betas_of(config), CUDA)


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_captured_sampling_is_the_plain_one(
    unet: torch.nn.Module, diffusion: Diffusion, sampler: str, precision: Precision
) -> None:
    torch.backends.cudnn.deterministic = True
    plan = SamplingPlan(sampler=sampler, steps=8, target="epsilon")
    captured, plain = (
        generate(unet, diffusion, plan, shape=SHAPE, n=64, noise_set=0, batch=32, precision=precision, execution=how)
        for how in (CapturedStep, eager)
    )
    # To one level, as between two runs of a GPU whose kernels sum in another order.
    assert (captured.int() - plain.int()).abs().max() <= 1
    assert (captured != plain).double().mean() < 0.002


def test_the_net_is_captured_once(unet: torch.nn.Module) -> None:
    unet.eval()
    with torch.inference_mode():
        predict = FixedPredictor(unet, "bf16", (16, *SHAPE), CUDA)
        told = [predict(torch.ones(16, *SHAPE, device=CUDA), torch.full((16,), 5, device=CUDA)) for _ in range(6)]
    assert isinstance(predict._call, CapturedStep)
    assert predict._call._graph is not None, "the net was not captured"
    torch.testing.assert_close(told[-1], told[0], rtol=1e-2, atol=1e-3)
