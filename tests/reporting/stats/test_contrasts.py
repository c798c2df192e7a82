"""Each design answers its own question: planted truths are found through real stores, at the promised rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from sweep.reporting.frames.frames import load_frames
from sweep.reporting.sections import own_question, verdict
from sweep.reporting.sections.answer import answer
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.contrasts import own_contrasts
from sweep.reporting.stats.interactions import levels_of_arms
from sweep.reporting.stats.pairs import primary_values
from sweep.reporting.stats.power import detectable_effect
from tests.helpers.designed_stores import CROSSED, THREE, designed_store

SEEDS, STUDIES = 5, 150
ARM_SD = 0.15
STEPS = ("schedule=cosine", "schedule=cosine + lr=0.002")


def opened(folder, design: str, **more):
    steps = STEPS if design == "path" else ()
    factors = CROSSED if design == "factorial" else THREE
    kind = {"kind": design} | ({"resolution": 3} if design == "fractional" else {})
    return designed_store(folder, kind, seeds=SEEDS, steps=steps, factors=factors, **more)


@pytest.fixture(scope="module")
def frames_of(tmp_path_factory):
    """Frames of a placebo study of a design; scores are replaced study by study."""
    known = {}

    def make(design: str):
        if design not in known:
            store = opened(tmp_path_factory.mktemp(design), design)
            frames = load_frames(store.engine, "digits")
            known[design] = replace(frames, spec={**frames.spec, "smallest_effect": 1e-6})
            store.engine.dispose()
        return known[design]

    return make


def drawn(frames, random, effect_of):
    """One study: shared seeds, own noise, and what is planted for the levels of each arm."""
    levels = levels_of_arms(frames).merge(frames.arms[["arm_id", "arm"]]).set_index("arm")
    on = {arm: {f for f in ("schedule", "loss", "lr") if row[f] != "baseline"} for arm, row in levels.iterrows()}
    scores = frames.scores
    planted = np.array([effect_of(on[arm]) for arm in scores["arm"]])
    own = random.normal(0, ARM_SD, size=len(scores))
    shared = random.normal(0, 0.5, size=100)[scores["replicate"]]
    return replace(frames, scores=scores.assign(value=12 + shared + own + planted))


def contrasts(frames):
    return own_contrasts(frames, compare_arms(frames)).set_index("contrast")


def test_leave_one_out_names_the_part_that_carries_everything(tmp_path):
    """`schedule` carries everything: the comparison with the baseline sees three good arms of four and names one."""
    effects = {"all": -2.0, "all - lr": -2.0, "all - loss": -2.0}
    store = opened(tmp_path, "leave_one_out", effects=effects)
    study = store.study()
    found = study.contrasts.set_index("contrast")
    assert list(found.index) == ["without schedule", "without loss", "without lr"]
    assert found["verdict"].tolist() == ["worse", "undecided", "undecided"]
    assert found["low"]["without schedule"] < 2.0 < found["high"]["without schedule"]
    said = answer(study).sentence
    assert said.startswith("Leaving out schedule raises FCD")
    assert "Undecided: without loss and without lr." in said
    (table,) = own_question(study)
    assert "judged as one family" in table.caption
    assert "Leaving out schedule" in verdict(study)[0].html
    store.engine.dispose()


@pytest.mark.parametrize(
    ("together", "word", "begins"),
    [
        (-3.0, "undecided", "Whether the gains add up is undecided."),
        (-1.0, "worse", "The gains do not add up"),
        (-5.0, "better", "The changes gain more together"),
    ],
)
def test_add_one_in_says_whether_gains_add_up(tmp_path, together, word, begins):
    singles = {"schedule=cosine": -1.0, "loss=clipped": -1.0, "lr=0.002": -1.0}
    store = opened(tmp_path, "add_one_in", effects=singles | {"all": together})
    study = store.study()
    (row,) = study.contrasts.to_dict("records")
    assert row["verdict"] == word
    assert row["low"] < together + 3.0 < row["high"]
    assert answer(study).sentence.startswith(begins)
    store.engine.dispose()


def test_gains_that_add_up_are_said_to_where_the_margin_is_wide(frames_of):
    frames = frames_of("add_one_in")
    study = drawn(frames, np.random.default_rng(1), lambda on: -0.5 * len(on))
    wide = replace(study, spec={**study.spec, "smallest_effect": 2.0})
    assert answer(ReportedStudy(wide, None)).sentence.startswith("The gains add up.")


def test_a_path_compares_each_step_with_the_one_before(tmp_path):
    """Only the second step helps: against the baseline the third looks as good."""
    last = "schedule=cosine + loss=clipped + lr=0.002"
    store = opened(tmp_path, "path", effects={STEPS[1]: -1.5, last: -1.5})
    study = store.study()
    found = study.contrasts.set_index("contrast")
    assert list(found.index) == ["1: schedule=cosine", "2: lr=0.002", "3: loss=clipped"]
    assert found["verdict"].tolist() == ["undecided", "better", "undecided"]
    compared = study.comparison.compared.set_index("arm")["verdict"]
    assert compared[last] == "better"
    assert "Step 2: lr=0.002 lowers FCD" in answer(study).sentence
    store.engine.dispose()


@pytest.mark.parametrize("design", ["factorial", "fractional"])
def test_a_planted_main_effect_is_told_in_words(frames_of, design):
    study = drawn(frames_of(design), np.random.default_rng(2), lambda on: -1.0 * ("lr" in on))
    found = contrasts(study)
    assert found["verdict"].tolist() == ["undecided", "undecided", "better"]
    assert found["low"]["lr=0.002"] < -1.0 < found["high"]["lr=0.002"]
    said = answer(ReportedStudy(study, None)).sentence
    assert said.startswith("lr=0.002, on average over the other factors, lowers FCD")
    assert "Undecided: schedule=cosine and loss=clipped." in said


def test_main_effects_and_additivity_are_those_of_a_linear_model(frames_of):
    random = np.random.default_rng(3)
    full = drawn(frames_of("factorial"), random, lambda on: -1.0 * ("schedule" in on) + 0.5 * ("lr" in on))
    long = primary_values(full, "fid").merge(levels_of_arms(full), on="arm_id")
    coded = long.assign(**{f: np.where(long[f] != "baseline", 0.5, -0.5) for f in ("schedule", "loss", "lr")})
    model = ols("value ~ schedule + loss + lr + C(replicate)", coded).fit()
    found = contrasts(full)["difference"]
    for name, factor in {"schedule=cosine": "schedule", "loss=clipped": "loss", "lr=0.002": "lr"}.items():
        assert found[name] == pytest.approx(model.params[factor])
    single = drawn(frames_of("add_one_in"), random, lambda on: -1.0 * len(on))
    long = primary_values(single, "fid").merge(levels_of_arms(single), on="arm_id")
    coded = long.assign(**{f: (long[f] != "baseline").astype(float) for f in ("schedule", "loss", "lr")})
    coded["all_of_them"] = (coded["schedule"] * coded["loss"] * coded["lr"]).astype(float)
    model = ols("value ~ schedule + loss + lr + all_of_them + C(replicate)", coded).fit()
    assert contrasts(single)["difference"]["all beyond the sum"] == pytest.approx(model.params["all_of_them"])


def test_main_effects_are_shown_with_what_a_fraction_cannot_tell_apart(tmp_path):
    store = designed_store(tmp_path, {"kind": "fractional", "resolution": 3}, seeds=SEEDS)
    table, said = own_question(store.study())
    assert list(table.data["contrast"]) == ["schedule=cosine", "loss=clipped", "lr=0.002"]
    assert "lr and schedule x loss" in said.html or "schedule x loss" in said.html
    store.engine.dispose()


PLACEBOS = {
    "leave_one_out": lambda on: -2.0 * (len(on) > 0),
    "add_one_in": lambda on: -1.0 * len(on),
    "path": lambda on: 0.0,
    "factorial": lambda on: 0.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("design", PLACEBOS)
def test_where_nothing_is_planted_a_family_errs_in_at_most_one_study_of_twenty(frames_of, design):
    """Large differences from the baseline are planted wherever they leave the question's truth at no effect."""
    frames, random = frames_of(design), np.random.default_rng(20)
    wrong = covered = 0
    for _ in range(STUDIES):
        found = contrasts(drawn(frames, random, PLACEBOS[design]))
        wrong += found["verdict"].isin(["better", "worse"]).any()
        covered += ((found["low"] <= 0) & (found["high"] >= 0)).all()
    assert wrong <= stats.binom.ppf(0.999, STUDIES, 0.05)
    assert covered >= stats.binom.ppf(0.001, STUDIES, 0.95)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("design", "contrast", "squared_weights", "planted"),
    [
        ("leave_one_out", "without lr", 2.0, lambda on: "lr" in on),
        ("add_one_in", "all beyond the sum", 8.0, lambda on: len(on) == 3),  # all and twice the baseline, minus three
        ("path", "2: lr=0.002", 2.0, lambda on: "lr" in on),
        ("factorial", "lr=0.002", 0.5, lambda on: "lr" in on),  # four arms with four
        ("fractional", "lr=0.002", 1.0, lambda on: "lr" in on),  # two arms with two
    ],
)
def test_a_planted_truth_is_found_at_the_promised_rate(frames_of, design, contrast, squared_weights, planted):
    frames, random = frames_of(design), np.random.default_rng(21)
    family = 1 if design == "add_one_in" else 3
    effect = detectable_effect(ARM_SD * squared_weights**0.5, SEEDS, alpha=0.05 / family)
    found = others = 0
    for _ in range(STUDIES):
        verdicts = contrasts(drawn(frames, random, lambda on: -effect * planted(on)))["verdict"]
        found += verdicts[contrast] in ("better", "worse")
        others += verdicts.drop(contrast).isin(["better", "worse"]).any()
    assert found >= stats.binom.ppf(0.001, STUDIES, 0.8)
    assert others <= stats.binom.ppf(0.999, STUDIES, 0.05)
