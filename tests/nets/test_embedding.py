from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from diffusers.models.embeddings import get_timestep_embedding

from sweep.errors import InfeasibleConfig
from sweep.nets.embedding import TimeEmbedding, frequencies, sinusoidal_embedding

INDICES = torch.tensor([0, 1, 2, 499, 999, 3999])


def by_the_formula(i: int, width: int) -> list[float]:
    """Ho et al. 2020, released code (get_timestep_embedding), in Python floats."""
    half = width // 2
    phases = [i * math.exp(-math.log(10000) * k / (half - 1)) for k in range(half)]
    return [math.sin(p) for p in phases] + [math.cos(p) for p in phases]


@pytest.mark.parametrize("width", [4, 32, 128])
def test_equals_the_formula_in_float64(width: int) -> None:
    expected = np.array([by_the_formula(int(i), width) for i in INDICES])
    found = sinusoidal_embedding(INDICES, frequencies(width))
    # float32 phases: half an ulp of 3999 is 1.2e-4.
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_wrong_layouts_and_spacings_are_far_away() -> None:
    half = 64
    right = np.array(by_the_formula(999, 2 * half))
    interleaved = right.reshape(2, half).T.ravel()
    cosines_first = np.roll(right, half)
    phases = 999 * np.exp(-math.log(10000) * np.arange(half) / half)  # half, where Ho has half - 1
    stretched = np.concatenate([np.sin(phases), np.cos(phases)])
    found = sinusoidal_embedding(torch.tensor([999]), frequencies(2 * half))[0].numpy()
    for wrong in (interleaved, cosines_first, stretched):
        assert np.abs(found - wrong).max() > 0.5


@pytest.mark.conformance
def test_equals_diffusers() -> None:
    peer = get_timestep_embedding(INDICES, 128, flip_sin_to_cos=False, downscale_freq_shift=1)
    torch.testing.assert_close(sinusoidal_embedding(INDICES, frequencies(128)), peer, atol=2e-3, rtol=0)


def test_index_may_be_fractional() -> None:
    found = sinusoidal_embedding(torch.tensor([0.5]), frequencies(4))
    torch.testing.assert_close(found[0, 0].item(), math.sin(0.5), atol=1e-6, rtol=0)


def test_float32_under_autocast() -> None:
    # bfloat16 holds 8 bits: indices 513 and 514 would be the same number.
    with torch.autocast("cpu", torch.bfloat16):
        found = sinusoidal_embedding(torch.tensor([513, 514]), frequencies(32))
    assert found.dtype == torch.float32
    assert (found[0] - found[1]).abs().max() > 0.1


def test_frequencies_are_no_parameter_and_in_no_state_dict() -> None:
    embedding = TimeEmbedding(32, 64)
    assert set(embedding.state_dict()) == {"linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"}


@pytest.mark.parametrize("width", [2, 33])
def test_refuses_widths_without_two_pairs(width: int) -> None:
    with pytest.raises(InfeasibleConfig, match=f"{width} channels"):
        TimeEmbedding(width, 64)
