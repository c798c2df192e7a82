from __future__ import annotations

import pytest
import torch

from sweep.config.run import TrainConfig
from sweep.nets.arithmetic import net_arithmetic
from sweep.nets.cast_weights import with_cast_weights
from sweep.nets.memory_format import laid_out
from sweep.training.initial_net import build_net
from tests.helpers.fake_cuda import Launches, shapes_alone

CPU = torch.device("cpu")
CAST = torch.nn.Conv2d | torch.nn.Linear


@pytest.fixture(params=["unet_8", "mlp"])
def net(request: pytest.FixtureRequest) -> torch.nn.Module:
    """A net whose last layers are not near zero."""
    settings = {"kind": "mlp"} if request.param == "mlp" else request.param
    config = TrainConfig.model_validate({"data": {"name": "digits"}, "net": settings, "images": 1000})
    built = build_net(config, channels=1, size=8).eval().requires_grad_(False)
    for number, parameter in enumerate(built.parameters()):
        parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    return laid_out(built, config.net.kind)


def test_the_bits_are_those_of_weights_that_are_cast_at_each_call(net: torch.nn.Module) -> None:
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    i = torch.tensor([0, 7, 999])
    with torch.inference_mode(), net_arithmetic("bf16", CPU):
        expected = net(x, i)
        assert torch.equal(with_cast_weights(net, torch.bfloat16)(x, i), expected)
        assert not torch.equal(net(x + 0.1, i), expected)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}


def test_no_weight_is_cast_at_a_call(net: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    x, i = torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)
    weights = [parameter for module in net.modules() if isinstance(module, CAST) for parameter in module.parameters()]
    casts = []
    for each in (net, with_cast_weights(net, torch.bfloat16)):
        with shapes_alone(monkeypatch), torch.no_grad(), net_arithmetic("bf16", CPU), Launches() as launches:
            each(x, i)
        casts.append(launches.kernels["_to_copy"])
    assert casts[0] - casts[1] == len(weights)
