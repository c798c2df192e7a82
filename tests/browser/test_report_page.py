"""The finished page in headless Chromium, offline."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sweep.reporting.render.notebook import ReportPaths, build_report
from tests.browser.conftest import Visit
from tests.helpers.report_specs import ablation
from tests.reporting.conftest import make_store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportPaths, dict[tuple[str, int], float]]:
    folder = tmp_path_factory.mktemp("browser")
    store = make_store(folder, ablation())
    paths = build_report(store.url, "digits", folder / "reports" / "digits", files_root=folder)
    store.engine.dispose()
    return paths, store.told


@pytest.fixture(params=[(400, "light"), (1100, "light"), (1100, "dark")], ids=["phone", "desk", "dark"])
def visit(request, browser, built) -> Iterator[Visit]:
    width, scheme = request.param
    visit = Visit(browser, built[0].html, width=width, scheme=scheme)
    yield visit
    visit.page.close()


def test_nothing_is_asked_for_and_nothing_complains(visit):
    assert visit.requests == [visit.page.url]  # Chromium tells no request for a data URI
    assert visit.complaints == []


def test_no_horizontal_scrolling_and_tables_scroll_in_their_box(visit):
    page = visit.page
    assert not visit.overflows()
    boxes = page.evaluate("[...document.querySelectorAll('.scroll')].map(b => [b.scrollWidth, b.clientWidth])")
    assert boxes
    if page.viewport_size["width"] == 400:
        assert any(inner > outer for inner, outer in boxes)
    else:
        assert all(inner <= outer for inner, outer in boxes)  # a desk shows every column


def test_every_column_of_every_table_fits_on_paper(browser, built):
    """A4 at Chromium's margins of 1 cm: 190 mm are 718 CSS pixels."""
    visit = Visit(browser, built[0].html, width=718)
    visit.page.emulate_media(media="print")
    widths = visit.page.evaluate(
        "[...document.querySelectorAll('table')].map(t => [t.id, t.getBoundingClientRect().right])"
    )
    assert len(widths) >= 8
    assert [table for table, right in widths if right > 718] == []
    visit.page.close()


def test_every_image_is_drawn_and_described(visit):
    images = visit.images()
    assert len(images) >= 8
    for complete, width, alt in images:
        assert complete
        assert width > 300
        assert len(alt) > 30
        assert "No description" not in alt


def test_the_answer_is_on_the_first_screen(visit, built):
    answer = visit.page.locator(".verdict .answer")
    assert answer.is_visible()
    box = answer.bounding_box()
    assert box["y"] + box["height"] < 450
    assert answer.inner_text().startswith("better schedule = cosine lowers FCD by")
    assert visit.page.title() == "digits"


def test_text_can_be_read_against_its_ground(visit):
    """Contrast of at least 4.5 (WCAG 2.2, 1.4.3) for words, badges and captions, light and dark."""
    colours = visit.page.evaluate(
        """() => {
          const ground = e => {
            for (; e; e = e.parentElement) {
              const c = getComputedStyle(e).backgroundColor;
              if (!/, 0\\)$/.test(c)) return c;
            }
            return 'rgb(255, 255, 255)';
          };
          return [...document.querySelectorAll('p, td, th, .badge, caption span, dd, dt, li, small')]
            .filter(e => e.innerText.trim())
            .map(e => [getComputedStyle(e).color, ground(e), e.className + ' ' + e.tagName]);
        }"""
    )
    for ink, ground, what in {tuple(colour) for colour in colours}:
        assert contrast(ink, ground) >= 4.5, (what, ink, ground)


def contrast(ink: str, ground: str) -> float:
    """WCAG 2.2 contrast ratio of two CSS colours."""
    light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(css: str) -> float:
    channels = np.array([float(part) for part in css[css.index("(") + 1 : -1].split(",")[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_cells_equal_the_stores_values(visit, built):
    rows = visit.rows("ablation")
    told = built[1]
    assert [row[0] for row in rows] == [
        "baseline",
        "schedule=cosine",
        "lr=0.002",
        "weighting=min_snr",
        "schedule=linear",
    ]
    for row in rows:
        counted = [r for r in range(8) if (row[0], r) in told and (row[0], r) != ("weighting=min_snr", 5)]
        values = np.array([told[row[0], r] for r in counted])
        assert row[2] == f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"
        if row[0] != "baseline":
            # FIDs are compared as ratios; the mean ratio is shown as a difference from the mean of the whole baseline.
            ratio = np.exp(np.mean([np.log(told[row[0], r] / told["baseline", r]) for r in counted]))
            difference = np.mean([told["baseline", r] for r in range(8)]) * (ratio - 1)
            assert row[3].replace("\N{MINUS SIGN}", "-").startswith(f"{difference:+.3f} (")
            assert row[1] in ("better", "worse", "no difference", "undecided")
    text = visit.page.inner_text("main")
    assert "nan" not in text.lower().split()
    assert "$" not in text


def test_index_links_to_the_report(browser, built):
    visit = Visit(browser, built[0].index, width=400)
    assert visit.complaints == []
    visit.page.click("a")
    assert visit.page.url == built[0].html.as_uri()
    visit.page.close()
