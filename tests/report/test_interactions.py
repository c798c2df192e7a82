"""Interactions of factorials: against statsmodels, and over many simulated studies of the real report code."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from sweep.report import sections
from sweep.report.blocks import Table
from sweep.report.comparison import primary_values
from sweep.report.frames import load_study
from sweep.report.interactions import interactions, levels_of_arms
from sweep.report.power import detectable_effect
from tests.report.conftest import make_store
from tests.report.stores import ArmSpec, StoreSpec

STUDIES = 200
ARM_SD = 0.15
SEEDS = 10
LEVELS = {
    "schedule": {"cosine": {"schedule": "cosine"}},
    "loss": {"clipped": {"weighting": "vlb", "weight_clip": [0.0, 1.0]}},
    "lr": {"0.002": {"lr": 0.002}},
}
FACTORS = {
    "schedule": {"role": "scientific", "levels": ["cosine"]},
    "loss": {"role": "scientific", "levels": {"clipped": {"weighting": "vlb", "weight_clip": [0, 1]}}},
    "lr": {"role": "scientific", "levels": [0.002]},
}


def corners() -> list[dict[str, str]]:
    """All combinations of the three factors; a factor left out is at the baseline."""
    chosen = [[{}, {name: level}] for name, levels in LEVELS.items() for level in levels]
    return [{k: v for each in combination for k, v in each.items()} for combination in product(*chosen)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    arms = []
    for corner in corners():
        changes = {k: v for name, level in corner.items() for k, v in LEVELS[name][level].items()}
        arms.append(ArmSpec(" + ".join(f"{f}={level}" for f, level in corner.items()) or "baseline", changes))
    spec = StoreSpec(arms, seeds=SEEDS, design={"kind": "factorial"}, factors=FACTORS, curves=False, grids=False)
    made = make_store(tmp_path_factory.mktemp("factorial"), spec)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def frames(store):
    return load_study(store.engine, "digits")


def switched(frames, scores) -> dict[str, np.ndarray]:
    """Factor -> whether it is at its named level, of each score."""
    placed = levels_of_arms(frames).set_index("arm_id").loc[scores["arm_id"]]
    return {name: (placed[name] != "baseline").to_numpy() for name in LEVELS}


def drawn(frames, random, planted: float):
    """One study: shared seeds, main effects of every factor, and schedule x lr alone interacting."""
    scores = frames.scores
    on = switched(frames, scores)
    effects = -1.0 * on["schedule"] + 0.6 * on["loss"] + 0.3 * on["lr"] + planted * (on["schedule"] & on["lr"])
    shared = random.normal(0, 0.5, size=SEEDS)
    own = random.normal(0, ARM_SD, size=len(scores))
    return replace(frames, scores=scores.assign(value=12 + effects + shared[scores["replicate"]] + own))


def test_a_level_that_sets_several_fields_is_one_level(frames):
    placed = levels_of_arms(frames).set_index("arm_id").apply(tuple, axis=1)
    assert list(levels_of_arms(frames).columns) == ["arm_id", "schedule", "loss", "lr"]
    assert len(set(placed)) == 8
    assert ("cosine", "clipped", "0.002") in set(placed)


def test_means_are_the_interactions_of_a_linear_model(frames):
    """statsmodels on factors coded -1/2 and 1/2, so that a coefficient is averaged over the other factors; seeds are
    blocks."""
    study = drawn(frames, np.random.default_rng(0), planted=-0.7)
    long = primary_values(study, "fid")
    coded = {name: np.where(on, 0.5, -0.5) for name, on in switched(study, long).items()}
    model = ols("value ~ schedule * loss * lr + C(replicate)", long.assign(**coded)).fit()
    found = interactions(study).set_index(["first", "second"])["mean"]
    assert found["schedule=cosine", "loss=clipped"] == pytest.approx(model.params["schedule:loss"])
    assert found["schedule=cosine", "lr=0.002"] == pytest.approx(model.params["schedule:lr"])
    assert found["loss=clipped", "lr=0.002"] == pytest.approx(model.params["loss:lr"])


def test_a_planted_interaction_is_found_at_the_promised_power_and_no_other(frames):
    random = np.random.default_rng(2)
    sd = ARM_SD * 2**0.5  # four corners, each the mean of two arms
    planted = -detectable_effect(sd, SEEDS, arms=3, test="sign-flip")
    found = others = 0
    for _ in range(STUDIES):
        told = interactions(drawn(frames, random, planted)).set_index(["first", "second"])
        assert set(told["test"]) == {"sign-flip"}
        found += told.at[("schedule=cosine", "lr=0.002"), "found"]
        others += told["found"].sum() - told.at[("schedule=cosine", "lr=0.002"), "found"] > 0
    assert found >= stats.binom.ppf(0.001, STUDIES, 0.8)
    assert others <= stats.binom.ppf(0.999, STUDIES, 0.05)


def test_without_an_interaction_one_is_found_in_at_most_one_study_of_twenty(frames):
    """Main effects of many standard deviations make none; unadjusted tests of three pairs would be wrong in 14 %."""
    random = np.random.default_rng(3)
    told = [interactions(drawn(frames, random, 0.0)) for _ in range(STUDIES)]
    most = stats.binom.ppf(0.999, STUDIES, 0.05)
    assert sum(each["found"].any() for each in told) <= most
    assert sum((each["p"] < 0.05).any() for each in told) > most


def test_a_seed_that_misses_an_arm_is_left_out_and_a_part_of_a_factorial_is_none(frames):
    scores = frames.scores[~((frames.scores["arm"] == "lr=0.002") & (frames.scores["replicate"] == 3))]
    assert set(interactions(replace(frames, scores=scores))["n"]) == {SEEDS - 1}
    arms = frames.arms[frames.arms["arm"] != "lr=0.002"]
    part = replace(frames, arms=arms, scores=frames.scores[frames.scores["arm"] != "lr=0.002"])
    assert interactions(part).empty


def test_the_report_shows_them(store):
    blocks = sections.interactions(store.study())
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert len(table.data) == 3
    assert "schedule=cosine" in table.html
