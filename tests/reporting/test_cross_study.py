"""Two studies against one baseline: paired where seeds draw from the same streams, Welch's elsewhere, or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner, Result

from sweep.cli.app import app
from sweep.errors import ProtocolError, UsageError
from sweep.reporting.cross_study import compare_studies
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.render.blocks import Html
from sweep.reporting.sections import completeness, read_study
from sweep.reporting.sections.planned_cells import shared_with_others
from sweep.store import Store, open_store
from tests.helpers.report_specs import ArmSpec, StoreSpec, gpu_worker
from tests.helpers.report_stores import fill

Told = dict[tuple[str, int], float]
LONGER = {"T": 500, "schedule": "linear_scaled"}


def study(name: str, **changes: object) -> StoreSpec:
    arms = [ArmSpec("baseline", {}), ArmSpec("schedule=cosine", {"schedule": "cosine"}, effect=-1.0)]
    return StoreSpec(**({"arms": arms, "name": name, "seeds": 5, "curves": False, "grids": False} | changes))


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def two(store: Store, tmp_path: Path) -> tuple[Told, Told]:
    """`short` with a seed fewer than `long`, whose chain is twice as long and 0.6 better."""
    return (
        fill(store, study("short"), tmp_path),
        fill(store, study("long", seeds=6, baseline=LONGER, mean=11.4), tmp_path),
    )


def rows(store: Store, first: str = "short", second: str = "long"):
    found = compare_studies(load_frames(store.engine, first), load_frames(store.engine, second))
    return found, {(row["study"], row["arm"]): row for row in found.arms.to_dict("records")}


def test_arms_of_both_are_compared_with_the_first_baseline_over_common_seeds(store, two) -> None:
    short, long = two
    found, arms = rows(store)
    assert list(arms) == [(s, a) for s in ("short", "long") for a in ("baseline", "schedule=cosine")]
    for name, told in (("short", short), ("long", long)):
        row = arms[name, "schedule=cosine"]
        differences = np.array([told["schedule=cosine", r] - short["baseline", r] for r in range(5)])
        expected = stats.ttest_1samp(differences, 0.0).confidence_interval()
        assert (row["how"], row["pairs"]) == ("paired", 5)
        assert row["difference"] == pytest.approx(differences.mean())
        assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    own = np.array([long["schedule=cosine", r] - long["baseline", r] for r in range(6)])
    assert arms["long", "schedule=cosine"]["own_difference"] == pytest.approx(own.mean())
    assert arms["long", "schedule=cosine"]["own_pairs"] == 6
    assert arms["long", "schedule=cosine"]["says"] == "T = 500, schedule = cosine"
    assert arms["short", "baseline"]["how"] == "same runs"
    assert found.changes == {"T": 500}


def test_other_seeds_make_it_welchs(store, tmp_path) -> None:
    short = fill(store, study("short"), tmp_path)
    long = fill(store, study("long", seeds=6, first_seed=100, baseline=LONGER), tmp_path)
    found, arms = rows(store)
    row = arms["long", "schedule=cosine"]
    mine = [long["schedule=cosine", r] for r in range(6)]
    base = [short["baseline", r] for r in range(5)]
    expected = stats.ttest_ind(mine, base, equal_var=False).confidence_interval()
    assert row["how"] == "welch"
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    assert arms["short", "schedule=cosine"]["how"] == "paired"
    assert any("2 arms of long shared fewer than two seeds" in line and "Welch" in line for line in found.caveats)


def test_the_same_seed_on_a_cpu_draws_from_other_streams_than_on_a_gpu(store, tmp_path) -> None:
    fill(store, study("short"), tmp_path)
    workers = (gpu_worker(), gpu_worker(1, device="cpu"))  # odd replicates are the second's
    fill(store, study("long", baseline=LONGER, workers=workers), tmp_path)
    _, arms = rows(store)
    assert (arms["long", "schedule=cosine"]["how"], arms["long", "schedule=cosine"]["pairs"]) == ("paired", 3)


def test_equal_arms_are_one_and_a_run_that_both_studies_read_counts_once(store, tmp_path) -> None:
    short = fill(store, study("short"), tmp_path)
    arms = [*study("").arms, ArmSpec("lr=0.002", {"lr": 0.002}, effect=0.5)]
    more = fill(store, study("more", seeds=8, arms=arms), tmp_path)
    assert {replicate for arm, replicate in more if arm == "baseline"} == {5, 6, 7}  # the first five are there
    found, by_name = rows(store, "short", "more")
    told = short | more
    assert list(by_name) == [
        ("short and more", "baseline"),
        ("short and more", "schedule=cosine"),
        ("more", "lr=0.002"),
    ]
    baseline = [told["baseline", r] for r in range(8)]
    row = by_name["short and more", "baseline"]
    assert (row["n"], row["shared_runs"], row["is_reference"]) == (8, 5, True)
    assert row["mean"] == pytest.approx(np.mean(baseline))
    assert np.isnan(row["own_difference"])
    for key in (("short and more", "schedule=cosine"), ("more", "lr=0.002")):
        differences = [told[key[1], r] - baseline[r] for r in range(8)]
        row, expected = by_name[key], stats.ttest_1samp(differences, 0.0).confidence_interval()
        assert (row["how"], row["pairs"]) == ("paired", 8)
        assert (row["difference"], row["low"], row["high"]) == pytest.approx((np.mean(differences), *expected))
    assert by_name["short and more", "schedule=cosine"]["own_pairs"] == 5  # within the first study
    (line,) = [line for line in found.caveats if "pooled" in line]
    assert "baseline (8 runs, 5 of them read by both) and schedule=cosine (8 runs, 5 of them read by both)" in line
    assert not any("moved" in line for line in found.caveats)


def test_a_run_that_one_study_excluded_is_in_no_pool(store, tmp_path) -> None:
    short = fill(store, study("short"), tmp_path)
    arms = [ArmSpec("baseline", {}, excluded={1: "the disk was full"}), study("").arms[1]]
    fill(store, study("again", arms=arms), tmp_path)
    _, by_name = rows(store, "short", "again")
    row = by_name["short and again", "baseline"]
    assert row["n"] == 4
    assert row["mean"] == pytest.approx(np.mean([short["baseline", r] for r in (0, 2, 3, 4)]))
    assert by_name["short and again", "schedule=cosine"]["own_pairs"] == 5  # the first study did not exclude it


def test_a_pooled_baseline_whose_later_runs_score_otherwise_is_told(store, tmp_path) -> None:
    fill(store, study("short"), tmp_path)
    fill(store, study("late", first_seed=100, mean=15.0), tmp_path)
    found, by_name = rows(store, "short", "late")
    assert by_name["short and late", "baseline"]["n"] == 10
    (line,) = [line for line in found.caveats if "have the same baseline, but its score moved by" in line]
    assert float(line.split("moved by ")[1].split(". ")[0]) == pytest.approx(3.0, abs=1.0)


def test_a_baseline_that_moved_though_no_file_changed_is_told(store, tmp_path) -> None:
    fill(store, study("short"), tmp_path)
    # One more average of the weights makes it another training, of the same baseline.
    fill(store, study("long", mean=14.0, levels=({}, {"ema_decay": 0.99})), tmp_path)
    found, _ = rows(store)
    (line,) = [line for line in found.caveats if "have the same baseline, but its score moved by" in line]
    assert float(line.split("moved by ")[1].split(". ")[0]) == pytest.approx(2.0, abs=0.4)


def test_scores_from_other_noise_are_refused_with_what_makes_them_anew(store, two) -> None:
    first, second = load_frames(store.engine, "short"), load_frames(store.engine, "long")
    with pytest.raises(ProtocolError, match="noise shared and per_seed") as refused:
        compare_studies(first, replace(second, protocol={**second.protocol, "noise": "per_seed"}))
    assert "Write `noise: shared` under `protocol` in the file of long" in refused.value.next


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("n", 2000, "n 1000 and 2000"),
        ("extractor_sha256", "ef" * 32, "extractor sha256 ababababab and efefefefef"),
        ("reference_sha256", "01" * 32, "reference sha256 cdcdcdcdcd and 0101010101"),
        ("noise_sets", [0], r"noise sets \[0, 1, 2\] and \[0\]"),
        ("extractor", "inception", "classifier and inception"),
    ],
)
def test_another_protocol_is_refused_by_what_differs(store, two, field, value, told) -> None:
    first, second = load_frames(store.engine, "short"), load_frames(store.engine, "long")
    with pytest.raises(ProtocolError, match=f"short and long cannot be compared: .*{told}") as refused:
        compare_studies(first, replace(second, protocol={**second.protocol, field: value}))
    assert refused.value.exit_code == 2
    assert "sweep space diff FILE" in refused.value.next


def test_other_sampling_steps_are_refused_unless_a_level_was_read_at_the_same(store, tmp_path) -> None:
    quick = LONGER | {"sampling_steps": 10}
    fill(store, study("short"), tmp_path)
    told = fill(store, study("both", baseline=quick, levels=({}, {"sampling_steps": 50})), tmp_path)
    assert fill(store, study("quick", baseline=quick), tmp_path) == {}  # all of it is there
    with pytest.raises(ProtocolError, match="sampling_steps 50 in short, 10 in quick") as refused:
        rows(store, "short", "quick")
    assert "sampling_steps: {role: evaluation, levels: [50]}" in refused.value.next
    found, arms = rows(store, "short", "both")
    assert found.evaluation_levels == {"short": {}, "both": {"sampling_steps": 50}}
    assert found.evaluation["sampling_steps"] == 50
    primary = np.mean([told["baseline", r] for r in range(5)])
    assert arms["both", "baseline"]["mean"] == pytest.approx(primary + 0.4, abs=0.1)  # as planted for the second level


def test_a_baseline_without_scores_is_refused(store, tmp_path) -> None:
    for name in ("short", "long"):
        fill(store, study(name), tmp_path, pieces=0)
    with pytest.raises(UsageError, match="the baseline of short has no score yet"):
        rows(store)


@pytest.fixture
def sweep(sqlite_url: str) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, list(words), env={"SWEEP_STORAGE": sqlite_url})


def test_the_table_and_the_json_say_the_same(two, sweep) -> None:
    shown, told = sweep("compare", "short", "long"), json.loads(sweep("compare", "short", "long", "--json").stdout)
    assert shown.exit_code == 0, shown.output
    (row,) = [row for row in told["arms"] if (row["study"], row["arm"]) == ("long", "schedule=cosine")]
    line = next(line for line in shown.stdout.splitlines() if line.startswith("long") and "cosine" in line)
    assert f"{row['difference']:+.3f}".replace("-", "\N{MINUS SIGN}") in line
    assert "5 paired seeds" in line
    assert told["arms"][0]["own_difference"] is None
    assert "The baseline of long differs from that of short: T = 500." in shown.stdout
    assert "no verdict" in shown.stdout


def test_one_study_with_itself_is_refused(two, sweep) -> None:
    refused = sweep("compare", "short", "short")
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.next == "sweep report short"


def test_a_comparison_prints_its_arms(store: Store, two: tuple[Told, Told]) -> None:
    lines = str(rows(store)[0]).splitlines()
    assert re.fullmatch(r"short and long by F.+:", lines[0])
    assert lines[1].split() == ["study", "arm", "n", "mean", "difference", "low", "high"]
    assert [line.split()[:2] for line in lines[2:]] == [
        [name, arm] for name in ("short", "long") for arm in ("baseline", "schedule=cosine")
    ]


def test_a_report_names_the_studies_that_read_the_same_runs(store, tmp_path) -> None:
    fill(store, study("short"), tmp_path)
    assert shared_with_others(load_frames(store.engine, "short")) == ""
    arms = [ArmSpec("baseline", {}), ArmSpec("lr=0.002", {"lr": 0.002})]
    fill(store, study("more", seeds=8, arms=arms), tmp_path)
    frames = load_frames(store.engine, "more")
    assert frames.shared_runs[["arm", "study", "runs"]].to_dict("records") == [
        {"arm": "baseline", "study": "short", "runs": 5}
    ]
    said = shared_with_others(frames)
    assert "Runs of the baseline also belong to short (5 runs)." in said
    assert "Each was trained once" in said
    blocks = completeness(read_study(store.engine, "more", files_root=tmp_path))
    assert isinstance(blocks[0], Html)
    assert "short (5 runs)" in blocks[0].html
