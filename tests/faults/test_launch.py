"""`sweep launch` and everything under it, killed at random moments: the same command ends with the same numbers."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from sweep.config.study import Study
from sweep.store import artifacts, cells, open_store, study
from tests.faults.conftest import Calm
from tests.helpers.played_studies import shown as shown_to_optuna
from tests.helpers.study_outcome import attempt_ends, check_invariants, live_workers, outcome
from tests.helpers.tiny_studies import ABLATION, LONG, PRUNED, SEARCH, with_baseline, write
from tests.helpers.typed_commands import Command
from tests.helpers.worker_processes import training, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500)]


@pytest.fixture
def command(sqlite_url: str, files: Path) -> Command:
    """A place to launch the small ablation from."""
    return Command(Path(sqlite_url.removeprefix("sqlite:///")), files, write(ABLATION, files.parent))


def test_a_launch_killed_ten_times_ends_as_if_nothing_had_happened(
    command: Command, calm: Calm, tmp_path: Path
) -> None:
    # optuna#6283, optuna#6132, hydra#3328: the same command goes on from where the power went.
    command.study = write(LONG, tmp_path)
    draws = random.Random(2)
    early = [True, True, True, *[False] * 7]
    draws.shuffle(early)
    alones = [True, False] * 5
    died = sum(
        command.killed(draws, early=is_early, alone=alone) for is_early, alone in zip(early, alones, strict=True)
    )
    last = command.launch()
    shown, said = last.communicate(timeout=600)
    assert last.returncode == 0, said
    assert died == 10
    store = open_store(f"sqlite:///{command.database}")
    check_invariants(store)
    assert outcome(store, study(store, "tiny-long").id) == calm(LONG)
    assert attempt_ends(store).count("expired") >= 2
    assert attempt_ends(store).count("released: preempted") >= 2  # of workers whose launcher died
    assert "done; next: sweep report tiny-long" in shown
    assert "warn" not in said.lower()
    assert command.strays() == []


def test_a_search_killed_again_and_again_draws_no_trial_twice_and_loses_none(
    command: Command, calm: Calm, tmp_path: Path
) -> None:
    # optuna#2638: the total is a total. optuna#3255: a seeded search repeats itself after a resume.
    command.study = write(SEARCH, tmp_path)
    draws = random.Random(3)
    died = sum(command.killed(draws, early=False) for _ in range(3))
    last = command.launch()
    _, said = last.communicate(timeout=600)
    assert last.returncode == 0, said
    assert died == 3
    store = open_store(f"sqlite:///{command.database}")
    check_invariants(store)
    found = outcome(store, study(store, "tiny-search").id)
    assert sorted(cell["trial"] for cell in found.values() if cell["trial"] is not None) == list(range(5))
    assert found == calm(SEARCH)


def test_a_pruned_search_killed_again_and_again_stops_the_same_trials_for_the_same_reasons(
    command: Command, calm: Calm, tmp_path: Path
) -> None:
    # Every decision, with its evidence, and every score that it was made from, bit for bit.
    command.study = write(PRUNED, tmp_path)
    draws = random.Random(23)
    died = sum(command.killed(draws, early=False) for _ in range(3))
    last = command.launch()
    shown, said = last.communicate(timeout=600)
    assert last.returncode in (0, 4), said
    assert died == 3
    store = open_store(f"sqlite:///{command.database}")
    check_invariants(store)
    asked = study(store, "tiny-pruned")
    found = outcome(store, asked.id)
    assert found == calm(PRUNED)
    ends = [cell["state"] for cell in found.values() if cell["trial"] is not None]
    assert len(ends) == 6
    assert {"pruned", "complete"} <= set(ends)
    states = {t.ours: t.state.name for t in shown_to_optuna(store, Study.model_validate(asked.spec), asked.id)}
    assert len(states) == 6
    assert all(
        (states[c["trial"]] == "PRUNED") == (c["state"] == "pruned") for c in found.values() if c["trial"] is not None
    )
    assert shown


def test_a_closed_terminal_saves_as_a_scheduler_does(command: Command) -> None:
    command.study = write(with_baseline(LONG, images=16_000_000), command.study.parent)
    launched, terminal = command.launch_in_terminal()
    store = open_store(f"sqlite:///{command.database}")
    until(lambda: attempt_ends(store) and training(store, study(store, "tiny-long")))
    os.close(terminal)
    launched.wait(60)
    command.wait_for_strays()
    assert set(attempt_ends(store)) == {"released: preempted"}
    assert live_workers(store) == []
    saved = [artifact.step for artifact in artifacts(store) if artifact.kind == "checkpoint"]
    assert max(saved) == max(cell.step for cell in cells(store, study(store, "tiny-long").id))


def test_a_launcher_that_dies_while_its_workers_start_leaves_none(command: Command) -> None:
    """They found another parent and took work for it."""
    for _ in range(3):
        launched = command.launch("--workers", "3")
        until(command.workers)
        launched.kill()
        launched.communicate()
        command.wait_for_strays()
    store = open_store(f"sqlite:///{command.database}")
    assert attempt_ends(store) == []
    assert live_workers(store) == []


def test_a_killed_worker_is_replaced_by_its_launcher(command: Command, undisturbed: dict[str, Any]) -> None:
    launched = command.launch("--workers", "1")
    until(lambda: command.rows() > 5)
    store = open_store(f"sqlite:///{command.database}")
    (worker,) = live_workers(store)
    os.kill(worker, signal.SIGKILL)
    _, said = launched.communicate(timeout=600)
    assert launched.returncode == 0, said
    assert "a worker was killed by SIGKILL; starting another" in said
    assert "expired" in attempt_ends(store)
    check_invariants(store)
    assert outcome(store, study(store, "tiny").id) == undisturbed
    assert command.strays() == []


def test_two_launches_at_once_make_one_study_and_train_nothing_twice(
    command: Command, undisturbed: dict[str, Any]
) -> None:
    both = [command.launch(), command.launch()]
    said = [launched.communicate(timeout=900)[1] for launched in both]
    assert [launched.returncode for launched in both] == [0, 0], said
    store = open_store(f"sqlite:///{command.database}")
    check_invariants(store)
    assert attempt_ends(store) == ["trained"] * 4
    assert outcome(store, study(store, "tiny").id) == undisturbed
