"""How often a placebo arm, the baseline under another name, is called better or worse: once in twenty studies at most.

Whole reports of a real store are compared with scores replaced study by study; test_multiple.py judges many more
studies, and other distributions, by the rule alone. At interim analyses: test_interim.py.

The seed of simulated study k is k, from 0, and was never another: a list that had been picked could be made to pass.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sweep.reporting.frames.frames import StudyFrames, load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.statistics.multiple import joint_sign_flip_p
from sweep.statistics.paired import ALPHA
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import make_store

STUDIES, MANY = 200, 2000
ARM_SD = 0.15


@pytest.fixture(scope="module")
def frames_of(tmp_path_factory):
    """Frames of a real store with so many seeds and placebo arms; FIDs are replaced study by study."""
    made: dict[tuple[int, int], StudyFrames] = {}

    def make(seeds: int, arms: int) -> StudyFrames:
        if (seeds, arms) not in made:
            names = [ArmSpec("baseline", {})] + [ArmSpec(f"placebo {k}", {"lr": 1e-3 * (k + 1)}) for k in range(arms)]
            spec = StoreSpec(names, seeds=seeds, curves=False, grids=False)
            store = make_store(tmp_path_factory.mktemp("placebos"), spec)
            # The smallest effect that nobody would care for, so that `no difference` excuses nothing.
            frames = load_frames(store.engine, "digits")
            made[seeds, arms] = replace(frames, spec={**frames.spec, "smallest_effect": 1e-6})
            store.engine.dispose()
        return made[seeds, arms]

    return make


def called(frames: StudyFrames, study: int) -> np.ndarray:
    """Whether each placebo of simulated study k is called better or worse."""
    random, scores = np.random.default_rng(study), frames.scores
    seeds = random.normal(0, 0.5, size=100)
    drawn = 12 + seeds[scores["replicate"]] + random.normal(0, ARM_SD, size=len(scores))
    arms = compare_arms(replace(frames, scores=scores.assign(value=drawn))).compared
    return arms["verdict"].isin(["better", "worse"]).to_numpy()


@pytest.mark.parametrize(("seeds", "arms"), [(3, 3), (5, 3), (8, 3)])
def test_a_placebo_is_called_in_at_most_5_percent_of_200_studies(frames_of, seeds, arms):
    """Not one of three in more than ten of the 200, nor any of them."""
    wrong = np.array([called(frames_of(seeds, arms), study) for study in range(STUDIES)])
    assert wrong.any(axis=1).sum() <= 10


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "arms"), [(3, 1), (5, 3)])
def test_so_it_is_in_two_thousand(frames_of, seeds, arms):
    """With one arm the rate is 5 %, and no less: so many are the most in a thousand such simulations."""
    wrong = [called(frames_of(seeds, arms), study).any() for study in range(MANY)]
    assert sum(wrong) <= stats.binom.ppf(0.999, MANY, ALPHA)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(0.01, 100.0), min_size=7, max_size=9))
def test_no_magnitudes_fool_joint_sign_flips(sizes):
    """Either sign of a placebo's difference is as likely as the other. All 2^n signs of any sizes, judged."""
    n = len(sizes)
    p = [joint_sign_flip_p(np.array([sizes]) * signs)[0] for signs in product((-1.0, 1.0), repeat=n)]
    assert np.sum(np.array(p) < ALPHA) <= ALPHA * 2**n
