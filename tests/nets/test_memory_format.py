from __future__ import annotations

import pytest
import torch

from sweep.nets.memory_format import channels_last, laid_out
from sweep.nets.registry import NETS
from tests.helpers.tiny_net import tiny_unet


@pytest.mark.parametrize("kind", NETS)
def test_the_layout_follows_from_the_kind_alone(kind: str) -> None:
    assert channels_last(kind) == (kind == "unet")


def test_feature_maps_stay_in_the_layout_and_outputs_are_equal_to_rounding() -> None:
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    i = torch.tensor([0, 5, 90])
    plain, ours = tiny_unet().eval(), laid_out(tiny_unet().eval(), "unet")
    seen: list[bool] = []
    for module in ours.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda _m, _x, out: seen.append(out.is_contiguous(memory_format=torch.channels_last))
            )
    with torch.no_grad():
        torch.testing.assert_close(ours(x, i), plain(x, i), rtol=1e-4, atol=1e-5)
    assert len(seen) > 8
    assert all(seen)
