from __future__ import annotations

import numpy as np
import pytest

from sweep.errors import ProtocolError
from sweep.scoring.jackknife import Jackknife, blocks_of, difference


def test_of_a_mean_is_the_textbook_standard_error() -> None:
    # For a mean and blocks of one, the jackknife is s / sqrt(n) exactly and finds no bias (Efron & Tibshirani 1993).
    x = np.random.default_rng(0).normal(size=50)
    one = Jackknife(float(x.mean()), tuple(float(np.delete(x, k).mean()) for k in range(50)))
    assert one.standard_error == pytest.approx(x.std(ddof=1) / np.sqrt(50), rel=1e-12)
    assert one.extrapolated == pytest.approx(x.mean(), rel=1e-12)


def test_extrapolates_a_bias_of_c_over_n_exactly() -> None:
    # theta_N = 3 + 7/N, with 20 blocks of 5 out of N = 100.
    one = Jackknife(3 + 7 / 100, (3 + 7 / 95,) * 20)
    assert one.extrapolated == pytest.approx(3, abs=1e-12)
    assert one.standard_error == 0


def test_largest_influence_names_the_block_that_matters() -> None:
    assert Jackknife(1.0, (1.0, 0.9, 1.5)).largest_influence == pytest.approx(0.5)


def test_difference_takes_the_same_blocks_from_both() -> None:
    a, b = Jackknife(5.0, (4.0, 6.0)), Jackknife(3.0, (2.0, 4.0))
    assert difference(a, b) == Jackknife(2.0, (2.0, 2.0))
    with pytest.raises(ProtocolError, match="do not pair"):
        difference(a, Jackknife(3.0, (1.0, 2.0, 3.0)))


@pytest.mark.parametrize(("n", "count"), [(2, 2), (5, 2), (39, 19), (40, 20), (1003, 20)])
def test_blocks_hold_every_image_once_in_nearly_equal_shares(n: int, count: int) -> None:
    blocks = blocks_of(n)
    assert len(blocks) == count
    assert np.array_equal(np.concatenate(blocks), np.arange(n))
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1
