"""How long a person waits for the command: its help, the status of a large store, a report."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from sweep.bench.filled_study import add_curves, finish_all
from sweep.store import open_store, study
from tests.benchmarks.rows import Row


def measure(*, quick: bool) -> Iterator[Row]:
    bare = _seconds([sys.executable, "-c", "pass"], {}, times=5)
    started = _seconds([sys.executable, "-m", "sweep", "--help"], {}, times=2 if quick else 5)
    yield Row(measure="start-up", case="sweep --help", unit="s", ours=started, floor=bare, goal="<= 0.5 s")
    yield _status(runs=20 if quick else 10_000, points=100)
    if not quick:
        yield _report(arms=30, seeds=8, goal="<= 15 s")
        yield _report(arms=5, seeds=1000, goal="<= 20 s")


def _status(*, runs: int, points: int) -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = _store(folder, arms=10, seeds=max(1, runs // 10), points=points)
        seconds = _seconds([sys.executable, "-m", "sweep", "status", "digits"], _environment(url, folder), times=3)
        case = f"{runs} runs, {runs * points} points"
        return Row(measure="sweep status", case=case, unit="s", ours=seconds, goal="< 1 s")


def _report(*, arms: int, seeds: int, goal: str) -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = _store(folder, arms=arms, seeds=seeds, points=0)
        command = [sys.executable, "-m", "sweep", "report", "digits", "--out", str(folder / "reports")]
        seconds = _seconds(command, _environment(url, folder), times=1)
        return Row(measure="sweep report", case=f"{arms} arms, {arms * seeds} runs", unit="s", ours=seconds, goal=goal)


def _store(folder: Path, *, arms: int, seeds: int, points: int) -> str:
    from tests.helpers.report_specs import ArmSpec, StoreSpec
    from tests.helpers.report_stores import fill

    url = f"sqlite:///{folder / 'store.db'}"
    store = open_store(url)
    specs = [ArmSpec("baseline", {}), *(ArmSpec(f"lr={k}e-06", {"lr": k * 1e-6}) for k in range(1, arms))]
    fill(store, StoreSpec(specs, seeds=seeds, curves=False, grids=False), folder, pieces=0)
    study_id = study(store, "digits").id
    finish_all(store, study_id, "fid")
    if points:
        add_curves(store, study_id, ("train_loss",), points)
    store.close()
    return url


def _environment(url: str, folder: Path) -> dict[str, str]:
    return {"SWEEP_STORAGE": url, "SWEEP_FILES": str(folder)}


def _seconds(command: list[str], environment: dict[str, str], *, times: int) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)
        spent.append(time.perf_counter() - started)
    return median(spent)
