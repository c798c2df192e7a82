from __future__ import annotations

import numpy as np
import pytest
import torch

from sweep.data.pixels import to_model_range, to_uint8

LEVELS = torch.arange(256, dtype=torch.uint8)


def test_range_is_minus_one_to_one_like_the_other_common_formula() -> None:
    found = to_model_range(LEVELS)
    assert found.dtype == torch.float32
    assert (found[0], found[255]) == (-1, 1)
    # Ho et al. write x / 127.5 - 1; torchvision's Normalize(0.5, 0.5) after ToTensor is (x / 255 - .5) / .5.
    np.testing.assert_allclose(found, (np.arange(256) / 255 - 0.5) / 0.5, atol=1e-6)


def test_every_level_survives_the_round_trip() -> None:
    assert torch.equal(to_uint8(to_model_range(LEVELS)), LEVELS)


def test_values_outside_clamp_and_do_not_wrap_around() -> None:
    x = torch.tensor([-7.0, -1.004, 1.004, 1.01, 3.0, torch.inf, -torch.inf])
    assert to_uint8(x).tolist() == [0, 0, 255, 255, 255, 255, 0]
    wrapped = ((x[3:4] + 1) * 127.5).round().to(torch.int64).to(torch.uint8)
    assert wrapped.tolist() == [0]  # what a cast without a clamp makes of 256: white turns black


def test_values_round_to_the_nearest_level_and_do_not_truncate() -> None:
    x = (torch.arange(255) + 0.6) / 127.5 - 1
    assert torch.equal(to_uint8(x), LEVELS[1:])
    truncated = ((x + 1) * 127.5).to(torch.uint8)
    assert torch.equal(truncated, LEVELS[:-1])  # one level too dark, everywhere


def test_rounding_is_unbiased_over_the_range() -> None:
    x = 2 * torch.rand(200_000, generator=torch.Generator().manual_seed(0)) - 1
    error = to_uint8(x).double() - (x.double() + 1) * 127.5
    assert abs(error.mean().item()) < 0.005  # truncation: -0.5
    assert error.abs().max() <= 0.5 + 1e-4


def test_half_precision_is_widened_before_it_is_scaled() -> None:
    x = to_model_range(LEVELS).bfloat16()
    exact = ((x.double() + 1) * 127.5).round().to(torch.uint8)
    assert torch.equal(to_uint8(x), exact)
    assert not torch.equal(((x + 1) * 127.5).round().to(torch.uint8), exact)


def test_scaling_twice_is_refused() -> None:
    with pytest.raises(AssertionError, match="float32"):
        to_model_range(to_model_range(LEVELS))
