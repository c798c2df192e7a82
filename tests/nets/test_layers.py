from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from sweep.nets.initialisation import initialise
from sweep.nets.layers import Attention, Downsample, GroupNorm, Upsample


def test_downsample_pads_right_and_bottom_only() -> None:
    """TensorFlow's SAME at stride 2: the first window starts at pixel 0; symmetric padding starts at -1."""
    down = Downsample(1)
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    with torch.no_grad():
        down.conv.weight.zero_()
        down.conv.bias.zero_()
        down.conv.weight[0, 0, 0, 0] = 1
        assert torch.equal(down(x), x[..., ::2, ::2])
        down.conv.weight.zero_()
        down.conv.weight[0, 0, 2, 2] = 1
        corner = down(x)
    assert torch.equal(corner[..., :2, :2], x[..., 2::2, 2::2])
    assert corner[..., 2, :].abs().max() == corner[..., :, 2].abs().max() == 0


def test_upsample_repeats_pixels() -> None:
    up = Upsample(1)
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    with torch.no_grad():
        up.conv.weight.zero_()
        up.conv.bias.zero_()
        up.conv.weight[0, 0, 1, 1] = 1
        out = up(x)
    assert torch.equal(out, torch.from_numpy(np.kron(x.numpy(), np.ones((2, 2), np.float32))))


def group_norm_float64(x: torch.Tensor, groups: int, eps: float) -> np.ndarray:
    """Wu & He 2018, eq. 1, 2 and 7 of the paper, in numpy."""
    grouped = x.double().numpy().reshape(x.shape[0], groups, -1)
    mean, var = grouped.mean(-1, keepdims=True), grouped.var(-1, keepdims=True)
    return ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)


def test_group_norm_has_tensorflows_epsilon() -> None:
    x = 1e-3 * torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    found = GroupNorm(4, 8)(x).detach().numpy()
    np.testing.assert_allclose(found, group_norm_float64(x, 4, 1e-6), atol=1e-4)
    assert np.abs(found - group_norm_float64(x, 4, 1e-5)).max() > 0.1


def test_group_norm_statistics_are_float32_for_bfloat16_features() -> None:
    # A mean of 100 against a spread of 1: sums in bfloat16 lose the spread altogether.
    noise = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    x = (100 + noise).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = GroupNorm(4, 8)(x)
    assert found.dtype == torch.bfloat16
    np.testing.assert_allclose(found.detach().float(), group_norm_float64(x, 4, 1e-6), rtol=2**-8, atol=1e-3)
    in_bfloat16 = (x - x.mean((1, 2, 3), keepdim=True)) / x.var((1, 2, 3), keepdim=True).sqrt()
    assert np.abs(in_bfloat16.float().numpy() - group_norm_float64(x, 1, 1e-6)).max() > 0.05


def test_group_norm_is_computed_in_float32_for_bfloat16_features() -> None:
    """Torch's CPU kernel would widen by itself; others need not, so the operator must be given float32."""
    seen: list[torch.dtype] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.ops.aten.native_group_norm.default:
                seen.append(args[0].dtype)
            return func(*args, **(kwargs or {}))

    with Watch():
        GroupNorm(4, 8)(torch.ones(1, 8, 2, 2).bfloat16())
        GroupNorm(4, 8).double()(torch.ones(1, 8, 2, 2).double())
    assert seen == [torch.float32, torch.float64]


def attention_by_hand(layer: Attention, x: torch.Tensor) -> torch.Tensor:
    """Vaswani et al. 2017, eq. 1, one head at a time, with x as residual."""
    B, C, H, W = x.shape
    tokens = layer.norm(x).reshape(B, C, H * W).transpose(1, 2)
    q, k, v = layer.qkv(tokens).chunk(3, dim=-1)
    width = C // layer.heads
    heads = []
    for h in range(layer.heads):
        part = slice(h * width, (h + 1) * width)
        logits = q[..., part] @ k[..., part].transpose(1, 2) / width**0.5
        heads.append(logits.softmax(-1) @ v[..., part])
    return x + layer.proj(torch.cat(heads, -1)).transpose(1, 2).reshape(B, C, H, W)


def test_attention_equals_the_equation_and_heads_is_a_count() -> None:
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    outputs = []
    for heads in (1, 2, 8):
        layer = Attention(8, heads, groups=4)
        initialise(layer, torch.Generator().manual_seed(1))
        with torch.no_grad():
            layer.qkv.weight.mul_(2)  # near-uniform weights would look alike for every number of heads
            nn.init.eye_(layer.proj.weight)
            torch.testing.assert_close(layer(x), attention_by_hand(layer, x), atol=1e-5, rtol=0)
            outputs.append(layer(x))
    assert (outputs[0] - outputs[1]).abs().max() > 0.01
    assert (outputs[1] - outputs[2]).abs().max() > 0.01
