"""Results of the API print as a line or a few that say what a person asks first."""

from __future__ import annotations

import pytest
from IPython.core.formatters import PlainTextFormatter

import sweep
from sweep.api.progress import NOTHING_YET
from sweep.reporting.cross_study import AcrossStudies
from sweep.store.cell_records import CellRecord
from sweep.store.status_records import StatusRecord

RESULTS = [
    sweep.Study,
    sweep.StudyForecast,
    sweep.LaunchResult,
    sweep.LaunchProgress,
    sweep.StudyFrames,
    sweep.Report,
    sweep.Extension,
    StatusRecord,
    AcrossStudies,
    CellRecord,
]


def test_a_launch_says_how_it_ended_and_how_to_follow_workers_that_go_on() -> None:
    detached = sweep.LaunchResult(
        study="digits", outcome=sweep.LaunchOutcome.DETACHED, monitor_hint="workers of digits: squeue --me"
    )
    assert str(detached) == "launch of digits: detached\nworkers of digits: squeue --me"
    failed = sweep.LaunchResult(study="digits", outcome=sweep.LaunchOutcome.BUDGET_SPENT)
    assert str(failed) == "launch of digits: budget spent"


def test_progress_names_the_part_and_counts_its_units() -> None:
    steps = sweep.LaunchProgress("training steps", 1200, 4000, "steps", is_preparation=False)
    assert str(steps) == "training steps: 1,200 of 4,000 steps"
    assert str(NOTHING_YET) == "preparing"


def test_a_forecast_without_times_prints_none() -> None:
    spec = {"name": "one", "question": "How good is the baseline?", "baseline": {"net": "unet_8"}, "seeds": 1}
    study = sweep.Study.model_validate(spec)
    assert str(study) == "one: How good is the baseline? (one_at_a_time, 0 factors, 1 seed)"
    assert str(sweep.plan(study, device="cpu", workers=1, measure=False)) == "one: 1 arm, 1 training, 1 score"


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.__name__)
def test_the_value_of_a_notebook_cell_is_shown_as_print_shows_it(result: type) -> None:
    assert result.__repr__ is result.__str__ is not object.__str__


def test_a_notebook_shows_a_study_and_a_list_of_results_in_lines() -> None:
    shown = PlainTextFormatter()
    study = sweep.Study.model_validate({"name": "one", "question": "How good is the baseline?", "seeds": 1})
    assert shown(study) == "one: How good is the baseline? (one_at_a_time, 0 factors, 1 seed)"
    steps = sweep.LaunchProgress("training steps", 3, 4, "steps", is_preparation=False)
    assert shown([steps, steps]) == "[training steps: 3 of 4 steps, training steps: 3 of 4 steps]"
