"""Interim analyses: boundaries against published tables and a multivariate normal, and studies that are read early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from sweep.config.study import Study
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.interim import current_interim_analysis
from sweep.reporting.text.warnings import warnings_of
from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.multiple import compare_family
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import make_store
from tests.reporting.stats.simulated_families import differences, rejected, statistics

# Jennison & Turnbull 2000, tables 2.1 and 2.3, alpha = 0.05
POCOCK = {1: 1.960, 2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555}
OBRIEN_FLEMING = {1: 1.960, 2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087}
SHAPES_OF_PLANS = ["pocock", "obrien_fleming"]
STUDIES = 200


def plan(*seeds: int, shape: str = "obrien_fleming") -> AlphaSpending:
    return AlphaSpending(seeds=seeds, shape=shape)


def bounds(of: AlphaSpending) -> np.ndarray:
    return stats.norm.isf(of.levels() / 2)


@pytest.mark.parametrize("analyses", POCOCK)
def test_published_constants_are_the_limit_of_many_seeds(analyses):
    equal = tuple(5000 * k for k in range(1, analyses + 1))
    assert bounds(plan(*equal, shape="pocock")) == pytest.approx(POCOCK[analyses], abs=0.01)
    found = bounds(plan(*equal))
    assert found[-1] == pytest.approx(OBRIEN_FLEMING[analyses], abs=0.01)
    assert found[0] == pytest.approx(found[-1] * analyses**0.5)


def test_peeking_at_005_is_wrong_far_more_often():
    """Armitage, McPherson & Rowe 1969, table 2: 0.142 at five analyses; with few seeds, more."""
    many, few = (plan(*(n * k for k in range(1, 6)), shape="pocock") for n in (5000, 3))
    assert many.adjusted(0.05, 0) == pytest.approx(0.142, abs=0.002)
    assert few.adjusted(0.05, 0) > 0.15


@pytest.mark.parametrize("seeds", [(3, 5, 12), (4, 12), (3, 20, 21)])
def test_unequal_analyses_are_those_of_the_multivariate_normal(seeds):
    """corr(Z_i, Z_j) = sqrt(n_i / n_j); scipy integrates the box by another method."""
    limit = bounds(plan(*(1000 * n for n in seeds)))
    n = np.array(seeds)
    correlation = np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
    inside = stats.multivariate_normal(cov=correlation).cdf(limit, lower_limit=-limit, rng=np.random.default_rng(0))
    assert 1 - inside == pytest.approx(0.05, abs=0.0015)


@pytest.mark.parametrize("seeds", [(4, 8, 12), (3, 4, 5, 6)])
@pytest.mark.parametrize("shape", SHAPES_OF_PLANS)
def test_t_tests_of_few_seeds_keep_to_005_where_published_levels_do_not(seeds, shape):
    """Every seed drawn by itself, p by scipy."""
    drawn = np.random.default_rng(11).standard_normal((100_000, seeds[-1]))
    p = np.array([stats.ttest_1samp(drawn[:, :n], 0, axis=1).pvalue for n in seeds])
    error = 4 * (0.05 * 0.95 / len(drawn)) ** 0.5
    assert (plan(*seeds, shape=shape).levels() > p.T).any(1).mean() == pytest.approx(0.05, abs=error)
    known_variance = plan(*(5000 * n for n in seeds), shape=shape).levels()
    assert (known_variance > p.T).any(1).mean() > 0.0515


@pytest.mark.parametrize("shape", SHAPES_OF_PLANS)
def test_p_at_the_boundary_is_adjusted_to_alpha(shape):
    for analysis, level in enumerate(plan(4, 8, 12, shape=shape).levels()):
        assert plan(4, 8, 12, shape=shape).adjusted(level, analysis) == pytest.approx(0.05, abs=1e-5)
    assert plan(4, 8, 12).adjusted(1.0, 1) == 1.0
    assert plan(4, 8, 12).adjusted(1e-30, 0) < 1e-5
    assert np.isnan(plan(4, 8, 12).adjusted(np.nan, 0))


@pytest.mark.parametrize(("at", "told"), [([4, 8], "last seed, 9"), ([2, 9], "from 3"), ([9, 4, 9], "rising")])
def test_interim_analyses_that_do_not_rise_to_the_seeds_are_refused(at, told):
    with pytest.raises(ValidationError, match=told):
        Study.model_validate({"name": "s", "question": "?", "seeds": 9, "interim_analyses": {"at": at}})


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Frames of a study of two placebo arms, twelve seeds and three interim analyses."""
    arms = [ArmSpec("baseline", {}), ArmSpec("a", {"lr": 1e-3}), ArmSpec("b", {"lr": 2e-3})]
    store = make_store(tmp_path_factory.mktemp("interim"), StoreSpec(arms, seeds=12, curves=False, grids=False))
    frames = load_frames(store.engine, "digits")
    store.engine.dispose()
    return replace(frames, spec={**frames.spec, "smallest_effect": 1e-6, "interim_analyses": declared()})


def declared(shape: str = "obrien_fleming") -> dict[str, object]:
    return {"at": [4, 8, 12], "shape": shape}


def until(frames, seeds: int):
    """The study when so many seeds of every arm are done."""
    cells = frames.cells.copy()
    cells.loc[cells["replicate"] >= seeds, "status"] = "missing"
    return replace(frames, cells=cells, scores=frames.scores[frames.scores["replicate"] < seeds])


def test_only_interim_analyses_change_a_verdict(planned):
    told = {seeds: compare_arms(until(planned, seeds)) for seeds in range(1, 13)}
    assert [told[n].analysis.number for n in told] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert set(told[3].compared["why"]) == {"the first interim analysis is after 4 seeds"}
    assert told[3].compared["p_adjusted"].isna().all()
    for earlier, later in ((4, 7), (8, 11)):
        assert told[earlier].arms.equals(told[later].arms)
    assert not told[7].arms.equals(told[8].arms)
    assert "interim analysis 2 of 3" in warnings_of(until(planned, 11))[-1]
    assert current_interim_analysis(replace(planned, spec={})) is None


def test_intervals_are_those_of_the_level_of_the_analysis(planned):
    comparison = compare_arms(until(planned, 8))
    logs = np.log(comparison.pairs["value"] / comparison.pairs["baseline"])
    family = compare_family(
        [each.to_numpy() for _, each in logs.groupby(comparison.pairs["arm_id"])],
        alpha=float(plan(4, 8, 12).levels()[1]),
    )
    assert comparison.compared["high"].to_numpy() == pytest.approx(comparison.baseline_mean * np.expm1(family.high))
    assert comparison.compared["low"].to_numpy() == pytest.approx(comparison.baseline_mean * np.expm1(family.low))


@pytest.mark.parametrize("shape", SHAPES_OF_PLANS)
@pytest.mark.parametrize("arms", [2, 4, 10])
def test_several_arms_keep_to_the_levels_of_one(shape, arms):
    """Any placebo called different at any analysis; half of four arms x3, read after 3, 4, 5 and 6 seeds: 8 %."""
    paired, called = differences(np.random.default_rng(9), "equal", studies=2000, arms=arms, seeds=12), 0
    for seeds, level in zip((4, 8, 12), plan(4, 8, 12, shape=shape).levels(), strict=True):
        called |= rejected(*statistics(paired[:, :, :seeds]), alpha=float(level)).any(1)
    assert np.sum(called) <= stats.binom.ppf(0.999, 2000, 0.05)


@pytest.mark.slow
def test_a_planned_reader_is_seldom_wrong_and_a_peeking_one_often(planned):
    """Two placebo arms, read at all three interim analyses: any arm better or worse at any of them counts as wrong."""
    random = np.random.default_rng(3)
    wrong = peeked = 0
    for _ in range(STUDIES):
        scores = planned.scores.copy()
        shared = random.normal(0, 0.5, size=12)
        scores["value"] = 12 + shared[scores["replicate"]] + random.normal(0, 0.15, size=len(scores))
        drawn = replace(planned, scores=scores, spec={**planned.spec, "interim_analyses": declared("pocock")})
        unplanned = replace(drawn, spec={**planned.spec, "interim_analyses": None})
        wrong += any(decided(until(drawn, seeds)) for seeds in (4, 8, 12))
        peeked += any(decided(until(unplanned, seeds)) for seeds in (4, 8, 12))
    most = stats.binom.ppf(0.999, STUDIES, 0.05)
    assert wrong <= most
    assert peeked > wrong


def decided(frames) -> bool:
    return bool(compare_arms(frames).arms["verdict"].isin(["better", "worse"]).any())
