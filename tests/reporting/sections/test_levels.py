"""A verdict that depends on the evaluation level is told with that."""

from __future__ import annotations

import numpy as np
import pytest

from sweep.reporting import sections
from sweep.reporting.render.blocks import Table
from sweep.reporting.sections.levels import comparisons_by_level, level_warnings
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import make_store

LEVELS = ({}, {"ema_decay": 0.99}, {"ema_decay": 0.0})


def read(folder, **arm):
    arms = [ArmSpec("baseline", {}), ArmSpec("lr=0.002", {"lr": 0.002}, effect=-1.2, **arm)]
    store = make_store(folder, StoreSpec(arms, levels=LEVELS, curves=False, grids=False))
    study = store.study()
    store.engine.dispose()
    return study


def test_a_verdict_that_turns_or_fades_at_another_level_is_a_warning(tmp_path):
    study = read(tmp_path, level_effects={1: 2.4, 2: 1.2})
    turned, faded = level_warnings(study)
    assert "lr = 0.002 is better as decided" in turned
    assert "the opposite at ema_decay = 0.99" in turned
    assert "does not show that at ema_decay = 0" in faded
    assert turned in sections.verdict(study)[1].html


def test_a_verdict_that_holds_everywhere_has_none(tmp_path):
    assert list(level_warnings(read(tmp_path))) == []


def test_differences_at_a_level_are_those_of_its_scores(tmp_path):
    """By hand: the mean ratio of paired scores at that level, times the baseline's mean there."""
    study = read(tmp_path, level_effects={1: 2.4})
    scores = study.frames.scores
    scores = scores[(scores["metric"] == "fid") & (scores["evaluation_level"] == "ema_decay = 0.99")]
    table = scores.pivot_table(index="replicate", columns="arm", values="value")
    ratio = np.exp(np.log(table["lr=0.002"] / table["baseline"]).mean())
    level = comparisons_by_level(study)["ema_decay = 0.99"]
    assert level.compared["difference"].iloc[0] == pytest.approx((ratio - 1) * table["baseline"].mean())
    (shown,) = [
        block
        for block in sections.evaluation_factors(study)
        if block.name == "level_differences" and isinstance(block, Table)
    ]
    assert set(shown.data["evaluation_level"]) == {"as decided", "ema_decay = 0.99", "ema_decay = 0"}
