"""`sweep status` of large studies: a page, not thousands of lines."""

from __future__ import annotations

from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.cli.status_tables import MAX_ARMS_SHOWN
from sweep.config.study import Study
from sweep.store import add_cells, open_store
from sweep.store.records import ArmRecord
from sweep.store.studies.arms import add_arms
from tests.helpers.played_studies import launched

FACTORS = {"lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True}}


def shown(url: str, trials: int) -> list[str]:
    """Lines of the status of a search with so many trials, two of them with a cell."""
    from sweep.planning.cells import cells_of
    from sweep.planning.tuning import tuning_runs_of

    study = Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "mlp_small", "T": 100},
            "factors": FACTORS,
            "design": {"kind": "search", "trials": trials},
        }
    )
    (tuning_run,) = tuning_runs_of(study)
    store = open_store(url)
    record = launched(store, study)
    arms = [tuning_run.trial(number, {"lr": 1e-4 + 1e-6 * number}) for number in range(trials)]
    add_arms(store, record.id, [ArmRecord(arm.name, arm.changes) for arm in arms])
    for number in (0, trials - 1):
        add_cells(store, record.id, cells_of(study, arms[number], phase="search", trial_number=number))
    store.close()
    said = CliRunner().invoke(app, ["status", "s"], env={"SWEEP_STORAGE": url})
    assert said.exit_code == 0
    return said.stdout.splitlines()


def test_each_trial_of_a_short_search_has_its_line(sqlite_url: str) -> None:
    lines = shown(sqlite_url, 12)
    assert sum(line.startswith("trial-") for line in lines) == 12


def test_all_trials_of_a_long_search_share_one_line(sqlite_url: str) -> None:
    lines = shown(sqlite_url, MAX_ARMS_SHOWN + 1)
    assert len(lines) < 10
    (line,) = [line for line in lines if line.startswith("all trials")]
    assert line.split() == ["all", "trials", "2"]
