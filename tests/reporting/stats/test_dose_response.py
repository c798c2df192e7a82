"""A numeric factor is answered by a curve: its trend, and the levels that may be the best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sweep.reporting.frames.frames import load_frames
from sweep.reporting.render.notebook import build_notebook
from sweep.reporting.sections import dose_response
from sweep.reporting.sections.answer import answer
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.dose_response import dose_responses
from sweep.reporting.stats.power import detectable_effect
from tests.helpers.designed_stores import CHAIN, THREE, designed_store

LEVELS = np.array([100, 200, 250, 500, 1000])
SEEDS, STUDIES, ARM_SD = 4, 120, 0.15
ONE = {"kind": "one_at_a_time"}


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    store = designed_store(tmp_path_factory.mktemp("chain"), ONE, factors=CHAIN, seeds=SEEDS)
    read = load_frames(store.engine, "digits")
    store.engine.dispose()
    return replace(read, spec={**read.spec, "smallest_effect": 1e-6})


def drawn(frames, random, mean_at):
    """One study: the mean FID at each level, shared seeds and own noise, as ratios."""
    scores = frames.scores
    level = scores["arm"].map(lambda arm: 250 if arm == "baseline" else int(arm.removeprefix("T=")))
    shared = random.normal(0, 0.04, size=100)[scores["replicate"]]
    own = random.normal(0, ARM_SD / 12, size=len(scores))
    return replace(frames, scores=scores.assign(value=np.array([mean_at(x) for x in level]) * np.exp(shared + own)))


def response(frames):
    (found,) = dose_responses(frames, compare_arms(frames))
    return found


def test_levels_with_a_unit_are_numbers(tmp_path):
    """The levels `4k` and `16k` of a budget of images were words, and the curve was not drawn."""
    factors = {"images": {"role": "scientific", "levels": ["4k", "16k"]}}
    store = designed_store(tmp_path, ONE, factors=factors, effects={"images=4k": 2.0, "images=16k": 0.9}, seeds=4)
    study = store.study()
    (response,) = study.dose_responses
    assert response.points["level"].tolist() == [4_000, 16_000, response.baseline]
    assert "dose_response" in "".join(cell.source for cell in build_notebook(study.frames.study_ref, as_of=None).cells)
    # The curve is the whole answer: that no single level beats the baseline was said first, and the verdict was theirs.
    result = answer(study)
    assert "No arm of" not in result.sentence
    assert (result.word, result.row["difference"]) == ("better", response.trend["difference"])


def test_a_planted_curve_is_told_in_words_and_drawn_with_the_baseline_in_it(tmp_path):
    effects = {"T=100": 2.0, "T=200": 0.9, "T=500": -0.8, "T=1000": -0.8}
    store = designed_store(tmp_path, ONE, factors=CHAIN, effects=effects, seeds=6)
    study = store.study()
    (found,) = study.dose_responses
    assert found.points["level"].tolist() == [100, 200, 250, 500, 1000]
    assert set(found.not_worse) == {500, 1000}
    assert found.trend["verdict"] == "better"
    said = answer(study).sentence
    assert said.startswith("Each doubling of T from 100 to 1000 lowers FCD")
    assert "The best of 5 levels is T = " in said
    (figure,) = dose_response(study)
    assert "each thin line is one seed" in figure.caption
    assert "## Dose and response" in [cell.source for cell in build_notebook(study.frames.study_ref, as_of=None).cells]
    store.engine.dispose()


def test_the_trend_is_the_least_squares_slope_of_each_seed(frames):
    study = drawn(frames, np.random.default_rng(1), lambda level: 12.0 * level**-0.1)
    values = study.scores[study.scores["is_primary"] & (study.scores["metric"] == "fid")].drop_duplicates("cell_id")
    level = values["arm"].map(lambda arm: 250 if arm == "baseline" else int(arm.removeprefix("T=")))
    slopes = [
        stats.linregress(np.log2(level[seed.index].astype(float)), np.log(seed["value"])).slope
        for _, seed in values.groupby("replicate")
    ]
    assert response(study).trend["share"] == pytest.approx(np.expm1(np.mean(slopes)))


def test_studies_without_a_numeric_factor_have_no_curve(tmp_path):
    store = designed_store(tmp_path, ONE, factors=THREE, seeds=3)
    study = store.study()
    assert study.dose_responses == []
    assert "## Dose and response" not in [c.source for c in build_notebook(study.frames.study_ref, as_of=None).cells]
    store.engine.dispose()


@pytest.mark.slow
def test_a_flat_curve_has_a_trend_in_at_most_one_study_of_twenty(frames):
    random = np.random.default_rng(5)
    wrong = sum(
        response(drawn(frames, random, lambda _: 12.0)).trend["verdict"] in ("better", "worse") for _ in range(STUDIES)
    )
    assert wrong <= stats.binom.ppf(0.999, STUDIES, 0.05)


@pytest.mark.slow
def test_a_planted_trend_is_found_at_the_promised_rate(frames):
    """The slope over doublings of five levels: its noise is that of a score over the spread of the levels."""
    doublings = np.log2(LEVELS)
    of_a_score = (((doublings - doublings.mean()) ** 2).sum()) ** -0.5
    slope = detectable_effect(ARM_SD / 12 * of_a_score, SEEDS)
    random = np.random.default_rng(7)
    found = [
        response(drawn(frames, random, lambda level: 12.0 * np.exp(-slope * np.log2(level / 250)))).trend["verdict"]
        for _ in range(STUDIES)
    ]
    assert found.count("better") >= stats.binom.ppf(0.001, STUDIES, 0.8)
    assert "worse" not in found


@pytest.mark.slow
def test_the_best_level_is_among_those_not_shown_to_be_worse_and_bad_ones_are_not(frames):
    """An optimum at 250: the levels beside it are close, the ends are far off."""
    random = np.random.default_rng(6)
    missed = ends = 0
    for _ in range(STUDIES):
        found = response(drawn(frames, random, lambda level: 12.0 * (1 + 0.02 * np.log2(level / 250) ** 2)))
        missed += 250 not in found.not_worse
        ends += 1000 in found.not_worse
    assert missed <= stats.binom.ppf(0.999, STUDIES, 0.05)
    assert ends <= 0.2 * STUDIES
