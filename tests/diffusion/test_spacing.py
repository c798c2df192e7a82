from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.diffusion.spacing import SPACINGS, sampling_indices
from sweep.errors import InfeasibleConfig, UsageError


@settings(max_examples=200)
@given(st.sampled_from(sorted(SPACINGS)), st.integers(1, 4000), st.data())
def test_every_list_descends_within_the_chain(spacing: str, T: int, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, T))
    try:
        indices = sampling_indices(spacing, T, steps)
    except InfeasibleConfig as error:
        refused = error.what
    else:
        refused = ""
    if refused:  # only a list that holds nothing but t = 1
        assert "t = 1 only" in refused
        assert spacing != "trailing"
        return
    assert indices.dtype == np.int64
    assert (np.diff(indices) < 0).all()
    assert indices[-1] >= 0
    assert indices[0] <= T - 1
    assert len(indices) == steps or spacing == "quadratic"
    assert spacing not in ("trailing", "linspace") or indices[0] == T - 1
    assert spacing == "trailing" or indices[-1] == 0 or steps == 1
    # Even spacing: no gap beyond the next whole number above T / K.
    assert spacing == "quadratic" or np.abs(np.diff(indices)).max(initial=0) <= np.ceil(T / max(steps - 1, 1))


@settings(max_examples=40)
@given(st.sampled_from(["leading", "linspace", "trailing"]), st.integers(1, 4000))
def test_all_steps_are_all_indices(spacing: str, T: int) -> None:
    assert np.array_equal(sampling_indices(spacing, T, T), np.arange(T)[::-1])


# Source: diffusers 0.42.1 DDPMScheduler(timestep_spacing=...).set_timesteps(10).timesteps, T = 1000
@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        ("leading", [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]),
        ("linspace", [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]),
        ("trailing", [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]),
    ],
)
def test_golden(spacing: str, expected: list[int]) -> None:
    assert sampling_indices(spacing, 1000, 10).tolist() == expected


# Source: ermongroup/ddim e8df66c runs int(linspace(0, sqrt(0.8 T), S)^2): starts at 800; 1 repeat of S = 50, 4 of 100
@pytest.mark.parametrize(("steps", "kept"), [(50, 49), (100, 96)])
def test_quadratic_drops_its_repeats(steps: int, kept: int) -> None:
    indices = sampling_indices("quadratic", 1000, steps)
    assert len(indices) == kept
    assert indices[0] == 800
    song = {int(s) for s in np.linspace(0, np.sqrt(1000 * 0.8), steps) ** 2}
    assert set(indices.tolist()) == song


def test_leading_reaches_up_where_an_integer_stride_does_not() -> None:
    assert sampling_indices("leading", 1000, 600)[0] == 998
    wrong = (np.arange(600) * (1000 // 600))[::-1]  # diffusers' stride
    assert wrong[0] == 599


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [0, -1, 101])
def test_steps_out_of_range(spacing: str, steps: int) -> None:
    with pytest.raises(InfeasibleConfig, match=f"{steps} sampling steps of a chain with T = 100"):
        sampling_indices(spacing, 100, steps)


@pytest.mark.parametrize("spacing", ["leading", "linspace", "quadratic"])
def test_one_step_from_the_clean_end_is_refused(spacing: str) -> None:
    with pytest.raises(InfeasibleConfig, match="t = 1 only") as refused:
        sampling_indices(spacing, 1000, 1)
    assert "trailing" in refused.value.next
    assert sampling_indices("trailing", 1000, 1).tolist() == [999]
    assert sampling_indices(spacing, 1, 1).tolist() == [0]


def test_unknown_spacing() -> None:
    with pytest.raises(UsageError, match="No spacing `uniform`"):
        sampling_indices("uniform", 10, 5)
