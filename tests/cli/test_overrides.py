"""`-s KEY=VALUE` on plan, launch, report and space diff means an edited study file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.config.overrides import parse_overrides
from sweep.config.study_file import load_study
from sweep.executors.register import register
from sweep.planning.plan import study_plan
from sweep.store import open_store
from tests.config.test_composed_files import BASE, written
from tests.helpers.played_studies import PROTOCOL

SMALL = "name: small\n" + BASE.replace("unet_8", "mlp_small")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_STORAGE", f"sqlite:///{tmp_path}/sweep.db")
    return written(tmp_path, small=SMALL).relative_to(tmp_path)


def typed(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    if code:
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return result.stdout


def launch_as_written(*texts: str) -> None:
    store = open_store(f"sqlite:///{Path.cwd()}/sweep.db")
    wanted = load_study("small.yaml", overrides=parse_overrides(texts))
    register(store, study_plan(wanted), PROTOCOL, accept_change=False)
    store.close()


def test_plan_counts_what_the_options_ask_for_and_says_how_to_launch_it(study):
    plain = json.loads(typed("plan", "small.yaml", "--no-measure", "--json"))
    more = json.loads(typed("plan", "small.yaml", "--no-measure", "--json", "-s", "seeds=5"))
    assert (plain["trainings"], more["trainings"]) == (4 * 3, 4 * 5)
    page = typed(
        "plan", "small.yaml", "--no-measure", "-s", "factors.schedule.levels=[cosine, quadratic]", "--set", "seeds=5"
    )
    assert "next: sweep launch small.yaml -s 'factors.schedule.levels=[cosine, quadratic]' -s seeds=5" in page


def test_the_study_that_is_shown_is_the_one_that_would_be_launched(study):
    shown = typed("plan", "small.yaml", "-s", "seeds=5", "-s", "baseline.lr=3e-4", "--show-study")
    Path("shown.yaml").write_text(shown)
    wanted = load_study("small.yaml", overrides={"seeds": 5, "baseline.lr": 3e-4})
    assert load_study("shown.yaml").model_dump() == wanted.model_dump()
    document = json.loads(typed("plan", "small.yaml", "-s", "seeds=5", "--show-study", "--json"))
    assert document["seeds"] == 5
    assert not Path("sweep.db").exists()


def test_a_launched_study_with_other_values_is_an_edited_one(study):
    launch_as_written()
    refused = typed("launch", "small.yaml", "--device", "cpu", "-s", "baseline.lr=3e-4", code=5)
    assert "study 'small' is in this store with another content" in refused
    changed = json.loads(typed("space", "diff", "small.yaml", "--json", "-s", "seeds=4"))
    assert [each["change"] for each in changed if each["seed"] == 3] == ["added"] * 4
    assert "-s seeds=4 --accept-change" in typed("space", "diff", "small.yaml", "-s", "seeds=4")


def test_a_report_finds_the_study_by_its_file_and_the_options_of_its_launch(study):
    launch_as_written("name=fast", "baseline.lr=3e-3")
    page = typed("report", "small.yaml", "-s", "name=fast", "-s", "baseline.lr=3e-3").strip()
    assert page == "reports/fast/report.html"
    assert Path(page).is_file()
    assert "launched with another content" in typed("report", "small.yaml", "-s", "name=fast", code=5)
    assert "no study named 'small'" in typed("report", "small.yaml", code=2)
    assert "fast is the name of a study" in typed("report", "fast", "-s", "seeds=3", code=2)
