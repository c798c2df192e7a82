"""Scores of the runs before the end of their training, and differences that change their sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.reporting import sections
from sweep.reporting.render.blocks import FigureBlock, Html, Table
from sweep.reporting.sections import ReportedStudy
from sweep.reporting.sections.during_training import scores_over_images, sign_changes
from sweep.reporting.sections.levels import comparisons_by_level
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import make_store

LEVELS = ({}, {"training_share": 0.25}, {"training_share": 0.5}, {"ema_decay": 0.0})


def read(folder: Path, **level_effects: float) -> ReportedStudy:
    effects = {int(name[1:]): effect for name, effect in level_effects.items()}
    arms = [ArmSpec("baseline", {}), ArmSpec("lr=0.002", {"lr": 0.002}, effect=-1.2, level_effects=effects)]
    store = make_store(folder, StoreSpec(arms, levels=LEVELS, curves=False, grids=False))
    study = store.study()
    store.engine.dispose()
    return study


def test_a_difference_that_changes_its_sign_is_said_with_its_interval(tmp_path: Path):
    study = read(tmp_path, _1=2.4, _2=1.1)
    (decided,) = sign_changes(study, only_decided=True)
    assert "lr = 0.002" in decided
    assert "after 25 % (+1." in decided
    assert "after 50 %" not in decided  # its interval has 0 in it
    (every,) = sign_changes(study)
    assert "after 25 %" in every
    assert decided in sections.verdict(study)[1].html
    first = sections.during_training(study)[0]
    assert isinstance(first, Html)
    assert every in first.html


def test_a_difference_that_stays_is_no_warning(tmp_path: Path):
    study = read(tmp_path)
    assert list(sign_changes(study)) == []
    assert "changes its sign" in sections.during_training(study)[0].html


def test_curves_are_over_the_images_that_were_seen(tmp_path: Path):
    """Each earlier level scores 0.4 and 0.8 more than the end, as planted."""
    study = read(tmp_path)
    config = study.frames.cells["config"].iloc[0]
    steps = config["images"] // config["batch"]
    scores = scores_over_images(study)
    assert sorted(set(scores["images"])) == [round(share * steps) * config["batch"] for share in (0.25, 0.5, 1.0)]
    means = scores[scores["arm"] == "baseline"].groupby("training_share")["value"].mean()
    assert means[0.25] - means[1.0] == pytest.approx(0.4, abs=0.1)
    assert means[0.5] - means[1.0] == pytest.approx(0.8, abs=0.1)
    (curve, _) = [block for block in sections.during_training(study) if isinstance(block, FigureBlock)]
    assert len(curve.data) == 2 * 3


def test_earlier_weights_are_no_other_evaluation_of_the_finished_ones(tmp_path: Path):
    """The wrong rule warned that a verdict does not hold after a quarter of the training, as if that were a setting."""
    study = read(tmp_path, _1=1.2)
    assert list(comparisons_by_level(study)) == ["as decided", "ema_decay = 0"]
    blocks = sections.evaluation_factors(study)
    (table,) = [block for block in blocks if isinstance(block, Table) and block.name == "evaluation"]
    assert set(table.data["evaluation_level"]) == {"baseline level", "ema_decay = 0"}
