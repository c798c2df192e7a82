"""Each arm at its own best evaluation level: what choosing costs, and what it would cost on the same noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sweep.reporting import sections
from sweep.reporting.frames.frames import StudyFrames, load_frames
from sweep.reporting.sections import ReportedStudy
from sweep.reporting.sections.level_ends import own_best_warnings
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.own_best import own_best
from tests.helpers.report_specs import PROTOCOL, ArmSpec, StoreSpec
from tests.reporting.conftest import make_store

STUDIES = 200
SEEDS = 5
DECAYS = [0.5, 0.8, 0.9, 0.95, 0.99]
TUNED = {
    "factors": {"ema_decay": {"role": "evaluation", "levels": DECAYS}},
    "evaluation": {"tune": ["ema_decay"], "select": "cross_fit"},
}
CALLED = ("better", "worse")


@pytest.fixture(scope="module")
def placebos(tmp_path_factory: pytest.TempPathFactory) -> StudyFrames:
    """Frames of a real store whose three arms are the baseline under other names, scored at six levels."""
    arms = [ArmSpec("baseline", {})] + [ArmSpec(f"placebo {k}", {"lr": 1e-3 * (k + 1)}) for k in range(3)]
    levels = [{}, *({"ema_decay": decay} for decay in DECAYS)]
    protocol = PROTOCOL.model_copy(update={"noise_sets": (0, 1, 2, 3)})
    spec = StoreSpec(arms, seeds=SEEDS, levels=levels, protocol=protocol, curves=False, grids=False)
    store = make_store(tmp_path_factory.mktemp("placebos"), spec)
    frames = load_frames(store.engine, "digits")
    store.engine.dispose()
    # The smallest effect that nobody would care for, so that `no difference` excuses nothing.
    return replace(frames, spec={**frames.spec, **TUNED, "smallest_effect": 1e-6})


def with_drawn_scores(frames: StudyFrames, study: int, *, noise_sd: float = 0.3, level_sd: float = 0.1) -> StudyFrames:
    """The same with scores of a study in which no arm differs: parts of the seed, the run, the level and the noise."""
    random, scores = np.random.default_rng(study), frames.scores[frames.scores["metric"] == "fid"]
    of_seed = random.normal(0, 0.5, size=SEEDS)
    runs = {key: random.normal(0, 0.15) for key in dict.fromkeys(scores["cell_id"])}
    base = 12 + of_seed[scores["replicate"]] + scores["cell_id"].map(runs).to_numpy()
    base = base + random.normal(0, level_sd, size=len(scores))
    sets = base[:, None] + random.normal(0, noise_sd, size=(len(scores), 4))
    values = pd.Series([dict(enumerate(row.tolist())) for row in sets], scores.index, dtype=object)
    return replace(frames, scores=scores.assign(noise_values=values, value=sets.mean(axis=1)))


def called_at_own_best(frames: StudyFrames) -> bool:
    tuned = own_best(frames)
    assert tuned is not None
    return bool(tuned.comparison.compared["verdict"].isin(CALLED).any())


def called_at_best_of_levels(frames: StudyFrames) -> bool:
    """What is often reported: each arm at its best level, against the baseline as it was planned."""
    scores = frames.scores
    means = scores.groupby(["arm", "evaluation_level"])["value"].mean().reset_index()
    best = means.loc[means.groupby("arm")["value"].idxmin()].set_index("arm")["evaluation_level"]
    shown = np.where(scores["is_baseline"], scores["is_primary"], scores["arm"].map(best) == scores["evaluation_level"])
    at_best = replace(frames, scores=scores.assign(is_primary=shown))
    return bool(compare_arms(at_best).compared["verdict"].isin(CALLED).any())


@pytest.mark.slow
def test_choosing_on_other_noise_calls_placebos_in_at_most_5_percent_of_200_studies_and_on_the_same_in_more(
    placebos: StudyFrames,
) -> None:
    studies = [with_drawn_scores(placebos, number) for number in range(STUDIES)]
    assert sum(map(called_at_own_best, studies)) <= 0.05 * STUDIES
    assert sum(map(called_at_best_of_levels, studies)) > 0.05 * STUDIES


def with_planted_best(frames: StudyFrames, best: float, arm: str = "placebo 1") -> StudyFrames:
    """The same with one arm that gains 3 at one level."""
    drawn = with_drawn_scores(frames, 0)
    scores = drawn.scores
    gain = ((scores["arm"] == arm) & (scores["evaluation_level"] == f"ema_decay = {best:g}")) * 3.0
    values = [
        {noise_set: value - less for noise_set, value in each.items()}
        for each, less in zip(scores["noise_values"], gain, strict=True)
    ]
    changed = scores.assign(value=scores["value"] - gain, noise_values=pd.Series(values, scores.index, dtype=object))
    return replace(drawn, scores=changed)


def test_scores_at_own_best_are_those_of_the_other_half(placebos: StudyFrames) -> None:
    """By hand: each half chooses by its mean over seeds, and the other half scores."""
    frames = with_drawn_scores(placebos, 7)
    tuned = own_best(frames)
    assert tuned is not None
    for arm, scores in frames.scores.groupby("arm"):
        halves = [
            scores.assign(value=[(row[first] + row[first + 2]) / 2 for row in scores["noise_values"]]).pivot_table(
                index="replicate", columns="evaluation_level", values="value"
            )
            for first in (0, 1)
        ]
        first, second = (half.mean().idxmin() for half in halves)
        expected = (halves[1][first] + halves[0][second]) / 2
        row = tuned.comparison.arms.set_index("arm").loc[arm]
        assert row["mean"] == pytest.approx(expected.mean())
        assert set(tuned.chosen.loc[tuned.chosen["arm"] == arm, "evaluation_level"]) == {first, second}


def test_an_arm_that_is_best_at_another_level_is_found_and_an_end_is_told(placebos: StudyFrames, tmp_path) -> None:
    study = ReportedStudy(with_planted_best(placebos, 0.5), tmp_path)
    assert study.own_best is not None
    rows = study.own_best.comparison.compared.set_index("arm")
    assert rows.loc["placebo 1", "verdict"] == "better"
    assert study.comparison.compared.set_index("arm").loc["placebo 1", "verdict"] != "better"
    (warning,) = [each for each in own_best_warnings(study) if "ema_decay = 0.5" in each]
    assert "smallest level" in warning
    assert "placebo 1" in warning
    assert "sweep extend digits --levels ema_decay=VALUE,..." in warning
    (table,) = sections.own_best_levels(study)
    shown = table.data.set_index("arm").loc["placebo 1"]
    assert shown["best_on_first_half"] == shown["best_on_second_half"] == "ema_decay = 0.5"
    curve = next(block for block in sections.evaluation_factors(study) if block.name == "evaluation_ema_decay")
    assert "Rings mark" in curve.caption


def test_a_best_level_inside_is_no_warning(placebos: StudyFrames, tmp_path) -> None:
    study = ReportedStudy(with_planted_best(placebos, 0.9), tmp_path)
    assert not [each for each in own_best_warnings(study) if "placebo 1" in each]


def test_a_study_that_tunes_no_level_has_no_such_comparison(placebos: StudyFrames) -> None:
    spec = {name: value for name, value in placebos.spec.items() if name != "evaluation"}
    assert own_best(replace(placebos, spec=spec)) is None
