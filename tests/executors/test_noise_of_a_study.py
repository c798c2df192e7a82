"""Whose noise the scores of a study are sampled from: of each seed in a new study, of all seeds in a released one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from sweep.api.launch import launch
from sweep.config.study import Study
from sweep.errors import StoreMismatch
from sweep.executors.register import matching_study, register
from sweep.planning.plan import study_plan
from sweep.store import Store, cells, open_store, studies
from sweep.store.sql.schema import ATTEMPT
from tests.helpers.tiny_store import PROTOCOL
from tests.helpers.tiny_studies import ABLATION


def asking(noise: str | None) -> Study:
    """A small study whose file says so of its noise."""
    stated = {} if noise is None else {"noise": noise}
    baseline = ABLATION["baseline"] | {"images": 160}
    return Study.model_validate(
        ABLATION | {"baseline": baseline, "protocol": ABLATION["protocol"] | stated, "factors": {}}
    )


def test_a_study_keeps_the_noise_that_it_was_launched_with_until_its_file_asks_for_other(store: Store) -> None:
    assert PROTOCOL.noise == "shared"  # as every protocol of a released version
    register(store, study_plan(asking(None)), PROTOCOL, accept_change=False)
    kept = matching_study(store, study_plan(asking(None)), accept_change=False)
    assert kept is not None
    assert kept.protocol == PROTOCOL
    with pytest.raises(StoreMismatch):
        matching_study(store, study_plan(asking("per_seed")), accept_change=False)
    assert matching_study(store, study_plan(asking("per_seed")), accept_change=True) is None  # its protocol is anew


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_other_noise_is_scored_again_and_trains_nothing(tmp_path: Path) -> None:
    where: dict[str, Any] = {"storage": f"sqlite:///{tmp_path}/s.db", "files": str(tmp_path / "files"), "workers": 1}
    seen = []
    for noise in (None, "shared", "per_seed"):
        assert launch(asking(noise), device="cpu", accept_change=True, **where).outcome == "complete"
        store = open_store(where["storage"])
        (record,) = studies(store)
        fids = [
            {each.value for score in cell.scores for each in score.measurements if each.name == "fid"}
            for cell in cells(store, record.id)
        ]
        trainings = select(func.count()).select_from(ATTEMPT).where(ATTEMPT.c.score_id.is_(None))
        assert store.read(lambda connection, query=trainings: connection.scalars(query).one()) == 2
        seen.append((record.protocol.noise, fids))
        store.close()
    assert [noise for noise, _ in seen] == ["per_seed", "shared", "per_seed"]
    of_each_seed, shared, again = (fids for _, fids in seen)
    assert again == of_each_seed
    assert shared[1] != of_each_seed[1]
    # The noise of seed 0 is that which all seeds shared.
    assert shared[0] == of_each_seed[0]
