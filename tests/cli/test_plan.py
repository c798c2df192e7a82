"""`sweep plan` says what a study is and what it can show, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study_file import load_study
from sweep.errors import DataError
from sweep.reporting.stats.power import power_of_rule
from sweep.store import open_store
from tests.helpers.image_folders import digits_folder, empty_images, study_text
from tests.helpers.played_studies import launched, play, worker

BASELINE = "name: s\nquestion: Is it?\nbaseline: {data: digits, net: mlp_small, T: 100}\n"
SWITCHES = """factors:
  schedule: {role: scientific, levels: [cosine]}
  optimizer: {role: scientific, levels: [radam]}
  loss: {role: scientific, levels: [huber]}
  lr: {role: scientific, levels: [1e-3]}
"""


@pytest.fixture
def planned(tmp_path):
    """Runs `sweep plan` on a study file's text; returns its JSON document and its printed page."""

    def run(text: str, url: str = f"sqlite:///{tmp_path}/none.db") -> tuple[dict, str]:
        file = tmp_path / "study.yaml"
        file.write_text(text)
        printed = []
        for more in (["--json"], []):
            result = CliRunner().invoke(
                app, ["plan", str(file), "--no-measure", "--device", "cpu", "--storage", url, *more]
            )
            assert result.exit_code == 0, result.output
            printed.append(result.stdout)
        return json.loads(printed[0]), " ".join(printed[1].split())

    return run


def test_a_fraction_prints_its_resolution_and_aliases(planned, tmp_path):
    """2^(4-1), d = abc (Montgomery, example 8.1): I = ABCD, so each pair is aliased with the other two factors."""
    told, page = planned(BASELINE + SWITCHES + "design: fractional\nseeds: 6\n")
    assert told["fraction"]["resolution"] == 4
    assert told["fraction"]["generators"] == {"lr": ["schedule", "optimizer", "loss"]}
    assert told["fraction"]["aliases"] == [
        "schedule x optimizer = loss x lr",
        "schedule x loss = optimizer x lr",
        "schedule x lr = optimizer x loss",
    ]
    assert len(told["arms"]) == 8
    assert "2^(4-1) fraction of resolution 4" in page
    assert "cannot be told apart: schedule x optimizer = loss x lr" in page
    assert not (tmp_path / "none.db").exists()


def test_power_is_that_of_the_deciding_test_at_the_stated_pilot(planned):
    told, page = planned(BASELINE + SWITCHES + "seeds: 4\npilot_sd: 0.5\nsmallest_effect: 0.1\n")
    power = told["power"]
    assert (power["arms"], power["test"]) == (4, "dunnett")
    assert power_of_rule(power["effect_in_sd"], 4, arms=4) == pytest.approx(0.8, abs=0.002)
    assert power["effect"] == pytest.approx(0.5 * power["effect_in_sd"])
    assert (
        power_of_rule(0.1 / 0.5, power["seeds_needed"], arms=4)
        >= 0.8
        > power_of_rule(0.1 / 0.5, power["seeds_needed"] - 1, arms=4)
    )
    assert "4 paired seeds: Dunnett's step-down test decides, over all 4 arms at once" in page
    assert "smallest_effect is not stated" not in page
    assert f"{power['seeds_needed']} seeds would be enough" in page


def test_a_pilot_in_the_store_is_used_where_baseline_and_protocol_match(planned, sqlite_url, tmp_path):
    file = tmp_path / "pilot.yaml"
    file.write_text(BASELINE.replace("name: s", "name: pilot") + "factors: {lr: {role: scientific, levels: [1e-3]}}\n")
    pilot = load_study(file)
    noise = {seed: float(value) for seed, value in enumerate(np.random.default_rng(0).normal(size=3))}

    def formula(train: TrainConfig, _evaluation: EvalConfig) -> float:
        return 20.0 + (noise[train.seed] if train.lr == 1e-3 else 0.0)

    store = open_store(sqlite_url)
    record = launched(store, pilot)
    play(store, pilot, record.id, formula, owner=worker(store))
    store.close()
    told, page = planned(BASELINE + SWITCHES, sqlite_url)
    logs = np.log1p(np.array(list(noise.values())) / 20.0)  # of a ratio, times the baseline's mean
    assert told["power"]["pilot_sd"] == pytest.approx(20.0 * np.std(logs, ddof=1))
    assert "of study pilot in the store" in page
    other, _ = planned((BASELINE + SWITCHES).replace("T: 100", "T: 200"), sqlite_url)
    assert "pilot_sd" not in other["power"]


def test_two_seeds_decide_nothing_and_no_arm_asks_for_no_power(planned):
    told, page = planned(BASELINE + SWITCHES + "seeds: 2\n")
    assert told["power"]["effect_in_sd"] is None
    assert "2 paired seeds cannot give a verdict" in page
    told, page = planned(BASELINE + "factors: {ema_decay: {role: evaluation, levels: [0, 0.9]}}\n")
    assert told["power"] is None
    assert "trainings saved: all levels of ema_decay are scored from one checkpoint" in page


def test_interim_analyses_are_told_with_their_levels(planned):
    told, page = planned(BASELINE + SWITCHES + "seeds: 12\ninterim_analyses: {at: [4, 8, 12]}\n")
    assert told["power"]["interim_analyses"]["levels"] == pytest.approx([0.00046, 0.0132, 0.0430], abs=5e-5)
    once, other = planned(BASELINE + SWITCHES + "seeds: 12\n")
    assert "smallest_effect is not stated, so reports take 1.3% of the baseline's score" in other
    assert told["power"]["effect_in_sd"] > once["power"]["effect_in_sd"]
    assert "interim analyses after 4, 8, 12 seeds: an arm may be decided below p = 0.00046, 0.013, 0.043" in page


def test_fewer_than_three_noise_sets_are_noted(planned):
    _, page = planned(BASELINE + SWITCHES + "protocol: {noise_sets: 2}\n")
    assert "note: at least 3 noise sets are needed" in page
    assert "noise sets are needed" not in planned(BASELINE + SWITCHES)[1]


def test_tuning_path_and_search_say_what_is_decided_later(planned):
    tuned = SWITCHES.replace("lr: {role: scientific, levels: [1e-3]}", "lr: {role: nuisance, range: [1e-5, 1e-2]}")
    told, page = planned(BASELINE + tuned + "tune: {trials: 5}\n")
    assert told["trainings"] == 4 * 5 + 4 * 3
    assert "lr tuned for each arm in 5 trials" in page
    told, page = planned(BASELINE + SWITCHES + "design: {kind: path, round_seeds: 2}\n")
    assert told["trainings"] == (4 + 3 + 2) * 2 + 5 * 3
    assert told["power"]["arms"] == 4
    assert "2 exploratory seeds" in page
    told, page = planned(BASELINE + SWITCHES + "design: {kind: search, trials: 10, confirm: 2}\n")
    assert told["trainings"] == 10 + 3 * 3
    assert "search over schedule, optimizer, loss, lr: 10 trials" in page
    assert "models at most" not in page
    _, page = planned(BASELINE + SWITCHES + "design: {kind: search, trials: 501, search_sampler: gp}\n")
    assert "search sampler gp models at most 500 of 501 scores" in page


def test_a_chain_shorter_than_the_usual_is_noted_and_not_refused(planned):
    short = BASELINE.replace("T: 100", "T: 100, sampling_steps: 10")
    told, page = planned(short + "factors: {T: {role: scientific, levels: [30, 49, 50]}}\n")
    assert told["short_chains"] == ["T=30", "T=49"]
    assert "note: T below 50 in T=30, T=49: " in page
    told, page = planned(BASELINE + SWITCHES)
    assert told["short_chains"] == []
    assert "note: " not in page


def test_the_hash_of_the_arms_is_the_one_that_the_launch_records(planned, sqlite_url, tmp_path):
    from sqlalchemy import text

    told, _ = planned(BASELINE + SWITCHES)
    store = open_store(sqlite_url)
    launched(store, load_study(Path(tmp_path / "study.yaml")))
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT arms_sha256 FROM revision")).scalar_one() == told["arms_sha256"]
    store.close()


def offline(tmp_path, monkeypatch) -> str:
    """A study of a data set that is not here and cannot be downloaded: every address is refused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    Path("study.yaml").write_text(
        "name: s\nquestion: Is it?\nbaseline: {data: fashion_mnist, net: mlp_small, T: 100}\n"
        "factors: {schedule: {role: scientific, levels: [cosine]}}\n"
    )
    return f"sqlite:///{tmp_path}/none/sweep.db"


@pytest.mark.slow
def test_without_the_data_only_the_times_are_left_out(tmp_path, monkeypatch):
    storage = offline(tmp_path, monkeypatch)
    result = CliRunner().invoke(app, ["plan", "study.yaml", "--device", "cpu", "--storage", storage])
    assert result.exit_code == 0, result.output
    assert "schedule=cosine" in result.stdout
    assert "6 trainings (3 seeds)" in result.stdout
    assert "ms a step" not in result.stdout
    assert "no times: " in result.stderr
    assert "SWEEP_DATA=DIR" in result.stderr


@pytest.mark.slow
def test_a_launch_without_the_data_leaves_no_store_behind(tmp_path, monkeypatch):
    storage = offline(tmp_path, monkeypatch)
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(app, ["launch", "study.yaml", "--device", "cpu", "--storage", storage])
    assert isinstance(result.exception, DataError), result.output
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.is_file()] == []
    assert not (tmp_path / "none").exists()


def test_a_plan_says_what_a_folder_of_images_holds_and_what_is_left_out(planned, tmp_path):
    folder = digits_folder(tmp_path / "images", 50)
    (folder / "3" / "deeper").mkdir()
    (folder / "3" / "deeper" / "x.png").touch()
    told, page = planned(study_text("s", folder))
    assert told["images"]["train"] == 40
    assert told["images"]["classes"] == 10
    assert "50 images in 10 classes: 40 for training, 5 for validation, 5 for testing" in page
    assert "left out: 1 file in deeper folders (3/deeper)" in page


@pytest.mark.parametrize("measure", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_plan_refuses_the_images_that_a_launch_refuses(tmp_path, measure):
    file, folder = tmp_path / "study.yaml", digits_folder(tmp_path / "images", 50)
    (folder / "0" / "torn.png").write_bytes(b"no image")

    def refused(path: Path) -> str:
        file.write_text(study_text("s", path))
        more = [] if measure else ["--no-measure"]
        result = CliRunner().invoke(app, ["plan", str(file), "--device", "cpu", *more])
        assert isinstance(result.exception, DataError)
        return str(result.exception)

    assert "torn.png" in refused(folder)
    assert "one class only" in refused(empty_images(tmp_path / "one" / "class", 50).parent)
    assert "no classes" in refused(empty_images(tmp_path / "flat", 50))
    assert "no folder" in refused(tmp_path / "absent")


def test_a_plan_says_that_a_learning_rate_still_grows_at_the_end(planned):
    assert "lr still grows" not in planned(BASELINE)[1]
    _, page = planned(BASELINE.replace("T: 100", "T: 100, images: 1000, warmup_images: 1000"))
    assert "lr still grows at the end of baseline: warmup_images is not less than images" in page
