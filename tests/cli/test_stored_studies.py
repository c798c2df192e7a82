"""Studies in a store that this version does not understand."""

from __future__ import annotations

import sys

import pytest

from sweep.cli import main
from sweep.store import open_store
from tests.helpers.tiny_store import new_study


def test_a_study_of_another_version_is_refused_with_its_name(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(sqlite_url)
    new_study(store, spec={"name": "tiny", "of_tomorrow": 1})
    store.close()
    monkeypatch.setattr(sys, "argv", ["sweep", "extend", "tiny", "--seeds", "5", "--storage", sqlite_url])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 5
    what, why, _ = capsys.readouterr().err.splitlines()
    assert what == "error: study tiny was stored by a version of sweep that this one does not understand"
    assert why.startswith("  why: ")
