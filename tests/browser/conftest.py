"""Headless Chromium, and pages of the report that need no kernel."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, Page, sync_playwright

from sweep.reporting import sections
from sweep.reporting.frames.study_ref import find_study_ref
from sweep.reporting.render.blocks import display_bundles
from sweep.reporting.render.html import export_html
from sweep.reporting.render.notebook import build_notebook
from sweep.reporting.sections import ReportedStudy
from tests.helpers.chromium import find_chromium
from tests.reporting.conftest import Store


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """An open page, and all that it asked for or complained of."""

    def __init__(self, browser: Browser, file: Path, *, width: int, scheme: str = "light") -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())

    def overflows(self) -> bool:
        """Whether the page itself scrolls sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def images(self) -> list[tuple[bool, int, str]]:
        """(drawn, width in pixels, description) of every image."""
        return [
            tuple(i) for i in self.page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth, i.alt])")
        ]

    def rows(self, table: str) -> list[list[str]]:
        """The first line of every cell of a table."""
        told: list[list[str]] = self.page.evaluate(
            "id => [...document.querySelectorAll(`#${id} tbody tr`)].map(r => [...r.cells]"
            ".map(c => c.innerText.split('\\n')[0]))",
            table,
        )
        return told


def page_of(store: Store, file: Path) -> ReportedStudy:
    """The page of a store's study, each cell of its notebook run in this process: a kernel takes seconds to start."""
    study = store.study()
    book = build_notebook(find_study_ref(store.engine, "digits"), as_of=None)
    for cell in book.cells:
        if cell["source"].startswith("show_blocks("):
            blocks = getattr(sections, cell["id"])(study)
            cell["outputs"] = [_output(*bundle) for block in blocks for bundle in display_bundles(block)]
    file.write_text(export_html(book), encoding="utf-8")
    return study


def _output(data: dict[str, str | bytes], metadata: dict[str, dict[str, str]]) -> NotebookNode:
    text = {kind: base64.b64encode(v).decode() if isinstance(v, bytes) else v for kind, v in data.items()}
    output: NotebookNode = nbformat.v4.new_output("display_data", text, metadata=metadata)
    return output
