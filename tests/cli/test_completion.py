"""The shell completes names of studies and of pages."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sweep.cli.options import complete_study, complete_topic
from sweep.config.study import Study
from sweep.executors.register import register
from sweep.planning.plan import study_plan
from sweep.store import open_store
from tests.cli.test_control import PROTOCOL, SPEC


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_for_every_shell(shell):
    environment = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        [sys.executable, "-m", "sweep", "--show-completion", shell],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "sweep" in shown.stdout


def test_the_shell_completes_topics_and_studies(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEP_STORAGE", f"sqlite:///{tmp_path}/none.db")
    assert complete_topic("py") == ["python-api"]
    assert complete_study("") == []
    store = open_store(f"sqlite:///{tmp_path}/none.db")
    register(store, study_plan(Study.model_validate(SPEC)), PROTOCOL, accept_change=False)
    assert complete_study("ti") == ["tiny"]
    assert complete_study("x") == []
