"""All scores in percent of the baseline: shares of the means of the store, marked where an interval excludes 0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweep.reporting.render.blocks import Table
from sweep.reporting.sections.curves import with_batches
from sweep.reporting.sections.scores import other_scores, scores_overview
from sweep.reporting.stats.comparison import compare_arms
from sweep.statistics.verdicts import excludes_zero
from tests.reporting.conftest import Store


def test_each_share_is_that_of_the_comparison_and_marks_are_of_intervals_without_0(store: Store) -> None:
    study = store.study()
    overview, _ = other_scores(study)
    assert isinstance(overview, Table)
    assert overview.tex is not None
    assert list(overview.tex["Arm"]) == list(study.comparison.compared["arm"])
    names = list(dict.fromkeys(overview.data["score"]))
    assert names[0] == "fid"
    assert set(names) == set(study.frames.scores["metric"])
    for name in names:
        comparison = compare_arms(study.frames, name)
        shares = overview.data[overview.data["score"] == name].set_index("arm")
        for row in comparison.compared.to_dict("records"):
            share = shares.loc[row["arm"], "difference_share"]
            assert np.isnan(share) or share == pytest.approx(row["difference"] / comparison.baseline_mean)
    column = overview.tex.columns[1]
    assert column == "FCD ↓"
    for shown, row in zip(overview.tex[column], study.comparison.compared.to_dict("records"), strict=True):
        marked = shown.startswith("▼" if row["difference"] < 0 else "▲")
        assert marked == excludes_zero(row["low"], row["high"])
    better = next(text for text in overview.tex[column] if text.startswith("▼"))
    assert "%" in better


def test_a_baseline_near_0_has_no_shares(store: Store) -> None:
    study = store.study()
    scores = study.frames.scores
    shifted = scores.assign(value=scores["value"].where(scores["metric"] != "kid", scores["value"] - 1e3))
    frames = replace(study.frames, scores=shifted)
    (table,) = scores_overview(study, [study.comparison, compare_arms(frames, "kid")])
    assert isinstance(table, Table)
    assert table.data.loc[table.data["score"] == "kid", "difference_share"].isna().all()
    assert table.data.loc[table.data["score"] == "fid", "difference_share"].notna().all()


def test_batches_of_a_point_are_the_steps_since_the_last_one() -> None:
    curves = pd.DataFrame(
        [(1, 1, name, step) for name in ("train_loss", "validation_loss") for step in (4, 8, 12, 13, 16)],
        columns=["arm_id", "run_id", "name", "step"],
    )
    batches = with_batches(curves.sample(frac=1.0, random_state=0)).sort_values(["name", "step"])
    assert batches.loc[batches["name"] == "train_loss", "batches"].tolist() == [4, 4, 4, 1, 3]
    assert batches.loc[batches["name"] == "validation_loss", "batches"].isna().all()


def test_points_of_one_batch_are_marked_in_the_figure(store: Store, tmp_path: Path) -> None:
    from sweep.reporting.sections import learning_curves

    study = store.study()
    curves = study.frames.curves
    single = curves["step"] == curves["step"].min()
    mixed = replace(study, frames=replace(study.frames, curves=curves.assign(step=curves["step"].where(~single, 1))))
    plain, marked = (learning_curves(each)[0] for each in (study, mixed))
    assert "open circles are of one" not in plain.caption
    assert "open circles are of one" in marked.caption
    assert plain.svg != marked.svg
