from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from sweep.errors import UnknownName
from sweep.nets.build import build
from sweep.nets.registry import NETS

SETTINGS: dict[str, dict[str, Any]] = {
    "unet": {"channels": 8, "channel_mults": (1, 2), "res_blocks": 1, "attention_resolutions": (4,), "groups": 4},
    "mlp": {"width": 16, "depth": 1},
}


def built(kind: str, seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    return build(kind, SETTINGS[kind], image_channels=1, image_size=8, generator=generator)


def flat(net: torch.nn.Module) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(net.parameters())


def test_every_net_is_tried_here() -> None:
    assert set(SETTINGS) == set(NETS) - {"own"}  # those of plugins: tests/plugins


@pytest.mark.parametrize("kind", SETTINGS)
def test_weights_are_a_function_of_the_seed_alone(kind: str) -> None:
    torch.manual_seed(1)
    first = built(kind, seed=5)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    second = built(kind, seed=5)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(flat(first), flat(second))
    assert not torch.equal(flat(first), flat(built(kind, seed=6)))


@pytest.mark.parametrize("kind", SETTINGS)
def test_state_dict_holds_parameters_only(kind: str) -> None:
    """Averages of weights run over it: no constants, no integer counters."""
    net = built(kind, seed=0)
    assert set(net.state_dict()) == {name for name, _ in net.named_parameters()}


@pytest.mark.parametrize("kind", SETTINGS)
def test_out_channels_default_to_the_images(kind: str) -> None:
    x, i = torch.zeros(2, 1, 8, 8), torch.zeros(2)
    assert built(kind, seed=0)(x, i).shape == x.shape
    generator = torch.Generator().manual_seed(0)
    wide = build(kind, SETTINGS[kind], image_channels=1, image_size=8, generator=generator, out_channels=2)
    assert wide(x, i).shape == (2, 2, 8, 8)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName) as error:
        build("transformer", {}, image_channels=1, image_size=8, generator=torch.Generator())
    assert "mlp, unet" in error.value.why


def test_plans_and_reports_ask_the_registry_without_torch() -> None:
    code = "import sys, sweep.nets.registry; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", SETTINGS)
def test_weights_are_counted_without_the_net(kind: str) -> None:
    settings = SETTINGS[kind] | ({"heads": 1} if kind == "unet" else {})
    counted = NETS[kind].weights(settings, image_channels=1, image_size=8)
    assert 0.5 * len(flat(built(kind, seed=0))) < counted <= len(flat(built(kind, seed=0)))
