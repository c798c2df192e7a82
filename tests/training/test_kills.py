from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.training.checkpoint import load_weights

KILLS = 6


@pytest.mark.faults
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.helpers.killed_trainings", str(tmp_path), str(KILLS), "0"]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    outcome = json.loads(run.stdout)
    assert outcome["kills"] == KILLS
    whole, parts = outcome["whole"], outcome["parts"]

    # Floats travel as hexadecimal: equal means equal to the last bit. Some points are told twice, and agree.
    assert len(whole["curve"]) == 60
    by_step = {point["step"]: point["metrics"] for point in whole["curve"]}
    assert {point["step"] for point in parts["curve"]} == set(by_step)
    assert all(by_step[point["step"]] == point["metrics"] for point in parts["curve"])

    # The hash of the products covers raw weights and every average.
    assert [result["token"] for result in parts["result"]] == [KILLS + 1]
    assert parts["result"][0]["sha256"] == whole["result"][0]["sha256"]
    products = tmp_path / "parts" / "checkpoints" / f"weights.{KILLS + 1}.pt"
    for decay in (0.0, 0.5, 0.99):
        assert load_weights(products, whole["result"][0]["sha256"], decay=decay)

    # What was torn is hidden, and no more than one file a kill.
    torn = [path.name for path in products.parent.glob("*.tmp")]
    assert all(name.startswith(".") for name in torn)
    assert len(torn) <= KILLS
