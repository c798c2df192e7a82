from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_fidelity

from sweep.errors import ProtocolError, UnknownName
from sweep.scoring.fidelity import calculate
from tests.helpers.known_moments import Array


@pytest.fixture
def two() -> tuple[Array, Array]:
    """A cloud, and one of a tenth of its width inside it."""
    rng = np.random.default_rng(0)
    return 0.1 * rng.normal(size=(120, 3)), rng.normal(size=(120, 3))


def test_torch_fidelity_is_the_version_whose_precision_and_recall_are_not_swapped() -> None:
    assert torch_fidelity.__version__ == "0.4.0"


def test_swapping_the_sides_swaps_precision_and_recall_and_leaves_fid(two: tuple[Array, Array]) -> None:
    narrow, wide = two
    settings = {"fid": True, "prc": True}
    one, other = calculate(narrow, wide, settings=settings), calculate(wide, narrow, settings=settings)
    assert one["frechet_inception_distance"] == pytest.approx(other["frechet_inception_distance"], rel=1e-12)
    assert one["precision"] == pytest.approx(other["recall"])
    # Generated images in the middle of the real ones: all plausible, few of the real ones reached.
    assert one["precision"] > 0.95
    assert one["recall"] < 0.2


@pytest.mark.parametrize("setting", ["batchsize", "kid_subset_sizes", "feature_extractor_name"])
def test_refuses_settings_that_torch_fidelity_would_ignore(two: tuple[Array, Array], setting: str) -> None:
    with pytest.raises(UnknownName, match=setting):
        calculate(*two, settings={"fid": True, setting: 2})


def test_settings_arrive(two: tuple[Array, Array]) -> None:
    few = calculate(*two, settings={"kid": True, "kid_subsets": 3, "kid_subset_size": 50})
    many = calculate(*two, settings={"kid": True, "kid_subsets": 100, "kid_subset_size": 50})
    assert few["kernel_inception_distance_mean"] != many["kernel_inception_distance_mean"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (np.full((5, 3), np.nan), "not finite"),
        (np.array([[0.0, 1.0], [np.inf, 0.0], [1.0, 1.0]]), "1 of 3 rows are not finite, the first is 1"),
        (np.zeros((1, 3)), "shape"),
        (np.zeros((5, 1)), "shape"),
        (np.zeros((5, 3, 1, 1)), "shape"),
        (np.zeros((5, 3), dtype=np.int64), "int64"),
        (np.zeros((5, 3), dtype=np.float16), "float16"),
    ],
)
def test_refuses_rows_without_moments_on_either_side(rows: Array, reason: str) -> None:
    good = np.random.default_rng(0).normal(size=(9, 3))
    for pair in ((rows, good), (good, rows)):
        with pytest.raises(ProtocolError, match=reason):
            calculate(*pair, settings={"fid": True})


def test_refuses_sides_of_different_dimensions(two: tuple[Array, Array]) -> None:
    with pytest.raises(ProtocolError, match="2 and 3 dimensions"):
        calculate(two[0][:, :2], two[1], settings={"fid": True})


def test_leaves_the_random_streams_alone_and_says_nothing(
    two: tuple[Array, Array], capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    before, before_numpy = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()
    settings = {"fid": True, "kid": True, "kid_subset_size": 50, "prc": True}
    calculate(*two, settings=settings)
    calculate(two[0], settings={"isc": True})
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before_numpy)
    assert capfd.readouterr() == ("", "")


def test_keeps_nothing_between_calls(two: tuple[Array, Array]) -> None:
    # A cache under an equal name would give the first number again.
    narrow, wide = two
    first = calculate(narrow, wide, settings={"fid": True})
    second = calculate(narrow + 1, wide, settings={"fid": True})
    assert second["frechet_inception_distance"] > 1 + first["frechet_inception_distance"]
