"""Interactions of factorials and fractions: against statsmodels, and over many simulated studies of the real report."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from sweep.config.study import Study
from sweep.planning.arms import arms_of
from sweep.reporting import sections
from sweep.reporting.frames.frames import StudyFrames, load_frames
from sweep.reporting.render.blocks import Html, Table
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.interactions import aliased_effects, interaction_tests, levels_of_arms
from sweep.reporting.stats.pairs import primary_values
from sweep.reporting.stats.power import detectable_effect
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import Store, make_store

STUDIES, FEWER = 200, 60
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
    return load_frames(store.engine, "digits")


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
    found = interaction_tests(study).set_index(["first", "second"])["mean"]
    assert found["schedule=cosine", "loss=clipped"] == pytest.approx(model.params["schedule:loss"])
    assert found["schedule=cosine", "lr=0.002"] == pytest.approx(model.params["schedule:lr"])
    assert found["loss=clipped", "lr=0.002"] == pytest.approx(model.params["loss:lr"])


@pytest.mark.slow
def test_a_planted_interaction_is_found_at_the_promised_power_and_no_other(frames):
    random = np.random.default_rng(2)
    sd = ARM_SD * 2**0.5  # four corners, each the mean of two arms
    planted = -detectable_effect(sd, SEEDS, alpha=0.05 / 3)
    found = others = 0
    for _ in range(STUDIES):
        told = interaction_tests(drawn(frames, random, planted)).set_index(["first", "second"])
        found += told.at[("schedule=cosine", "lr=0.002"), "is_shown"]
        others += told["is_shown"].sum() - told.at[("schedule=cosine", "lr=0.002"), "is_shown"] > 0
    assert found >= stats.binom.ppf(0.001, STUDIES, 0.8)
    assert others <= stats.binom.ppf(0.999, STUDIES, 0.05)


@pytest.mark.slow
def test_without_an_interaction_one_is_found_in_at_most_one_study_of_twenty(frames):
    """Main effects of many standard deviations make none; unadjusted tests of three pairs would be wrong in 14 %."""
    random = np.random.default_rng(3)
    told = [interaction_tests(drawn(frames, random, 0.0)) for _ in range(STUDIES)]
    most = stats.binom.ppf(0.999, STUDIES, 0.05)
    assert sum(each["is_shown"].any() for each in told) <= most
    assert sum((each["p"] < 0.05).any() for each in told) > most


def test_a_seed_that_misses_an_arm_is_left_out_and_a_part_of_a_factorial_is_none(frames):
    scores = frames.scores[~((frames.scores["arm"] == "lr=0.002") & (frames.scores["replicate"] == 3))]
    assert set(interaction_tests(replace(frames, scores=scores))["n"]) == {SEEDS - 1}
    arms = frames.arms[frames.arms["arm"] != "lr=0.002"]
    part = replace(frames, arms=arms, scores=frames.scores[frames.scores["arm"] != "lr=0.002"])
    assert interaction_tests(part).empty


SIX = {
    "schedule": ("cosine", {"schedule": "cosine"}),
    "lr": ("0.002", {"lr": 0.002}),
    "optimizer": ("radam", {"optimizer": "radam"}),
    "loss": ("huber", {"loss": "huber"}),
    "batch": ("32", {"batch": 32}),
    "target": ("v", {"target": "v"}),
}


def fraction(folder, factors: int, design: dict) -> tuple[Store, StudyFrames]:
    """A store with the arms that a fractional study asks for, placed by the real design."""
    named = {
        f: {"role": "scientific", "levels": [next(iter(sets.values()))]} for f, (_, sets) in list(SIX.items())[:factors]
    }
    spec = StoreSpec([], seeds=SEEDS, design={"kind": "fractional", **design}, factors=named, curves=False, grids=False)
    asked = Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "mlp_small", **spec.baseline},
            "factors": named,
            "design": spec.design,
            "seeds": SEEDS,
        }
    )
    arms = [ArmSpec(arm.name, dict(arm.changes)) for arm in arms_of(asked)]
    made = make_store(folder, replace(spec, arms=arms))
    return made, load_frames(made.engine, "digits")


def drawn_fraction(frames, random, effects: dict[tuple[str, ...], float]):
    """One study: main effects of every factor and the interactions that are planted."""
    placed = levels_of_arms(frames).set_index("arm_id").loc[frames.scores["arm_id"]]
    on = {name: (placed[name] != "baseline").to_numpy() for name in placed}
    value = 12 + random.normal(0, 0.5, size=SEEDS)[frames.scores["replicate"]]
    value = value + random.normal(0, ARM_SD, size=len(frames.scores)) + sum(0.4 * k * on[f] for k, f in enumerate(on))
    for pair, effect in effects.items():
        value = value + effect * np.logical_and.reduce([on[name] for name in pair])
    return replace(frames, scores=frames.scores.assign(value=value))


@pytest.fixture(scope="module")
def resolution_5(tmp_path_factory):
    """2^(5-1), 16 arms: every pair of the five factors is clear."""
    store, frames = fraction(tmp_path_factory.mktemp("five"), 5, {"resolution": 5})
    yield store, frames
    store.engine.dispose()


def test_in_a_fraction_of_resolution_5_the_planted_interaction_is_found_and_no_other(resolution_5):
    """At the promised power; and the estimate is that of a linear model with all ten pairs."""
    _, frames = resolution_5
    random, planted = np.random.default_rng(6), ("lr", "loss")
    effect = -detectable_effect(ARM_SD, SEEDS, alpha=0.05 / 10)  # 16 arms, four a corner: sd of one arm
    first = drawn_fraction(frames, random, {planted: effect})
    assert len(interaction_tests(first)) == 10
    long = primary_values(first, "fid").merge(levels_of_arms(first), on="arm_id")
    coded = long.assign(**{f: np.where(long[f] != "baseline", 0.5, -0.5) for f in list(SIX)[:5]})
    model = ols("value ~ (schedule + lr + optimizer + loss + batch) ** 2 + C(replicate)", coded).fit()
    means = interaction_tests(first).set_index(["first", "second"])["mean"]
    assert means["lr=0.002", "loss=huber"] == pytest.approx(model.params["lr:loss"])
    assert means["schedule=cosine", "batch=32"] == pytest.approx(model.params["schedule:batch"])
    found = others = 0
    for _ in range(FEWER):
        told = interaction_tests(drawn_fraction(frames, random, {planted: effect})).set_index(["first", "second"])[
            "is_shown"
        ]
        found += told["lr=0.002", "loss=huber"]
        others += told.drop(("lr=0.002", "loss=huber")).any()
    assert found >= stats.binom.ppf(0.001, FEWER, 0.8)
    assert others <= stats.binom.ppf(0.999, FEWER, 0.05)


def test_what_a_fraction_of_resolution_4_cannot_tell_apart_is_named_and_not_tested(tmp_path):
    """2^(5-1), I = schedule lr optimizer batch: those six pairs are aliased with each other, and the loss with none."""
    store, frames = fraction(tmp_path, 5, {"generators": {"batch": ["schedule", "lr", "optimizer"]}})
    study = drawn_fraction(frames, np.random.default_rng(7), {("schedule", "lr"): -3.0, ("optimizer", "loss"): 1.0})
    tested = interaction_tests(study)
    first, second = ([side.partition("=")[0] for side in tested[name]] for name in ("first", "second"))
    pairs = {f"{a} x {b}": found for a, b, found in zip(first, second, tested["is_shown"], strict=True)}
    assert pairs == {"schedule x loss": False, "lr x loss": False, "optimizer x loss": True, "loss x batch": False}
    blocks = sections.interactions(ReportedStudy(study, tmp_path))
    (said,) = [block.html for block in blocks if isinstance(block, Html)]
    assert "schedule x lr and optimizer x batch" in said
    aliased = {f"{a} x {b}" for a, b in combinations(["schedule", "lr", "optimizer", "batch"], 2)}
    assert {effect for group in aliased_effects(study) for effect in group} == aliased
    assert all(pair in said for pair in aliased)
    assert "loss" not in said
    store.engine.dispose()


def test_the_page_of_a_fraction_has_its_table(resolution_5):
    store, _ = resolution_5
    (table,) = [block for block in sections.interactions(store.study()) if isinstance(block, Table)]
    assert len(table.data) == 10
    assert "three or more factors" in table.caption


def test_the_report_shows_them(store):
    blocks = sections.interactions(store.study())
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert len(table.data) == 3
    assert "schedule=cosine" in table.html.replace("<wbr>", "")
