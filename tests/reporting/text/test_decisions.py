"""Decisions after scores were known, made by the command on a real store, are shown in the report with the scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweep.config.study import Study
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.text.warnings import warnings_of
from sweep.store import claim, fail, open_store
from sweep.store import study as stored_study
from sweep.store.states import FailureClass
from sweep.store.studies.control import exclude
from tests.helpers.played_studies import launched, play, worker
from tests.helpers.tiny_studies import ABLATION
from tests.helpers.typed_commands import Command

TWO_ARMS = ABLATION | {
    "seeds": 3,
    "factors": {"schedule": {"role": "scientific", "levels": ["cosine", "linear"]}},
}


class Typed:
    """A study file beside a store; each command ends well."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "tiny.yaml"
        self.typed = Command(folder / "sweep.db", folder / "files", self.file)

    def run(self, *words: str) -> str:
        process = self.typed.start(*words)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (words, out, err)
        return out

    def launch(self, study: dict[str, Any], *words: str) -> None:
        self.file.write_text(yaml.safe_dump(study))
        self.run("launch", str(self.file), "--device", "cpu", *words)

    def frames(self, name: str = "tiny"):
        store = open_store(f"sqlite:///{self.typed.database}")
        frames = load_frames(store.engine, name)
        store.close()
        return frames

    def warned(self, name: str = "tiny") -> str:
        return " ".join(warnings_of(self.frames(name)))


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Iterator[Typed]:
    typed = Typed(tmp_path_factory.mktemp("typed"))
    typed.launch(TWO_ARMS)
    yield typed
    typed.typed.wait_for_strays()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_decision_that_the_command_makes_after_scores_is_shown(scored: Typed) -> None:
    assert "known" not in scored.warned()
    known = "after 9 scores were known (means: baseline "
    steps: list[tuple[dict[str, Any], str]] = [
        ({"smallest_effect": 0.5}, "changed the smallest effect of interest (from none to 0.5) " + known),
        ({"metric": "kid"}, "changed the score that decides (from fid to kid) " + known),
        ({"metric": "fid"}, "changed the score that decides (from kid to fid) " + known),
        ({"question": "Does it help?"}, "changed the question " + known),
    ]
    study = dict(TWO_ARMS)
    for change, sentence in steps:
        study |= change
        scored.launch(study, "--accept-change")
        assert sentence in scored.warned()
    runs = [cell for cell in scored.frames().cells.to_dict("records") if cell["arm"] == "schedule=cosine"]
    scored.run("trials", "exclude", "tiny", str(runs[0]["run_id"]), "--reason", "it looked odd")
    assert "Seed 0 of schedule=cosine was excluded " + known in scored.warned()
    assert "The reason given: it looked odd." in scored.warned()
    dropped = study | {"factors": {"schedule": {"role": "scientific", "levels": ["cosine"]}}}
    scored.launch(dropped, "--accept-change")
    assert "dropped schedule=linear " + known in scored.warned()
    assert compare_arms(scored.frames()).family == 2, "the dropped arm still counts"
    scored.run("extend", "tiny", "--seeds", "+1")
    assert "changed the number of seeds (from 3 to 4) " + known in " ".join(scored.warned().split())
    scored.launch(dropped | {"seeds": 4}, "--accept-change")
    other = dropped | {"seeds": 4, "baseline": dropped["baseline"] | {"lr": 2e-3}}
    scored.launch(other, "--accept-change")
    assert "changed the baseline after" in scored.warned()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_changed_protocol_more_seeds_and_repeated_failures_are_shown(tmp_path: Path) -> None:
    typed = Typed(tmp_path)
    typed.launch(ABLATION | {"seeds": 3})
    known = "after 6 scores were known (means: baseline "
    study = ABLATION | {"seeds": 3, "protocol": ABLATION["protocol"] | {"n": 48}}
    typed.launch(study, "--accept-change")
    assert "changed the protocol " + known in typed.warned()
    assert "6 scores under other protocols (another extractor, reference, N or noise sets) are left" in typed.warned()
    study |= {"seeds": 4}
    typed.launch(study, "--accept-change")
    assert "changed the number of seeds (from 3 to 4) " + known in typed.warned()
    typed.run("extend", "tiny", "--seeds", "+1")
    assert "changed the number of seeds (from 4 to 5) after 8 scores were known" in typed.warned()
    assert "If seeds were added because of the scores" in typed.warned()
    # A worker whose machine fails: nothing in a command makes hardware break.
    store = open_store(f"sqlite:///{typed.typed.database}")
    record = stored_study(store, "tiny")
    broken = claim(store, record.id, worker(store))
    assert broken is not None
    fail(store, broken, FailureClass.INFRA, "the disk is gone", final=True)
    store.close()
    assert "Failures were repeated" not in typed.warned()
    typed.run("trials", "rerun", "tiny", "--failed", "infra")
    assert "Failures were repeated after 8 scores were known (means: baseline " in typed.warned()
    study |= {"seeds": 6, "interim_analyses": {"at": [3, 6]}}
    typed.launch(study, "--accept-change")
    assert "changed the number of seeds (from 5 to 6) and the interim analyses after" in typed.warned()
    typed.run("report", "tiny", "-o", str(tmp_path / "report"))
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Read this first" in page
    assert page.count("Failures were repeated after 8 scores were known") == 2  # above, and in the checklist
    typed.typed.wait_for_strays()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_study_with_the_same_question_is_named(scored: Typed) -> None:
    again = TWO_ARMS | {"name": "tiny-again", "question": "Another wording?", "first_seed": 100}
    first = scored.frames().spec
    assert first["name"] == "tiny"
    scored.launch(again | {"question": scored.frames().question})
    assert "The store has 1 other study with the same question: tiny (" in scored.warned("tiny-again")


def study(name: str, **changes: Any) -> Study:
    baseline = {"net": "mlp_small", "images": 80, "batch": 8, "lr": 1e-3}
    factors = {"lr": {"role": "scientific", "levels": [2e-3, 3e-3]}}
    return Study.model_validate(
        {"name": name, "question": name, "baseline": baseline, "factors": factors, "seeds": 3} | changes
    )


def test_changes_before_any_score_and_harmless_ones_are_no_decisions(store_url: str) -> None:
    store = open_store(store_url, patience_seconds=20)
    launched(store, study("early"))
    record = launched(store, study("early", smallest_effect=0.3), accept_change=True)
    play(store, study("early"), record.id, lambda train, _: train.lr * 1e3, owner=worker(store))
    launched(store, study("early", smallest_effect=0.3, budget={"gpu_hours": 3}), accept_change=True)
    assert "known" not in " ".join(warnings_of(load_frames(store.engine, "early")))
    store.close()


def test_another_wording_of_the_same_study_is_the_same_question(store_url: str) -> None:
    store = open_store(store_url, patience_seconds=20)
    for name in ("first", "second"):
        record = launched(store, study(name))
        play(store, study(name), record.id, lambda train, _: train.lr * 1e3, owner=worker(store, name))
    launched(store, study("other", factors={"T": {"role": "scientific", "levels": [500]}}))
    assert any("first (9 scores)" in text for text in warnings_of(load_frames(store.engine, "second")))
    assert not any("same question" in text for text in warnings_of(load_frames(store.engine, "other")))
    store.close()


def test_failures_that_are_repeated_after_scores_are_told(store_url: str) -> None:
    from sweep.store.studies.control import rerun

    store = open_store(store_url, patience_seconds=20)
    asked = study("again")
    record = launched(store, asked)
    fails = lambda train, _: FailureClass.INFRA if train.lr == 3e-3 else train.lr * 1e3
    play(store, asked, record.id, fails, owner=worker(store))
    assert rerun(store, record.id, [FailureClass.INFRA]) == 3
    told = " ".join(warnings_of(load_frames(store.engine, "again")))
    assert "Failures were repeated after 6 scores were known (means: baseline 1, lr=0.002 2)" in told
    exclude(store, int(load_frames(store.engine, "again").cells["cell_id"].iloc[0]), "broken")
    assert "Seed 0 of baseline was excluded after 6 scores" in " ".join(warnings_of(load_frames(store.engine, "again")))
    store.close()
