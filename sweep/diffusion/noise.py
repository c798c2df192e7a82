"""Standard normals that are a function of what they are for, not of when or where they were asked.

Element e of draw d for sample n of noise set s is one fixed number: the same in any batch, on any device kind (up to
the last bit of its log and cos), before and after a restart. Philox4x32-10 (Salmon et al. 2011) is a bijection of a
128-bit counter under a 64-bit key; here

    key     = (noise_set low, noise_set high)
    counter = (element // 4, draw, index low, index high)        each a 32-bit word

so no two (set, index, draw, element) ever share a word.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def _multiply(a: int, b: Tensor) -> tuple[Tensor, Tensor]:
    """High and low 32-bit words of a * b. By 16-bit halves: the full product does not fit a signed int64."""
    b_high, b_low = b >> 16, b & 0xFFFF
    high_part, low_part = a * b_high, a * b_low
    high = (high_part + (low_part >> 16)) >> 16
    low = (((high_part & 0xFFFF) << 16) + low_part) & _MASK
    return high, low


# Salmon et al. 2011, sec. 3.3
def philox4x32(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Four words of Philox4x32-10; all words are int64 tensors of values 0..2^32-1, broadcast together.

    Args:
        counter: The four words of the counter.
        key: The two words of the key.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        high_0, low_0 = _multiply(_MULTIPLIERS[0], c0)
        high_1, low_1 = _multiply(_MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _MASK, (k1 + _KEY_STEPS[1]) & _MASK
    return c0, c1, c2, c3


def _uniform_words(
    noise_set: int, index: Tensor, draw: int, elements: int, device: torch.device | str
) -> tuple[Tensor, ...]:
    """Four float64 [B, ceil(elements / 4)] tensors, uniform on (0, 1): (word + 1/2) / 2^32, never 0 or 1."""
    assert 0 <= noise_set < 2**64, noise_set
    assert 0 <= draw <= _MASK, draw
    assert (index.ndim, index.dtype) == (1, torch.int64), (index.shape, index.dtype)
    row = index.to(device)[:, None]
    block = torch.arange(-(-elements // 4), device=device, dtype=torch.int64)[None]
    counter = (block, torch.full_like(block, draw), row & _MASK, (row >> 32) & _MASK)
    words = philox4x32(counter, (noise_set & _MASK, noise_set >> 32))
    return tuple((word.to(torch.float64) + 0.5) / 2**32 for word in words)


def _arranged(columns: tuple[Tensor, ...], shape: tuple[int, ...]) -> Tensor:
    flat = torch.stack(columns, dim=-1).flatten(1)[:, : math.prod(shape)]
    return flat.to(torch.float32).reshape(len(flat), *shape)


def sample_uniform(
    noise_set: int, index: Tensor, draw: int, shape: tuple[int, ...], device: torch.device | str
) -> Tensor:
    """Uniform numbers that depend on what `sample_noise` depends on. They are made of its words: use other draws.

    Args:
        noise_set: Number that names the whole stream, 0..2^64-1, such as the seed of an evaluation.
        index: Which sample each row is, whatever batch it came in, int64 [B], >= 0.
        draw: Which of the sample's draws, 0..2^32-1, such as the sampling step.
        shape: Shape of one sample, such as (C, H, W).
        device: Device that computes.

    Returns:
        float32 [B, *shape], on [0, 1].
    """
    return _arranged(_uniform_words(noise_set, index, draw, math.prod(shape), device), shape)


# Box & Muller 1958, in float64
def sample_noise(
    noise_set: int, index: Tensor, draw: int, shape: tuple[int, ...], device: torch.device | str
) -> Tensor:
    """Standard normals that depend on (noise_set, index, draw, element) and on nothing else.

    Args:
        noise_set: Number that names the whole stream, 0..2^64-1, such as the seed of an evaluation.
        index: Which sample each row is, whatever batch it came in, int64 [B], >= 0.
        draw: Which of the sample's draws, 0..2^32-1, such as the sampling step.
        shape: Shape of one sample, such as (C, H, W).
        device: Device that computes.

    Returns:
        float32 [B, *shape]; |value| <= 6.77.
    """
    u_0, u_1, u_2, u_3 = _uniform_words(noise_set, index, draw, math.prod(shape), device)
    radius_0, radius_1 = (-2 * u_0.log()).sqrt(), (-2 * u_2.log()).sqrt()
    angle_0, angle_1 = 2 * math.pi * u_1, 2 * math.pi * u_3
    normals = (radius_0 * angle_0.cos(), radius_0 * angle_0.sin(), radius_1 * angle_1.cos(), radius_1 * angle_1.sin())
    return _arranged(normals, shape)
