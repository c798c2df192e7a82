"""Studies in a store that this version does not understand."""

from __future__ import annotations

import sys

import pytest
from sqlalchemy import update

from sweep.cli import main
from sweep.store import open_store
from sweep.store.sql.schema import REVISION
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


@pytest.mark.parametrize("spec", ["a text", {"baseline": "a text"}])
@pytest.mark.parametrize("command", [("status",), ("status", "tiny"), ("doctor",), ("report", "tiny")])
def test_a_study_whose_values_were_altered_is_refused(
    spec: object,
    command: tuple[str, ...],
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = open_store(sqlite_url)
    new_study(store)
    store.write(lambda connection: connection.execute(update(REVISION).values(spec=spec)))
    store.close()
    monkeypatch.setattr(sys, "argv", ["sweep", *command, "--storage", sqlite_url])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 5
    printed = capsys.readouterr()
    text = " ".join((printed.out + printed.err).split())
    assert "study tiny was stored by a version of sweep that this one does not understand" in text
    assert "SWEEP_DEBUG" not in text


@pytest.mark.parametrize(
    ("option", "what"),
    [
        (("--state", "faild"), "error: no state of a cell named 'faild'; did you mean 'failed'?"),
        (("--arm", "baselin"), "error: no arm named 'baselin' in study 'tiny'; did you mean 'baseline'?"),
    ],
)
def test_cells_of_an_unknown_state_or_arm_are_refused(
    option: tuple[str, str],
    what: str,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = open_store(sqlite_url)
    new_study(store)
    store.close()
    monkeypatch.setattr(sys, "argv", ["sweep", "trials", "ls", "tiny", *option, "--storage", sqlite_url])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines()[0] == what
