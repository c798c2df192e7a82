"""A real study whose decided arms get no more seeds, with everything killed on the way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.store import open_store
from tests.helpers.study_outcome import check_invariants
from tests.helpers.tiny_studies import ABLATION
from tests.helpers.typed_commands import Command

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

# A learning rate that is too small to learn anything, beside one that hardly differs.
STUDY = ABLATION | {
    "name": "more-seeds",
    "factors": {"lr": {"role": "scientific", "levels": [1e-5, 1.1e-3]}},
    "smallest_effect": 0.01,
    "seeds": {"min": 3, "max": 5, "target": "smallest_effect"},
}


def outcome(command: Command) -> tuple[dict[str, int], dict[str, int]]:
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
        outcomes.append(outcome(command))
    assert outcomes[0] == outcomes[1]
    seeds, stopped = outcomes[0]
    assert all(seeds[arm] == stopped.get(arm, 5) for arm in ("lr=1e-05", "lr=0.0011"))
    assert seeds["baseline"] == max(seeds["lr=1e-05"], seeds["lr=0.0011"])
