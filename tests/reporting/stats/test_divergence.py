"""A run that diverged is a result: worse than any score, of no size, and no reason to wait."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sweep.reporting.frames.frames import load_frames
from sweep.reporting.sections.answer import answer
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.divergence import divergence
from sweep.reporting.stats.interim import current_interim_analysis
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import make_store

STUDIES = 200
NAN = ("infeasible", "nan", "loss is not finite")


def compared(folder, *, lost=(), base_lost=(), effect=0.0, seeds=8, how=NAN):
    """The one arm of a study whose runs of some seeds came to such an end."""
    arms = [
        ArmSpec("baseline", {}, failed=dict.fromkeys(base_lost, NAN)),
        ArmSpec("lr=0.1", {"lr": 0.1}, effect=effect, failed=dict.fromkeys(lost, how)),
    ]
    folder.mkdir(exist_ok=True)
    store = make_store(folder, StoreSpec(arms, seeds=seeds, curves=False, grids=False))
    study = store.study()
    store.engine.dispose()
    (row,) = study.comparison.compared.to_dict("records")
    return row, study


def test_p_is_scipys_exact_signed_rank_test():
    differences = np.random.default_rng(0).normal(-0.4, 1.0, size=8)
    found = divergence(differences, lost=1)
    theirs = stats.wilcoxon(np.append(differences, 1e9), method="exact")
    assert found.p == pytest.approx(theirs.pvalue)
    assert divergence(-differences, won=1).p == pytest.approx(theirs.pvalue)
    assert divergence(-differences, lost=1, lower_is_better=False).toward == found.toward
    assert np.isnan(divergence(differences).p)
    assert divergence(np.empty(0), lost=6).p == 2**-5


def test_an_arm_that_always_diverges_is_called_diverged_and_the_sentence_says_so(tmp_path):
    row, study = compared(tmp_path, lost=range(8))
    assert (row["verdict"], row["test"], row["p_adjusted"], row["lost"]) == ("diverged", "signed-rank", 2**-7, 8)
    told = answer(study)
    assert told.word == "diverged"
    assert "lr = 0.1: every one of its 8 seeds diverged, where the baseline did not" in told.sentence


@pytest.mark.parametrize("lost", [(4,), (1, 3, 5)])
def test_an_arm_that_diverges_sometimes_is_not_better_however_good_the_rest(tmp_path, lost):
    """Over the seeds that it survived its interval is far below 0, which alone would have called it better."""
    row, study = compared(tmp_path, lost=lost, effect=-3.0)
    assert row["high"] < -1.0
    assert row["verdict"] == "undecided"
    assert f"diverged in {len(lost)} of 8 seeds" in row["why"]
    assert row["why"] in answer(study).sentence


def test_a_baseline_that_diverges_is_beaten_by_what_does_not(tmp_path):
    row, _ = compared(tmp_path, base_lost=range(7))
    assert (row["verdict"], row["won"]) == ("better", 7)
    assert "the baseline diverged in 7 of 8 seeds" in row["why"]


def test_seeds_where_both_diverge_say_nothing_and_three_lost_ones_need_no_test(tmp_path):
    both, _ = compared(tmp_path / "both", lost=range(3), base_lost=range(3), effect=-3.0)
    assert (both["lost"], both["won"], both["pairs"], both["verdict"]) == (0, 0, 5, "better")
    few, _ = compared(tmp_path / "few", lost=range(3), seeds=3)
    assert (few["verdict"], few["p_adjusted"]) == ("diverged", 0.25)


def test_other_failures_are_no_results(tmp_path):
    row, _ = compared(tmp_path, lost=range(2), effect=-3.0, how=("failed", "oom", "out of memory"))
    assert (row["lost"], row["pairs"], row["verdict"]) == (0, 6, "better")


def test_a_score_that_is_not_finite_holds_no_look_back(tmp_path):
    """It is an end: with it, the first look after four seeds is reached; and it counts as diverged."""
    arms = [ArmSpec("baseline", {}), ArmSpec("lr=0.1", {"lr": 0.1}, unscored=(1,))]
    store = make_store(tmp_path, StoreSpec(arms, seeds=4, curves=False, grids=False))
    frames = load_frames(store.engine, "digits")
    planned = replace(frames, spec={**frames.spec, "interim_analyses": {"at": [4, 8], "shape": "pocock"}})
    analysis = current_interim_analysis(planned)
    assert analysis is not None
    assert analysis.number == 1
    (cell,) = frames.cells[frames.cells["diverged"]].to_dict("records")
    assert (cell["status"], cell["reason"], cell["arm"]) == ("failed", "score is not finite", "lr=0.1")
    (row,) = compare_arms(planned).compared.to_dict("records")
    assert (row["lost"], row["pairs"]) == (1, 3)
    store.engine.dispose()


def test_arms_that_diverge_as_often_as_the_baseline_are_called_wrongly_in_at_most_one_study_of_twenty():
    random = np.random.default_rng(1)
    wrong = decided = 0
    for _ in range(STUDIES):
        arm_gone, base_gone = random.random((2, 10)) < 0.25
        differences = random.normal(0, 0.2, size=10)[~arm_gone & ~base_gone]
        found = divergence(differences, lost=int((arm_gone & ~base_gone).sum()), won=int((base_gone & ~arm_gone).sum()))
        decided += found.any
        wrong += found.any and found.verdict(found.p) in ("better", "worse")
    assert decided > STUDIES / 2
    assert wrong <= stats.binom.ppf(0.999, decided, 0.05)
