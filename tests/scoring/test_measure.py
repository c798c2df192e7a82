from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range, to_uint8
from sweep.errors import ProtocolError
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.features import Features
from sweep.scoring.frechet import feature_moments, frechet_distance
from sweep.scoring.jackknife import difference
from sweep.scoring.kernel import mean_of_pairs
from sweep.scoring.measure import Measurements, density_and_coverage, measure_distances
from sweep.scoring.reference import Reference, held_out_images, uniform_noise


def measured(images: torch.Tensor, evaluator: Evaluator) -> Measurements:
    return measure_distances(evaluator.extractor.extract(images), evaluator.reference, n=len(images))


@pytest.fixture(scope="module")
def real(digits: Dataset) -> torch.Tensor:
    """500 images that are not in the reference."""
    return held_out_images(digits, "train")[:500]


@pytest.fixture(scope="module")
def of_real(real: torch.Tensor, evaluator: Evaluator) -> Measurements:
    return measured(real, evaluator)


def noisy(images: torch.Tensor, sd: float) -> torch.Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return to_model_range(images) + sd * noise


def test_real_images_are_at_the_floor_and_noise_at_the_ceiling(of_real: Measurements, evaluator: Evaluator) -> None:
    assert of_real.fid == pytest.approx(evaluator.bounds.floor, rel=1e-4)
    assert of_real.precision > 0.8
    assert of_real.coverage > 0.8
    noise = measured(uniform_noise((500, 1, 8, 8)), evaluator)
    assert noise.fid == pytest.approx(evaluator.bounds.ceiling, rel=1e-4)
    assert noise.fid > 20 * of_real.fid
    assert noise.precision < 0.05


def test_every_distance_grows_with_corruption(real: torch.Tensor, of_real: Measurements, evaluator: Evaluator) -> None:
    levels = [of_real, *(measured(to_uint8(noisy(real, sd)), evaluator) for sd in (0.2, 0.4, 0.8))]
    for name in ("fid", "kid"):
        values = [getattr(level, name) for level in levels]
        assert values == sorted(values)
        assert len(set(values)) == len(values)
    for name in ("precision", "density", "coverage", "inception_score"):
        values = [getattr(level, name) for level in levels]
        assert values[0] > values[-1]


def test_paired_error_of_two_corruptions_of_the_same_images_is_the_smaller(
    real: torch.Tensor, evaluator: Evaluator
) -> None:
    a, b = (measured(to_uint8(noisy(real, sd)), evaluator) for sd in (0.3, 0.35))
    apart = difference(b.fid_jackknife, a.fid_jackknife)
    assert apart.standard_error < 0.6 * np.hypot(a.fid_se, b.fid_se)
    assert apart.value > 3 * apart.standard_error


def test_one_image_repeated_has_precision_and_no_recall(real: torch.Tensor, evaluator: Evaluator) -> None:
    one = measured(real[:1].repeat(500, 1, 1, 1), evaluator)
    assert one.precision in (0.0, 1.0)
    assert one.recall < 0.02
    assert one.coverage < 0.05


def test_a_conversion_that_wraps_around_is_seen(real: torch.Tensor, evaluator: Evaluator) -> None:
    # The bug: (x + 1) * 127.5 cast to uint8 without a clamp turns white into black.
    x = noisy(real, 0.1)
    wrapped = ((x + 1) * 127.5).to(torch.int64).to(torch.uint8)
    assert measured(wrapped, evaluator).fid > 5 * measured(to_uint8(x), evaluator).fid


def test_n_decides_whether_there_is_an_extrapolation() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    reference = Reference(
        images_sha256="r", extractor_sha256="e", rows=rows, moments=feature_moments(rows), pairs=mean_of_pairs(rows)
    )
    for n, there in ((31, False), (32, True)):  # 8 * 4 = 32
        features = Features(penultimate=rows[:n] + 1, logits=rows[:n], extractor="x", extractor_sha256="e")
        assert (measure_distances(features, reference, n=n).fid_infinity is not None) == there


def test_the_bias_of_fid_is_c_over_n(evaluator: Evaluator) -> None:
    # Chong & Forsyth 2020: for one distribution (here drawn with replacement), FID_N * N does not depend on N.
    rng, rows = np.random.default_rng(0), evaluator.reference.rows
    products = []
    for n in (250, 1000, 4000):
        draws = [feature_moments(rows[rng.integers(0, len(rows), n)]) for _ in range(8)]
        products.append(n * np.mean([frechet_distance(one, evaluator.reference.moments) for one in draws]))
    assert products == pytest.approx([np.mean(products)] * 3, rel=0.2)


def test_says_what_it_was_measured_with(of_real: Measurements, evaluator: Evaluator) -> None:
    protocol = evaluator.protocol
    assert (of_real.n, of_real.extractor) == (500, protocol.extractor)
    assert of_real.extractor_sha256 == protocol.extractor_sha256
    assert of_real.reference_sha256 == protocol.reference_sha256


def test_refuses_another_number_of_images(real: torch.Tensor, evaluator: Evaluator) -> None:
    with pytest.raises(ProtocolError, match="499 images where the protocol asks for 500"):
        measure_distances(evaluator.extractor.extract(real[:499]), evaluator.reference, n=500)


def test_refuses_the_reference_of_another_extractor(real: torch.Tensor, evaluator: Evaluator) -> None:
    other = dataclasses.replace(evaluator.reference, extractor_sha256="0" * 64)
    with pytest.raises(ProtocolError, match="another extractor"):
        measure_distances(evaluator.extractor.extract(real), other, n=500)


def test_refuses_features_that_are_not_finite(real: torch.Tensor, evaluator: Evaluator) -> None:
    features = evaluator.extractor.extract(real)
    for name in ("penultimate", "logits"):
        rows = getattr(features, name).copy()
        rows[7, 0] = np.nan
        with pytest.raises(ProtocolError, match="the first is 7"):
            measure_distances(dataclasses.replace(features, **{name: rows}), evaluator.reference, n=500)


def test_refuses_when_two_forms_of_the_distance_disagree(real: torch.Tensor, evaluator: Evaluator) -> None:
    # A root that is not the root of the reference's covariance: one of the two numbers is wrong.
    reference = evaluator.reference
    wrong = dataclasses.replace(reference, moments=dataclasses.replace(reference.moments, root=np.eye(64)))
    with pytest.raises(ProtocolError, match="disagree"):
        measure_distances(evaluator.extractor.extract(real), wrong, n=500)


def test_density_and_coverage_of_equal_distributions_are_what_the_paper_derives() -> None:
    # Naeem et al. 2020: E[density] = 1 (sec. 3.2); E[coverage] = 1 - prod_{j=1..k} (N - j) / (M + N - j) (appendix).
    rng = np.random.default_rng(0)
    n, m, k = 400, 300, 5
    found = [density_and_coverage(rng.normal(size=(m, 6)), rng.normal(size=(n, 6)), neighbours=k) for _ in range(30)]
    density, coverage = np.mean(found, axis=0)
    expected = 1 - np.prod([(n - j) / (m + n - j) for j in range(1, k + 1)])
    assert density == pytest.approx(1, abs=0.03)
    assert coverage == pytest.approx(expected, abs=0.01)


def test_density_and_coverage_are_those_of_brute_force() -> None:
    # Naeem et al. 2020, eq. 4 and 5, pair by pair: balls around real images, of the distance to their k-th neighbour.
    rng = np.random.default_rng(1)
    real, fake, k = rng.normal(size=(60, 4)), rng.normal(0.4, 1.2, size=(45, 4)), 3
    radii = [sorted(float(np.linalg.norm(a - b)) for b in real)[k] for a in real]  # the nearest is itself
    inside = np.array([[np.linalg.norm(y - x) < radius for y in fake] for x, radius in zip(real, radii, strict=True)])
    density, coverage = density_and_coverage(fake, real, neighbours=k)
    assert density == pytest.approx(inside.sum() / (k * len(fake)))
    assert coverage == pytest.approx(inside.any(axis=1).mean())
    # The wrong way: balls around samples, which is recall's side.
    swapped, _ = density_and_coverage(real, fake, neighbours=k)
    assert swapped != pytest.approx(density, rel=0.01)
