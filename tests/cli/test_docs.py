"""`sweep docs` shows every page of the documentation, wherever the package is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.docs import page, titles
from sweep.errors import UsageError

ROOT = Path(__file__).parents[2]


def test_without_a_topic_all_pages_are_listed_with_their_titles() -> None:
    listed = CliRunner().invoke(app, ["docs"]).stdout
    assert all(f"{name} " in listed and title in listed for name, title in titles().items())
    assert {"quickstart", "designs", "security", "catalogue"} <= titles().keys()


def test_a_page_is_printed_as_it_is_written() -> None:
    assert (
        CliRunner().invoke(app, ["docs", "designs"]).stdout.strip()
        == (ROOT / "sweep/docs/designs.md").read_text().strip()
    )


def test_a_name_that_is_no_page_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="desings") as caught:
        page("desings")
    assert caught.value.next == "sweep docs designs"


def test_every_link_between_pages_leads_to_a_page() -> None:
    for folder, text in [
        *((ROOT / "sweep/docs", page(name)) for name in titles()),
        (ROOT, (ROOT / "README.md").read_text()),
        (ROOT, (ROOT / "CONTRIBUTING.md").read_text()),
    ]:
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert link.startswith("https://") or (folder / link).exists(), link
