"""What a search claims is partly luck: a search is played through its scheduler, and its settings on fresh seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sweep.config.study import Study
from sweep.reporting.render.blocks import Table
from sweep.reporting.sections import read_study, search_claims_table
from sweep.reporting.sections.answer import answer
from sweep.store import open_store
from tests.helpers.played_studies import launched, play, worker


def study() -> Study:
    baseline = {"net": "mlp_small", "images": 80, "batch": 8, "lr": 1e-3}
    factors = {"lr": {"role": "nuisance", "range": [1e-4, 1e-2], "log": True}}
    design = {"kind": "search", "trials": 25, "search_sampler": "random", "confirm": 2}
    return Study.model_validate(
        {"name": "luck", "question": "?", "baseline": baseline, "factors": factors, "design": design, "seeds": 4}
    )


def lucky(train, _) -> float:
    """An FID that depends on the seed and on luck alone."""
    return 10.0 + float(np.random.default_rng((train.seed, int(train.lr * 1e12))).normal(0, 0.3))


def test_the_gain_of_a_search_by_luck_is_not_confirmed(store_url: str, tmp_path) -> None:
    store = open_store(store_url, patience_seconds=20)
    asked = study()
    record = launched(store, asked)
    play(store, asked, record.id, lucky, owner=worker(store))
    report = read_study(store.engine, "luck", files_root=tmp_path)
    claims = report.search_claims
    assert len(claims) == 2
    assert (claims["change"] > 0).all(), "the best of 25 equal trials are those with luck"
    first = claims.iloc[0]
    fresh = report.frames.scores
    fresh = fresh[(fresh["arm"] == first["arm"]) & (fresh["phase"] == "confirm")]["value"].to_numpy()
    low, high = stats.ttest_1samp(fresh, first["claimed"]).confidence_interval(0.95)
    assert (first["change_low"], first["change_high"]) == pytest.approx(
        (low - first["claimed"], high - first["claimed"])
    )
    assert "The search claimed" in answer(report).sentence
    (table,) = search_claims_table(report)
    assert isinstance(table, Table)
    assert "partly luck" in table.caption
    store.close()


def good_above(train, evaluation) -> float:
    """Learning rates above the baseline's are better by 2; the rest is luck."""
    return lucky(train, evaluation) - 2.0 * (train.lr > 2e-3)


def test_a_gain_that_is_real_is_confirmed_in_words(store_url: str, tmp_path) -> None:
    store = open_store(store_url, patience_seconds=20)
    asked = study()
    record = launched(store, asked)
    play(store, asked, record.id, good_above, owner=worker(store))
    report = read_study(store.engine, "luck", files_root=tmp_path)
    assert set(report.comparison.compared["verdict"]) == {"better"}
    gains = report.search_claims
    assert ((gains["gain_low"] < -2.0) & (gains["gain_high"] > -2.0)).all()
    said = answer(report)
    assert said.word == "better"
    assert said.sentence.startswith(f"The best setting on fresh seeds is {gains.iloc[0]['arm']} (lr = ")
    assert "% of the gain that it claimed" in said.sentence
    store.close()
