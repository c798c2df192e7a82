"""A run of a study, trained again by hand with the command that `sweep trials repro` prints."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from sweep.store import Store, artifacts, cells
from tests.faults.conftest import Team
from tests.helpers.tiny_studies import ABLATION, with_baseline, write
from tests.helpers.typed_commands import Command
from tests.helpers.worker_processes import ended

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_a_run_trained_by_hand_has_the_weights_of_the_study_bit_for_bit(
    local_store: Store, team: Team, files: Path, tmp_path: Path
) -> None:
    study, workers = team(local_store, with_baseline(ABLATION, images=320) | {"seeds": 1, "factors": {}})
    assert ended(workers.start()) == 0
    (cell,) = cells(local_store, study.id)
    (weights,) = [artifact for artifact in artifacts(local_store) if artifact.kind == "weights"]

    command = Command(Path(str(local_store.engine.url.database)), files, write(ABLATION, tmp_path))
    told = command.start("trials", "repro", "tiny", str(cell.run_id), "--out", str(tmp_path / "run.json"))
    by_hand, said = told.communicate(timeout=300)
    assert told.returncode == 0, said
    trained = command.start(*by_hand.split()[1:], most=2)  # more cores than the study's worker had
    shown, said = trained.communicate(timeout=300)
    assert trained.returncode == 0, said
    assert json.loads(shown.splitlines()[-1])["step"] == 20
    (kept,) = (tmp_path / "run" / "train").glob("weights.*.pt")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == weights.sha256
