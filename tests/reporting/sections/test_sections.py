"""All sections on stores that are odd: readable text, no NaN, nothing unescaped, numbers equal to the store's."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from sweep.reporting import sections
from sweep.reporting.figures.search import importance_bars
from sweep.reporting.figures.style import arm_styles
from sweep.reporting.figures.svg import DARK
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.metrics import extractor_of
from sweep.reporting.render.blocks import FigureBlock, Table, write_files
from sweep.reporting.render.notebook import SECTIONS, SHOWN_WHERE
from sweep.reporting.sections.answer import answer
from sweep.reporting.sections.curves import with_seconds
from sweep.reporting.sections.diffusion import read_grid
from sweep.reporting.sections.evaluation import on_front
from sweep.reporting.sections.ledger import cost_by_arm, not_captured
from sweep.reporting.sections.sample_strips import strip, with_clear_gaps
from sweep.reporting.sections.search import trials_of
from sweep.reporting.text.warnings import warnings_of
from sweep.store.records import ExecutionRecord
from sweep.store.states import StepExecution
from tests.helpers.report_specs import COMMIT, ArmSpec, StoreSpec, ablation, gpu_worker
from tests.reporting.conftest import make_store

HOSTILE = '<img src=x onerror="alert(1)">&$a_b$'


class Text(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.words.append(data)


def rendered(study, folder) -> str:
    """Text of the whole report without a kernel; every block is written and every figure decoded."""
    parts = []
    for name, _ in SECTIONS:
        if name in SHOWN_WHERE and not SHOWN_WHERE[name](study.frames.study_ref):
            continue
        blocks = getattr(sections, name)(study)
        assert blocks or name == "since_last", name
        for block in blocks:
            write_files(block, folder)
            if isinstance(block, FigureBlock):
                assert block.alt
                for image in (block.svg, block.narrow_svg):
                    shapes = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(image).iter()}
                    assert shapes & {"path", "image"}
                    assert not shapes & {"script", "a"}
                assert block.pdf.startswith(b"%PDF")
            parts.append(escape(f"{block.alt} {block.caption}") if isinstance(block, FigureBlock) else block.html)
    told = " ".join(parts)
    page = Text(told)
    assert not page.tags & {"img", "script", "link", "iframe"}
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", " ".join(page.words)), re.findall(r".{40}\bnan\b.{20}", told)
    return told


SPECS = {
    "nothing planned": StoreSpec([]),
    "only a baseline": StoreSpec([ArmSpec("baseline", {})], seeds=1),
    "one seed": replace(ablation(), seeds=1, curves_from=3000),
    "all failed": StoreSpec(
        [
            ArmSpec("baseline", {}, failed=dict.fromkeys(range(3), ("failed", "oom", "CUDA out of memory"))),
            ArmSpec("lr=0.1", {"lr": 0.1}, failed=dict.fromkeys(range(3), ("infeasible", "nan", "not finite"))),
        ],
        seeds=3,
    ),
    "an arm short of a seed": StoreSpec(
        [ArmSpec("baseline", {}), ArmSpec("lr=0.1", {"lr": 0.1}, replicates=(0, 2))], seeds=3, curves=False
    ),
    "names with markup": StoreSpec(
        [ArmSpec("baseline", {}), ArmSpec(HOSTILE, {"unknown": HOSTILE, "lr": 0.1})],
        seeds=3,
        question=f"Is {HOSTILE} safe?",
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_odd_studies_are_readable(tmp_path, case):
    store = make_store(tmp_path, SPECS[case])
    told = rendered(store.study(), tmp_path)
    expected = {
        "nothing planned": "0 of 0 planned cells have a score",
        "only a baseline": "1 of 1 planned cell have a score",
        "one seed": "1 paired seed. An interval needs two seeds",
        "all failed": "CUDA out of memory",
        "an arm short of a seed": "never planned",
        "names with markup": "&lt;img src=x",
    }
    assert expected[case] in told
    for file in (tmp_path / "tables").glob("*.tex"):
        assert file.read_text().isascii()
    store.engine.dispose()


@pytest.mark.slow
def test_two_hundred_arms(tmp_path):
    arms = [ArmSpec("baseline", {})] + [ArmSpec(f"lr={k}", {"lr": 1e-6 * k}, effect=k / 100) for k in range(1, 200)]
    store = make_store(tmp_path, StoreSpec(arms, seeds=2, grids=False, curves=False))
    told = rendered(store.study(), tmp_path)
    assert "The figure shows 40 of 199 arms" in told
    assert told.replace("<wbr>", "").count('scope="row">lr=199<') >= 1
    store.engine.dispose()


def test_a_search_is_shown_and_decides_nothing(tmp_path):
    trials = [
        ArmSpec(f"trial {k}", {"lr": 1e-4 * k}, replicates=(0,), phase="search", effect=(k - 7) ** 2 / 50)
        for k in range(1, 15)
    ]
    design = {"kind": "search", "trials": 14}
    factors = {"lr": {"role": "nuisance", "range": [1e-4, 2e-3]}}
    arms = [ArmSpec("baseline", {}, replicates=()), *trials]
    store = make_store(tmp_path, StoreSpec(arms, design=design, factors=factors, grids=False))
    study = store.study()
    told = rendered(study, tmp_path)
    assert "there is no verdict" in told
    assert answer(study).word == "undecided"
    assert 'class="badge better"' not in told
    frame = trials_of(study.frames)
    assert frame["best_so_far"].is_monotonic_decreasing
    assert frame["lr"].tolist() == [trial.changes["lr"] for trial in trials]
    best = next(block for block in sections.search(study) if isinstance(block, Table))
    assert best.data["value"].iloc[0] == min(store.told.values())
    store.engine.dispose()


def test_candidates_of_a_path_have_no_number_and_are_counted(tmp_path):
    steps = [ArmSpec(f"step {k}", {"lr": 1e-4 * k}, replicates=(0,), phase="search") for k in range(1, 4)]
    spec = StoreSpec([ArmSpec("baseline", {}), *steps], seeds=2, design={"kind": "path"}, grids=False, curves=False)
    store = make_store(tmp_path, spec)
    study = store.study()
    assert "Each trial has few seeds" in rendered(study, tmp_path)
    assert trials_of(study.frames)["trial_number"].tolist() == [0, 1, 2]
    store.engine.dispose()


def test_importances_are_drawn_beside_what_chance_reaches():
    import pandas as pd

    rows = [("lr", 0.8, 0.3, True), ("T", 0.2, 0.25, False)]
    bars = pd.DataFrame(rows, columns=["factor", "importance", "chance", "beyond_chance"])
    (block,) = sections.importance(bars, trials=20, permutations=99)
    assert isinstance(block, FigureBlock)
    assert block.caption.startswith("Beyond chance: lr. PED-ANOVA importance")
    assert "95th percentile" in block.caption
    assert "99 permutations" in block.caption
    assert "20 trials are few" in block.caption
    (axes,) = importance_bars(bars, width=6).axes
    (lines,) = (each for each in axes.collections if len(each.get_segments()) == 2)
    assert [segment[0][0] for segment in lines.get_segments()] == [0.3, 0.25]
    assert "T 20 % (by chance up to 25 %)" in block.alt
    assert sections.importance(bars.iloc[:0], trials=0, permutations=99)
    (nothing,) = sections.importance(bars.iloc[1:], trials=90, permutations=99)
    assert nothing.caption.startswith("No factor is beyond chance.")


def test_a_factorial_gets_its_interactions(tmp_path):
    arms = [ArmSpec("baseline", {})] + [
        ArmSpec(f"{s} + {w}", {k: v for k, v in (("schedule", s), ("weighting", w)) if v}, effect=e)
        for s, w, e in (("cosine", "", -1.0), ("", "min_snr", 0.5), ("cosine", "min_snr", -2.0))
    ]
    store = make_store(tmp_path, StoreSpec(arms, seeds=3, design={"kind": "factorial"}, grids=False, curves=False))
    study = store.study()
    rendered(study, tmp_path)
    tested, block = sections.interactions(study)
    assert isinstance(block, FigureBlock)
    assert isinstance(tested, Table)
    means = block.data.set_index(["schedule", "weighting"])["mean"]
    told = np.mean([store.told["cosine + min_snr", r] for r in range(3)])
    assert means["cosine", "min_snr"] == pytest.approx(told)
    store.engine.dispose()


def test_the_whole_ablation(store, tmp_path):
    study = store.study()
    told = rendered(study, tmp_path)
    assert "schedule = cosine lowers FCD by" in told
    assert "confounded" in told  # T = 250 with the unscaled linear schedule ends with signal left
    assert "FID@" not in told  # plain FID is only ever Inception's
    assert COMMIT[:12] in told


def test_the_ablation_table_holds_the_means_of_the_store(store):
    study = store.study()
    (block,) = sections.ablation(study)
    assert isinstance(block, Table)
    assert block.tex is not None
    for arm, shown in zip(block.tex["Arm"], block.tex["Mean ± SD"], strict=True):
        values = [v for (name, r), v in store.told.items() if name == arm and (name, r) != ("weighting=min_snr", 5)]
        assert shown == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def test_warnings_name_what_is_mixed(tmp_path):
    changed = {"source": {"commit": "f" * 40, "dirty": True}, "versions": {"torch": "2.11.0", "numpy": "2.4.6"}}
    arms = [ArmSpec("baseline", {}), ArmSpec("lr=1", {"lr": 1.0})]
    store = make_store(tmp_path, StoreSpec(arms, seeds=4, workers=(gpu_worker(0), gpu_worker(1, **changed))))
    told = " ".join(warnings_of(store.study().frames))
    assert "2 versions of the source code: 0123456789 and ffffffffff" in told
    assert "uncommitted" in told
    assert "Fast 100 and Fast 101" in told
    assert "versions of torch." in told
    store.engine.dispose()


@pytest.mark.parametrize(
    ("name", "shown"), [("classifier", "classifier abababab"), ("mnist-abababab", "mnist-abababab")]
)
def test_an_extractor_is_told_with_its_hash_once(name, shown):
    assert extractor_of({"extractor": name, "extractor_sha256": "ab" * 32}) == shown


def test_fewer_than_three_noise_sets_are_called_too_few(store):
    frames = store.study().frames
    assert not any("noise set" in text for text in warnings_of(frames))
    few = replace(frames, protocol={**frames.protocol, "noise_sets": [0, 1]})
    assert any("2 noise sets; at least 3 are needed" in text for text in warnings_of(few))


def test_interim_reading_is_called_interim(tmp_path):
    arms = [ArmSpec("baseline", {}), ArmSpec("lr=1", {"lr": 1.0})]
    store = make_store(tmp_path, StoreSpec(arms, seeds=4), pieces=15)  # 8 trainings and all scores but the last
    assert any("1 of 8 planned cells are not finished" in text for text in warnings_of(store.study().frames))
    store.engine.dispose()


def test_costs_add_up_and_count_each_run_once(store):
    spent = cost_by_arm(store.study()).set_index("arm")
    assert spent.at["baseline", "training"] == 8 * 120.0
    # five readings of eight runs: 50, 50, 50, 10 and 100 steps at 0.4 s
    assert spent.at["baseline", "sampling"] == pytest.approx(8 * 0.4 * 260)
    parts = ["training", "sampling", "features", "statistics"]
    assert spent["total"].to_numpy() == pytest.approx(spent[parts].sum(axis=1).to_numpy())
    assert spent.at["whole study", "total"] == pytest.approx(spent["total"].iloc[:-1].sum())


def test_seconds_come_from_the_speed_told(store):
    curves = with_seconds(store.study().frames.curves)
    last = curves[(curves["name"] == "validation_loss")].groupby("run_id")["seconds"].last()
    last = last[last > 40]  # one run diverged early
    assert len(last) == 39
    assert last.to_numpy() == pytest.approx(7812 * 128 / 8000.0, rel=1e-6)


def test_the_front_holds_what_nothing_beats():
    import pandas as pd

    points = pd.DataFrame({"mean": [3.0, 2.0, 2.5, 2.0], "seconds": [1.0, 2.0, 3.0, 2.0]})
    assert on_front(points, lower_is_better=True) == [True, True, False, True]
    assert on_front(points, lower_is_better=False) == [True, False, False, False]


def test_a_strip_holds_the_first_rows_in_order():
    """scoring.score.grid_of writes 64 images row by row; image k is all k here."""
    sheet = np.repeat(np.repeat(np.arange(64, dtype=np.uint8).reshape(8, 8), 5, axis=0), 5, axis=1)
    assert strip(sheet)[2, 2::6].tolist() == list(range(8))
    shown = strip(sheet, rows=2)
    assert shown.shape == (5, 16 * 5 + 15)
    assert shown[2, 2::6].tolist() == list(range(16))
    assert (shown[:, 5::6] == 255).all()
    assert strip(np.stack([sheet] * 3, axis=-1)).shape == (5, 47, 3)
    assert strip(sheet[:7]).shape == (7, 40)


def test_gaps_between_samples_have_the_colour_of_the_page():
    sheet = np.full((40, 40), 7, np.uint8)
    for shown in (strip(sheet), strip(np.stack([sheet] * 3, axis=-1))):
        clear = with_clear_gaps(shown)
        assert clear.shape == (5, 47, 4)
        is_gap = np.arange(47) % 6 == 5
        assert (clear[:, is_gap, 3] == 0).all()
        assert (clear[:, ~is_gap] == [7, 7, 7, 255]).all()
    assert with_clear_gaps(sheet) is sheet


def test_altered_or_foreign_sheets_are_not_shown(store, tmp_path):
    row = store.study().frames.grids.iloc[0]
    assert read_grid(store.files, row["path"], row["sha256"]) is not None
    assert read_grid(store.files, row["path"], "0" * 64) is None
    assert read_grid(store.files / "grids", "../store.db", row["sha256"]) is None
    assert read_grid(tmp_path, row["path"], row["sha256"]) is None


@pytest.mark.parametrize(
    ("execution", "sentence"),
    [
        (ExecutionRecord(StepExecution.CAPTURED), "on GPUs launched their step as one CUDA graph."),
        (ExecutionRecord(StepExecution.EAGER, "no <stream>"), "The most frequent reason: no <stream>."),
        (None, ""),
    ],
)
def test_the_cost_table_says_whether_steps_were_captured(tmp_path, execution, sentence):
    store = make_store(tmp_path, ablation(seeds=2, grids=False, execution=execution))
    described = not_captured(load_frames(store.engine, "digits").attempts)
    assert described.endswith(sentence)
    assert bool(described) == bool(sentence)


def test_arms_differ_without_colour():
    """In grey, a line is told by its marker and its dashes."""
    styles = list(arm_styles([f"arm {k}" for k in range(8)]).values())[:7]
    assert len({style["marker"] for style in styles}) == len({str(style["linestyle"]) for style in styles}) == 7


def test_a_figure_has_a_dark_form_of_every_colour_of_its_lines(store):
    (block,) = sections.differences(store.study())
    drawn = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", block.svg))
    repainted = {light.lower() for light in DARK}
    assert drawn
    assert drawn <= repainted
    for light in drawn:
        assert f"[style*='stroke: {light}']" in block.svg
