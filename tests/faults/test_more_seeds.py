"""A real study whose decided arms get no more seeds, with everything killed on the way."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import sweep
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.text.report_diff import read_last
from sweep.store import Store, open_store
from tests.faults.conftest import Team
from tests.helpers.study_outcome import check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, with_baseline
from tests.helpers.typed_commands import Command
from tests.helpers.worker_processes import ended

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

# Between an analysis and the seeds that it asks for, and as soon as these are in the store.
POINTS = ("sweep.search.scheduler:add_cells before 1", "sweep.search.scheduler:add_cells after 1")
# A learning rate that is too small to learn anything, beside one that hardly differs.
STUDY = with_baseline(ABLATION, images=9600) | {
    "name": "more-seeds",
    "factors": {"lr": {"role": "scientific", "levels": [1e-5, 1.1e-3]}},
    "smallest_effect": 0.01,
    "seeds": {"min": 3, "max": 5, "target": "smallest_effect"},
    "protocol": ABLATION["protocol"] | {"n": 256},
    "cadence": {"curve_points": 10, "checkpoint_seconds": 0.2},
}


def seeds_of(command: Command) -> tuple[dict[str, int], dict[str, int]]:
    store = open_store(f"sqlite:///{command.database}")
    check_invariants(store)
    frames = load_frames(store.engine, "more-seeds")
    store.close()
    comparison = compare_arms(frames)
    seeds = frames.cells.groupby("arm")["replicate"].count().to_dict()
    assert comparison.analysis is not None
    at = comparison.analysis.plan.seeds
    return seeds, {arm: at[number - 1] for arm, (number, _) in comparison.stopped.items()}


def test_a_killed_study_gives_each_arm_the_seeds_that_it_needs(tmp_path: Path) -> None:
    outcomes = []
    for name, kills in (("whole", 0), ("killed", 4)):
        folder = tmp_path / name
        folder.mkdir()
        file = folder / "study.yaml"
        file.write_text(yaml.safe_dump(STUDY))
        command = Command(folder / "sweep.db", folder / "files", file)
        draws = random.Random(name)
        for _ in range(kills):
            command.killed(draws, early=not command.database.exists())  # at first there is no store to count rows of
        launched = command.launch()
        _, errors = launched.communicate(timeout=600)
        assert launched.returncode == 0, errors
        command.wait_for_strays()
        outcomes.append(seeds_of(command))
    assert outcomes[0] == outcomes[1]
    seeds, stopped = outcomes[0]
    assert all(seeds[arm] == stopped.get(arm, 5) for arm in ("lr=1e-05", "lr=0.0011"))
    assert seeds["baseline"] == max(seeds["lr=1e-05"], seeds["lr=0.0011"])


def worked(store: Store, team: Team, *, kill_at: Sequence[str] = ()) -> int:
    """Two workers take the study to its end; at each point one dies, and the next pair comes when both are gone."""
    study, workers = team(store, STUDY)
    for point in kill_at:
        pair = [workers.start(KILL_AT=point) for _ in range(2)]
        assert -9 in [ended(worker, 600) for worker in pair]
    pair = [workers.start() for _ in range(2)]
    assert [ended(worker, 600) for worker in pair] == [0, 0], workers.said()
    check_invariants(store)
    return study.id


def reported(store: Store, files: Path, folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """What the page shows of each arm, and how many trainings it took."""
    page = sweep.report("more-seeds", storage=f"sqlite:///{store.engine.url.database}", files=files, out=folder).paths
    shown = read_last(folder)["now"]
    assert shown is not None
    assert f"So far {shown['cells']['done']} of at most 15 trainings were made" in page.html.read_text(encoding="utf-8")
    return dict(shown["arms"]), shown["cells"]


def test_two_workers_that_are_killed_at_each_analysis_and_their_successors_come_to_the_same_report(
    local_store: Store, sqlite_template: Path, team: Team, files: Path, tmp_path: Path
) -> None:
    calm_store = open_store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'calm.db')}")
    calm, killed = worked(calm_store, team), worked(local_store, team, kill_at=POINTS)
    assert outcome(local_store, killed) == outcome(calm_store, calm)
    arms, trainings = reported(local_store, files, tmp_path / "killed")
    assert (arms, trainings) == reported(calm_store, files, tmp_path / "calm")
    assert arms["lr=1e-05"]["verdict"] == "worse"
    assert trainings["done"] < 15
    calm_store.close()
