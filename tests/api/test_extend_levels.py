"""More levels of an evaluation factor: scores of finished checkpoints, and no training."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweep
from sweep.config.study import Study
from sweep.errors import UnknownName, UsageError
from sweep.store import cells, claim, finish_score, finish_training, open_store, study
from sweep.store.records import ArtifactRecord, Measurement, ScoreResult
from tests.helpers.played_studies import launched, worker

SPEC = {
    "name": "steps",
    "question": "Is it?",
    "seeds": 1,
    "baseline": {"data": "digits", "net": "unet_8", "T": 50, "sampling_steps": 5},
    "factors": {
        "sampling_steps": {"role": "evaluation", "levels": [10]},
        "spacing_and_eta": {"role": "evaluation", "levels": {"noisy": {"eta": 1.0}}},
    },
}


@pytest.fixture
def storage(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/sweep.db"
    store = open_store(url)
    record = launched(store, Study.model_validate(SPEC))
    me = worker(store)
    while (claimed := claim(store, record.id, me)) is not None:
        if claimed.kind == "train":
            weights = ArtifactRecord("weights", "weights.pt", "a" * 64, 1, claimed.train_config.steps)
            finish_training(store, claimed, weights=weights, parameters=1, seconds=1.0)
        else:
            finish_score(store, claimed, ScoreResult([Measurement("fid", -1, 1.0)], [], "c" * 64, 1.0, 1.0, 1.0))
    store.close()
    return url


def states(storage: str) -> tuple[list[str], list[int | None]]:
    """States of the runs, and the sampling steps that scores are asked for."""
    store = open_store(storage)
    of_study = cells(store, study(store, "steps").id)
    store.close()
    return [cell.run_state for cell in of_study], [
        score.level.get("sampling_steps") for cell in of_study for score in cell.scores
    ]


def test_new_levels_are_scores_of_the_runs_that_there_are(storage: str) -> None:
    before = states(storage)
    extension = sweep.extend("steps", levels={"sampling_steps": [20, 10, 7]}, storage=storage)
    assert extension.changes == ["sampling_steps: 20, 7"]
    after = states(storage)
    assert after[0] == before[0]
    assert sorted(steps for steps in after[1] if steps) == [7, 10, 20]


def test_what_is_no_evaluation_factor_has_no_levels_to_add(storage: str) -> None:
    with pytest.raises(UnknownName, match="evaluation factor"):
        sweep.extend("steps", levels={"lr": [1e-3]}, storage=storage)
    with pytest.raises(UsageError, match="have names"):
        sweep.extend("steps", levels={"spacing_and_eta": [1]}, storage=storage)
    with pytest.raises(UsageError, match="sampling_steps"):
        sweep.extend("steps", levels={"sampling_steps": [51]}, storage=storage)
    with pytest.raises(UsageError, match="nothing to extend"):
        sweep.extend("steps", levels={"sampling_steps": [10]}, storage=storage)
