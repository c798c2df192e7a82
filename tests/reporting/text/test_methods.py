"""The methods text says what the code does, and credits who did it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweep.config.study import Study
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.text.methods import methods_text
from sweep.store import Store, claim, finish_score, open_store
from sweep.store.records import Measurement, ScoreResult
from tests.helpers.played_studies import finish, launched, worker

MEASURED = ("fid", "kid", "inception_score", "precision", "recall", "density", "coverage", "bits_per_dim")


@pytest.fixture
def opened(sqlite_url: str) -> Iterator[Store]:
    store = open_store(sqlite_url)
    yield store
    store.close()


def text_of(store: Store, *, seeds: int = 3, **baseline: Any) -> str:
    """The paragraphs on a study of one arm, played to its end."""
    spec = {
        "name": "methods",
        "question": "?",
        "seeds": seeds,
        "protocol": {"noise_sets": 1},
        "baseline": {"net": "mlp_small", "images": 84, "batch": 8, "lr": 1e-3, "weight_decay": 0.01} | baseline,
        "factors": {"lr": {"role": "scientific", "levels": [2e-3]}},
    }
    record = launched(store, Study.model_validate(spec))
    me = worker(store)
    while (claimed := claim(store, record.id, me)) is not None:
        if claimed.kind == "train":
            finish(store, claimed, lambda config, _: config.lr)
            continue
        values = [Measurement(name, -1, claimed.train_config.lr * (1 + claimed.run_id), 0.1) for name in MEASURED]
        finish_score(store, claimed, ScoreResult(values, [], "c" * 64, 1.0, 1.0, 1.0))
    frames = load_frames(store.engine, "methods")
    return " ".join(methods_text(frames, compare_arms(frames))[0])


def test_a_net_is_called_what_it_is(opened: Store, tmp_path: Path) -> None:
    assert "with a multilayer perceptron (" in text_of(opened)


def test_a_setting_that_is_a_list_is_written_out(opened: Store) -> None:
    """It was looked up among the sources, where a list cannot be a key, and no report came of it."""
    assert "betas = [0.8, 0.9]" in text_of(opened, betas=(0.8, 0.9))


def test_torch_fidelity_is_credited_with_what_it_computes_alone(opened: Store) -> None:
    text = text_of(opened)
    theirs, ours = text.split("we computed ")[1].split(" with torch-fidelity (Obukhov et al. 2020); ")
    assert [name in theirs for name in ("FCD-eeeeeeee@64", "precision", "recall")] == [True] * 3
    ours = ours.split(" with ddpm-sweep's own code")[0]
    assert [name in ours for name in ("KID", "density", "coverage")] == [True] * 3
    assert "IS (Salimans et al. 2016) was computed from the extractor's logits with torch-fidelity" in text
    assert "We also computed bits/dim (Ho et al. 2020) with ddpm-sweep's own code." in text


def test_images_are_those_seen_and_settings_without_a_sentence_are_listed(opened: Store) -> None:
    text = text_of(opened, flip=True, x0_clip="dynamic")
    assert "for 80 images (10 steps of 8)" in text  # the last 4 of 84 fill no batch
    assert "; other settings: weight_decay = 0.01, flip = on." in text
    assert "; other settings: x0_clip = dynamic (Saharia et al. 2022): 64 in each of 1 noise set" in text


def test_a_training_on_the_bound_has_no_weighting(opened: Store) -> None:
    text = text_of(opened, objective="vlb", learned_variance=True)
    assert "the variational bound as its loss" in text
    assert "weighting" not in text


def test_only_seeds_with_a_score_were_used(opened: Store) -> None:
    study = Study.model_validate(
        {
            "name": "methods",
            "question": "?",
            "seeds": 3,
            "baseline": {"net": "mlp_small", "images": 80, "batch": 8},
            "factors": {"lr": {"role": "scientific", "levels": [2e-3]}},
        }
    )
    launched(opened, study)
    frames = load_frames(opened.engine, "methods")
    assert "used" not in " ".join(methods_text(frames, compare_arms(frames))[0])


def test_parts_of_plugins_are_named_with_the_hash_of_their_source(opened: Store) -> None:
    own = {"kind": "own", "source": "a" * 64, "parameters": {}}
    metric = own | {"part": "contrast", "better": "near_one"}
    text = text_of(opened, schedule=own | {"part": "power"}, extra_metrics=[metric], target="v")
    assert "schedule power of our own" in text
    named = "metric contrast (source sha256 aaaaaaaa) and schedule power (source sha256 aaaaaaaa)"
    assert f"2 parts are of our own, from plugins: {named}." in text
    assert "extra_metrics" not in text


def test_a_study_without_plugins_names_no_parts_of_its_own(opened: Store) -> None:
    assert "of our own" not in text_of(opened)
