from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from sweep.scoring.fidelity import calculate
from sweep.scoring.frechet import Moments, feature_moments, fid_jackknife, frechet_distance, symmetric_root
from sweep.scoring.jackknife import difference
from tests.helpers.known_moments import Array, nuclear_norm_distance, rows_with_moments


def by_torch_fidelity(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return calculate(a, b, settings={"fid": True})["frechet_inception_distance"]


def by_symmetric_form(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return frechet_distance(feature_moments(a), feature_moments(b))


def by_jackknife(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return fid_jackknife(a, feature_moments(b)).value


FORMS = pytest.mark.parametrize("fid", [by_torch_fidelity, by_symmetric_form, by_jackknife])
Form = Callable[[NDArray[np.floating], NDArray[np.floating]], float]


@FORMS
@pytest.mark.parametrize("d", [4, 64])
def test_equals_the_closed_form_of_diagonal_gaussians(fid: Form, d: int) -> None:
    # |mu|^2 + sum (s - 1)^2, Dowson & Landau 1982 for commuting covariances
    rng = np.random.default_rng(1)
    mu, s = rng.normal(size=d), rng.uniform(0.2, 3, size=d)
    a = rows_with_moments(3 * d, mu, np.diag(s), seed=2)
    b = rows_with_moments(4 * d, np.zeros(d), np.eye(d), seed=3)
    assert fid(a, b) == pytest.approx(np.sum(mu**2) + np.sum((s - 1) ** 2), rel=1e-11)


@FORMS
def test_equals_the_nuclear_norm_form_of_covariances_that_do_not_commute(fid: Form) -> None:
    rng = np.random.default_rng(4)
    mu_a, mu_b = rng.normal(size=(2, 32))
    factor_a, factor_b = rng.normal(size=(2, 32, 32))
    a, b = rows_with_moments(200, mu_a, factor_a, seed=5), rows_with_moments(300, mu_b, factor_b, seed=6)
    assert fid(a, b) == pytest.approx(nuclear_norm_distance(mu_a, factor_a, mu_b, factor_b), rel=1e-10)


def _two_sets() -> tuple[Array, Array]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(150, 16)) @ rng.normal(size=(16, 16)), 0.5 + rng.normal(size=(200, 16))


@FORMS
def test_is_zero_for_equal_sets(fid: Form) -> None:
    a, _ = _two_sets()
    assert abs(fid(a, a)) < 1e-10


@FORMS
def test_is_nearly_zero_for_equal_sets_with_fewer_rows_than_columns(fid: Form) -> None:
    # A singular covariance: scipy's sqrtm gives NaN or complex numbers here (w86763777/pytorch-ddpm issue 17).
    a = np.random.default_rng(8).normal(size=(64, 128))
    assert abs(fid(a, a)) < 1e-3


@FORMS
def test_has_the_symmetries_of_a_distance_between_gaussians(fid: Form) -> None:
    a, b = _two_sets()
    rotation = np.linalg.qr(np.random.default_rng(9).normal(size=(16, 16)))[0]
    expected = fid(a, b)
    assert fid(b, a) == pytest.approx(expected, rel=1e-11)
    assert fid(a[::-1], b) == pytest.approx(expected, rel=1e-11)
    assert fid(a @ rotation, b @ rotation) == pytest.approx(expected, rel=1e-10)
    assert fid(3 * a, 3 * b) == pytest.approx(9 * expected, rel=1e-11)
    # E|x + d|: the mean moves by d, so |mu|^2 grows by |d|^2 + 2 d . (mu_a - mu_b), and nothing else does.
    shift = np.linspace(-1, 1, 16)
    grown = shift @ shift + 2 * shift @ (a.mean(axis=0) - b.mean(axis=0))
    assert fid(a + shift, b) == pytest.approx(expected + grown, rel=1e-10)


@FORMS
def test_a_common_offset_costs_no_digits(fid: Form) -> None:
    # torch-fidelity's float32 means are off by 7e-4 here; its rows must be float64 by the time it sees them.
    a, b = (rows.astype(np.float32).astype(np.float64) for rows in _two_sets())
    moved_a, moved_b = (a + 1000).astype(np.float32), (b + 1000).astype(np.float32)
    expected = by_symmetric_form(moved_a.astype(np.float64) - 1000, moved_b.astype(np.float64) - 1000)
    assert fid(moved_a, moved_b) == pytest.approx(expected, rel=1e-9)


def test_leaving_a_block_out_is_measuring_without_it() -> None:
    a, b = _two_sets()
    jackknife = fid_jackknife(a, feature_moments(b))
    assert len(jackknife.left_out) == 20
    for k, block in enumerate(np.array_split(np.arange(150), 20)):
        assert jackknife.left_out[k] == pytest.approx(by_torch_fidelity(np.delete(a, block, axis=0), b), rel=1e-10)


# N draws of a Gaussian of known distance to a known reference, REPEATS times.
N, D, REPEATS = 400, 16, 300
SCALES = np.linspace(0.5, 1.5, D)
REFERENCE = Moments(np.zeros(D), np.eye(D), symmetric_root(np.eye(D)), n=10**9)
TRUE = float(np.sum((SCALES - 1) ** 2))


def test_standard_error_is_the_spread_and_the_extrapolation_has_no_bias() -> None:
    rng = np.random.default_rng(10)
    found = [fid_jackknife(rng.normal(size=(N, D)) * SCALES, REFERENCE) for _ in range(REPEATS)]
    values = np.asarray([one.value for one in found])
    infinite = np.asarray([one.extrapolated for one in found])
    errors = np.asarray([one.standard_error for one in found])
    # The spread itself is known to 4 % from 300 repeats.
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.15)
    bias, left = values.mean() - TRUE, infinite.mean() - TRUE
    assert bias > 5 * values.std() / np.sqrt(REPEATS)
    assert abs(left) < 0.2 * bias
    covers = np.mean(np.abs(infinite - TRUE) < 1.96 * errors)
    assert 0.88 < covers < 0.98
    assert np.mean(np.abs(values - TRUE) < 1.96 * errors) < 0.6


def test_a_percentile_bootstrap_would_miss() -> None:
    # The method that everyone reaches for first: kept here so that nobody puts it in.
    rng = np.random.default_rng(11)
    rows = rng.normal(size=(N, D)) * SCALES
    resampled = [frechet_distance(feature_moments(rows[rng.integers(0, N, N)]), REFERENCE) for _ in range(200)]
    assert np.quantile(resampled, 0.025) > TRUE


@pytest.mark.slow
def test_shared_noise_shrinks_the_error_of_a_difference() -> None:
    rng = np.random.default_rng(12)
    differences, paired, unpaired = [], [], []
    for _ in range(REPEATS):
        noise, own = rng.normal(size=(2, N, D))
        a = fid_jackknife(noise * SCALES, REFERENCE)
        b = fid_jackknife((0.98 * noise + 0.02 * own) * (SCALES + 0.05), REFERENCE)
        differences.append(a.value - b.value)
        paired.append(difference(a, b).standard_error)
        unpaired.append(np.hypot(a.standard_error, b.standard_error))
    assert np.mean(paired) == pytest.approx(np.std(differences, ddof=1), rel=0.15)
    assert np.mean(unpaired) > 3 * np.mean(paired)
