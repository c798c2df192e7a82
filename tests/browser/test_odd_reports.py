"""Reports of odd studies in headless Chromium: readable, whole, and with the store's values in their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sweep.reporting.formatting import number
from sweep.reporting.sections import ReportedStudy
from tests.browser.conftest import Visit, page_of
from tests.helpers.report_specs import ArmSpec, StoreSpec, ablation
from tests.reporting.conftest import Store, make_store

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="document.title=1"><b>&amp;</b>'
SEEDS = range(3)
CASES: dict[str, StoreSpec] = {
    "empty study": StoreSpec([], question="Does anything help?"),
    "one seed": replace(ablation(), seeds=1),
    "all failed": StoreSpec(
        [
            ArmSpec("baseline", {}, failed=dict.fromkeys(SEEDS, ("failed", "oom", "CUDA out of memory"))),
            ArmSpec("lr=0.1", {"lr": 0.1}, failed=dict.fromkeys(SEEDS, ("infeasible", "nan", "not finite"))),
        ],
        seeds=3,
    ),
    "a score that is not finite": StoreSpec(
        [ArmSpec("baseline", {}), ArmSpec("lr=0.1", {"lr": 0.1}, unscored=(2,))], seeds=3
    ),
    "one arm short of a seed": StoreSpec(
        [ArmSpec("baseline", {}), ArmSpec("lr=0.1", {"lr": 0.1}, replicates=(0, 2))], seeds=3
    ),
    "200 arms": StoreSpec(
        [ArmSpec("baseline", {})] + [ArmSpec(f"lr={k}", {"lr": 1e-6 * k}, effect=k / 100) for k in range(1, 200)],
        seeds=3,
        levels=({}, {"ema_decay": 0.0}),
    ),
    "names with HTML in them": StoreSpec(
        [ArmSpec("baseline", {}), ArmSpec(HOSTILE, {"unknown": HOSTILE, "lr": 0.1})],
        seeds=3,
        question=f"Is {HOSTILE} safe?",
    ),
}
TOLD = {
    "empty study": "0 of 0 planned cells have a score",
    "one seed": "1 paired seed. An interval needs two seeds",
    "all failed": "CUDA out of memory",
    "a score that is not finite": "score is not finite",
    "one arm short of a seed": "never planned",
    "200 arms": "The figure shows 40 of 199 arms",
    "names with HTML in them": f"Is {HOSTILE} safe?",
}


@dataclass(frozen=True)
class Odd:
    store: Store
    study: ReportedStudy
    file: Path


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Odd]]:
    """`odd(case)`: its store and page, made once."""
    made: dict[str, Odd] = {}

    def page(case: str) -> Odd:
        if case not in made:
            folder = tmp_path_factory.mktemp("odd")
            store = make_store(folder, CASES[case])
            made[case] = Odd(store, page_of(store, folder / "report.html"), folder / "report.html")
        return made[case]

    yield page
    for each in made.values():
        each.store.engine.dispose()


@pytest.mark.parametrize("width", [400, 1100])
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] if case == "200 arms" else []) for case in CASES]
)
def test_an_odd_report_is_whole_and_readable(case: str, width: int, odd: Callable[[str], Odd], browser) -> None:
    made = odd(case)
    visit = Visit(browser, made.file, width=width)
    assert visit.requests == [visit.page.url]
    assert visit.complaints == []
    assert not visit.overflows()
    assert visit.page.title() == "digits"
    for drawn, pixels, described in visit.images():
        assert drawn
        assert pixels > 300
        assert len(described) > 30
    text = visit.page.inner_text("main")
    assert TOLD[case] in text
    assert not {"nan", "none", "inf", "undefined"} & set(text.lower().split())
    assert visit.page.locator(".verdict .badge").inner_text() in (
        "better",
        "worse",
        "no difference",
        "undecided",
    )
    assert_cells_equal_the_store(visit, made)
    visit.page.close()


def assert_cells_equal_the_store(visit: Visit, made: Odd) -> None:
    """Means, differences and seeds of the ablation table, from the planted scores."""
    rows = visit.rows("ablation")
    told = {key: value for key, value in made.store.told.items() if key != ("weighting=min_snr", 5)}
    decimals = made.study.decimals
    assert [row[0] for row in rows] == made.study.comparison.arms["arm"].tolist()
    base = {r: value for (arm, r), value in told.items() if arm == "baseline"}
    for arm, _verdict, mean, difference, seeds, *_ in rows:
        own = {r: value for (name, r), value in told.items() if name == arm}
        values = np.array(list(own.values()))
        assert seeds.split(" of ")[0] == str(len(own))
        assert mean.split(" ± ")[0] == number(float(values.mean()) if own else np.nan, decimals)
        common = sorted(set(own) & set(base))
        if arm != "baseline" and common:
            # FIDs are compared as ratios; the mean ratio is shown as a difference from the mean of the whole baseline.
            ratio = np.exp(np.mean([np.log(own[r] / base[r]) for r in common]))
            expected = float(np.mean(list(base.values())) * (ratio - 1))
            assert difference.split(" (")[0] == number(expected, decimals, signed=True)
