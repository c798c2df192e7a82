"""What reports say of each score: its name, which way is better, what it is made of."""

from __future__ import annotations

import inspect

import pytest

from sweep.errors import StoreMismatch
from sweep.reporting.metrics import CLASSIFIER, direction_of, label_of, lower_is_better
from sweep.scoring import extra_metrics
from sweep.scoring.extra_metrics import EXTRA_METRICS
from sweep.scoring.metrics import METRICS, USUAL_METRICS, Direction

PROTOCOL = {"extractor": "classifier", "extractor_sha256": "ab" * 32, "n": 1000}
FURTHER_NAMES = {
    "bits_per_dim": ("bits_per_dim", "bits_per_dim_reconstruction", "bits_per_dim_kl", "bits_per_dim_prior"),
    "fid_test": ("fid_test",),
    "neighbours": ("neighbour_distance", "neighbour_ratio"),
    "partial_noising": ("noised_s300_mse", "noised_s300_features"),
}


def test_every_score_that_is_made_has_a_stated_direction() -> None:
    assert set(FURTHER_NAMES) == set(EXTRA_METRICS)
    for name in (*USUAL_METRICS, *(name for names in FURTHER_NAMES.values() for name in names)):
        assert isinstance(direction_of(name), Direction)
    stems = {name.removeprefix("bits_per_dim_") for name in METRICS} - set(USUAL_METRICS)
    assert all(stem in inspect.getsource(extra_metrics) for stem in stems)  # none is left of a score that went


def test_a_ratio_of_neighbours_is_best_at_one_and_decides_nothing() -> None:
    assert direction_of("neighbour_ratio") == Direction.NEAR_ONE
    assert direction_of("neighbour_distance") == direction_of("noised_s5_mse") == Direction.NEITHER
    with pytest.raises(StoreMismatch, match="allows no verdict"):
        lower_is_better("neighbour_ratio")


@pytest.mark.parametrize("name", ["vendi", "noised_s300_psnr", "FID", ""])
def test_a_score_without_a_stated_direction_is_an_error(name: str) -> None:
    for said in (direction_of, lower_is_better, lambda name: label_of(name, PROTOCOL)):
        with pytest.raises(StoreMismatch, match="does not know the score"):
            said(name)


def test_only_scores_of_features_are_called_so() -> None:
    assert label_of("kid", PROTOCOL) == "KID" + CLASSIFIER
    assert label_of("noised_s300_features", PROTOCOL).endswith(CLASSIFIER)
    for name in ("bits_per_dim", "bits_per_dim_kl", "neighbour_ratio", "neighbour_distance", "noised_s300_mse"):
        assert CLASSIFIER not in label_of(name, PROTOCOL)
    assert label_of("fid_test", PROTOCOL) == "FCD-abababab@1000 to the test split"
    assert label_of("fid_test", PROTOCOL | {"extractor": "inception"}) == "FID@1000 to the test split"
