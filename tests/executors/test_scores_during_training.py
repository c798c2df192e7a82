"""A run is scored on the way as a shorter run is at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.api.launch import launch
from sweep.config.study import Study
from sweep.store import cells, open_store, study
from tests.helpers.tiny_studies import ABLATION


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_score_on_the_way_is_that_of_a_training_that_ends_there(tmp_path: Path) -> None:
    """Draws depend on seed and step alone, so that the first half of a training is a training of half the length."""
    spec = ABLATION | {
        "baseline": ABLATION["baseline"] | {"images": 320, "lr_schedule": "constant"},
        "factors": {"images": {"role": "scientific", "levels": [160]}},
        "protocol": ABLATION["protocol"] | {"along": [0.25, 0.5, 1.0]},
        "seeds": 2,
    }
    where = {"storage": f"sqlite:///{tmp_path}/s.db", "files": str(tmp_path / "files")}
    asked = Study.model_validate(spec)
    assert launch(asked, device="cpu", workers=1, **where).outcome == "complete"
    store = open_store(where["storage"])
    of_study = cells(store, study(store, asked.name).id)
    fid = {
        (cell.arm_name, cell.replicate, score.level.get("training_share", 1.0)): next(
            each.value for each in score.measurements if each.name == "fid"
        )
        for cell in of_study
        for score in cell.scores
    }
    store.close()
    assert len(fid) == 2 * 2 * 3
    for replicate in range(2):
        assert fid["baseline", replicate, 0.5] == fid["images=160", replicate, 1.0]
        assert fid["baseline", replicate, 0.25] == fid["images=160", replicate, 0.5]
        assert fid["baseline", replicate, 0.5] != fid["baseline", replicate, 1.0]
