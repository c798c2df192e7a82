from __future__ import annotations

import numpy as np
import pytest

from sweep.scoring import kernel
from sweep.scoring.fidelity import calculate
from sweep.scoring.kernel import kid_jackknife, kid_of_subsets, mean_of_pairs
from tests.helpers.known_moments import Array


def by_torch_fidelity(a: Array, b: Array) -> float:
    """Its estimate from a single subset that holds everything: all pairs, unbiased."""
    settings = {"kid": True, "kid_subsets": 1, "kid_subset_size": len(a)}
    return calculate(a, b, settings=settings)["kernel_inception_distance_mean"]


def test_all_pairs_equal_torch_fidelity_with_one_whole_subset() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(1500, 8)), 0.3 + rng.normal(size=(1500, 8))
    assert kid_jackknife(a, b, mean_of_pairs(b)).value == pytest.approx(by_torch_fidelity(a, b), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "m", "size"),
    [(120, 150, 40), (60, 60, 60), (2500, 2200, 50)],  # the last by subsets, the others by the whole kernel
)
def test_each_subset_is_the_one_of_torch_fidelity(n: int, m: int, size: int) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(n, 8)), 0.3 + rng.normal(size=(m, 8))
    found = kid_of_subsets(a, b, subsets=30, size=size)
    told = calculate(a, b, settings={"kid": True, "kid_subsets": 30, "kid_subset_size": size})
    assert found.mean() == pytest.approx(told["kernel_inception_distance_mean"], rel=1e-9)
    assert found.std() == pytest.approx(told["kernel_inception_distance_std"], rel=1e-7, abs=1e-12)


def test_both_ways_to_sum_a_subset_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(90, 6)), rng.normal(size=(110, 6))
    whole = kid_of_subsets(a, b, subsets=20, size=50)
    monkeypatch.setattr(kernel, "WHOLE", 0)
    np.testing.assert_allclose(kid_of_subsets(a, b, subsets=20, size=50), whole, rtol=1e-9, atol=1e-12)


def test_leaving_a_block_out_is_measuring_without_it() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(103, 5)), rng.normal(size=(98, 5)) + 0.2
    pairs = mean_of_pairs(b)
    jackknife = kid_jackknife(a, b, pairs)
    for k, block in enumerate(np.array_split(np.arange(103), 20)):
        kept = np.delete(a, block, axis=0)
        assert jackknife.left_out[k] == pytest.approx(kid_jackknife(kept, b, pairs).value, rel=1e-9, abs=1e-12)


def test_is_unbiased_and_its_error_is_its_spread() -> None:
    # Equal distributions: expectation 0 (Gretton et al. 2012, lemma 6). A biased estimate is positive every time.
    rng = np.random.default_rng(2)
    reference = rng.normal(size=(2_000, 4))
    pairs = mean_of_pairs(reference)
    found = [kid_jackknife(rng.normal(size=(200, 4)) + 0.3, reference, pairs) for _ in range(100)]
    values = np.asarray([one.value for one in found])
    whole = kid_jackknife(rng.normal(size=(6_000, 4)) + 0.3, reference, pairs).value
    assert values.mean() == pytest.approx(whole, abs=4 * values.std() / np.sqrt(100))
    assert np.mean([one.standard_error for one in found]) == pytest.approx(values.std(ddof=1), rel=0.25)
